/*
 * issuer_conf.c: voltgate_issuer NAME { ... }, a table of words.
 */

#include "issuer_conf.h"

#define VG_ISSUERS       16
#define VG_ISSUER_LEEWAY 300 /* s, at most */

typedef struct {
    const char       *word;
    ngx_uint_t        min, max; /* of arguments                          */
    vg_issuer_word_pt set;
} vg_issuer_word_t;


/* ------------------------------------------------------------- what words do */

static const char *
vg_word_issuer(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
               ngx_uint_t n)
{
    (void) cf;
    (void) n;
    issuer->terms.issuer = vg_of(args[0]);
    return NULL;
}


static const char *
vg_word_audience(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                 ngx_uint_t n)
{
    (void) cf;
    (void) n;
    issuer->terms.audience = vg_of(args[0]);
    return NULL;
}


static const char *
vg_word_algorithms(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                   ngx_uint_t n)
{
    unsigned   bit;
    ngx_uint_t i;

    (void) cf;
    issuer->algorithms = 0;
    for (i = 0; i < n; i++) {
        bit = vg_jwt_alg_bit(vg_of(args[i]));
        if (bit == 0 || bit == VG_JWT_HS256) {
            return "are ES256 and RS256";
        }
        issuer->algorithms |= bit;
    }
    return issuer->keys ? "come before keys" : NULL;
}


static const char *
vg_word_leeway(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
               ngx_uint_t n)
{
    (void) cf;
    (void) n;
    issuer->terms.leeway = ngx_parse_time(&args[0], 1);
    return issuer->terms.leeway < 0 || issuer->terms.leeway > VG_ISSUER_LEEWAY
               ? "is a time of five minutes at most"
               : NULL;
}


static const char *
vg_word_role(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args, ngx_uint_t n)
{
    u_char           *mark;
    ngx_uint_t        i;
    vg_claims_role_t *role;

    (void) cf;
    issuer->map.role = vg_of(args[0]);
    for (i = 1; i < n; i++) {
        role = ngx_array_push(&issuer->roles);
        mark = args[i].data + args[i].len; /* a value may hold one, too */
        while (mark > args[i].data && *mark != '=') {
            mark--;
        }
        if (role == NULL || mark == args[i].data) {
            return "wants value=role";
        }
        role->value =
            (vg_str_t){ (char *) args[i].data, (size_t) (mark - args[i].data) };
        role->role = vg_str((char *) mark + 1);
        if (!vg_role_known(role->role)) {
            return "names a role that there is not";
        }
    }
    return NULL;
}


static const char *
vg_word_default(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                ngx_uint_t n)
{
    (void) cf;
    (void) n;
    issuer->map.default_role =
        ngx_strcmp(args[0].data, "none") == 0 ? VG_STR("") : vg_of(args[0]);
    return issuer->map.default_role.len
                   && !vg_role_known(issuer->map.default_role)
               ? "is no role"
               : NULL;
}


static const char *
vg_word_company(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                ngx_uint_t n)
{
    (void) cf;
    (void) n;
    issuer->map.company = vg_of(args[0]);
    return NULL;
}


static const char *
vg_word_scope(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
              ngx_uint_t n)
{
    (void) cf;
    (void) n;
    issuer->map.scope = vg_of(args[0]);
    return NULL;
}


static const char *
vg_word_users(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
              ngx_uint_t n)
{
    (void) cf;
    (void) n;
    issuer->users = ngx_strcmp(args[0].data, "on") == 0;
    return issuer->users || ngx_strcmp(args[0].data, "off") == 0
               ? NULL
               : "is on or off";
}


/* ------------------------------------------------------------------ times */

static const char *
vg_word_refresh(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                ngx_uint_t n)
{
    ngx_int_t least = ngx_parse_time(&args[0], 0);
    ngx_int_t most = ngx_parse_time(&args[1], 0);

    (void) cf;
    (void) n;
    if (least < 1000 || most < least || most > 7 * 86400000L) {
        return "wants two times: a second at least, a week at most";
    }
    issuer->least = (ngx_msec_t) least;
    issuer->most = (ngx_msec_t) most;
    return NULL;
}


/* clang-format off */
static const vg_issuer_word_t vg_issuer_words[] = {
    { "issuer",             1, 1,  vg_word_issuer },
    { "audience",           1, 1,  vg_word_audience },
    { "algorithms",         1, 2,  vg_word_algorithms },
    { "leeway",             1, 1,  vg_word_leeway },
    { "key",                1, 2,  vg_issuer_word_key },
    { "jwks_file",          1, 1,  vg_issuer_word_jwks_file },
    { "jwks",               1, 2,  vg_issuer_word_jwks },
    { "refresh",            2, 2,  vg_word_refresh },
    { "development_secret", 1, 2,  vg_issuer_word_secret },
    { "role",               1, 16, vg_word_role },
    { "default_role",       1, 1,  vg_word_default },
    { "company",            1, 1,  vg_word_company },
    { "scope",              1, 1,  vg_word_scope },
    { "users",              1, 1,  vg_word_users },
    { NULL, 0, 0, NULL }
};
/* clang-format on */


/* --------------------------------------------------------------- the block */

static char *
vg_issuer_wrong(ngx_conf_t *cf, ngx_str_t *what, const char *why)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate_issuer: %V %s", what,
                       why);
    return NGX_CONF_ERROR;
}


static char *
vg_issuer_read(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_str_t              *word = cf->args->elts;
    const char             *wrong;
    const vg_issuer_word_t *w;

    (void) dummy;
    (void) conf;
    for (w = vg_issuer_words; w->word != NULL; w++) {
        if (ngx_strcmp(word[0].data, w->word) == 0) {
            break;
        }
    }
    if (w->word == NULL) {
        return vg_issuer_wrong(cf, &word[0], "is no word of it");
    }
    if (cf->args->nelts - 1 < w->min || cf->args->nelts - 1 > w->max) {
        return vg_issuer_wrong(cf, &word[0], "has too few words, or too many");
    }
    wrong = w->set(cf, cf->handler_conf, word + 1, cf->args->nelts - 1);
    return wrong ? vg_issuer_wrong(cf, &word[0], wrong) : NGX_CONF_OK;
}


static void
vg_issuer_free(void *data)
{
    vg_issuer_t *issuer = data;

    vg_jwt_keys_free(issuer->keys);
    issuer->keys = NULL;
}


vg_issuer_t *
vg_issuer_add(ngx_conf_t *cf, ngx_array_t *issuers)
{
    vg_issuer_t        *issuer = ngx_pcalloc(cf->pool, sizeof(vg_issuer_t));
    vg_issuer_t       **place = ngx_array_push(issuers);
    ngx_pool_cleanup_t *cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (issuer == NULL || place == NULL || cln == NULL
        || ngx_array_init(&issuer->roles, cf->pool, 4, sizeof(vg_claims_role_t))
               != NGX_OK)
    {
        return NULL;
    }
    cln->handler = vg_issuer_free;
    cln->data = issuer;
    issuer->terms.leeway = VG_JWT_LEEWAY;
    issuer->algorithms = VG_JWT_ES256 | VG_JWT_RS256;
    issuer->map.role = VG_STR("role");
    issuer->map.company = VG_STR("");
    issuer->map.scope = VG_STR("");
    issuer->map.default_role = VG_STR("");
    issuer->least = 60000;
    issuer->most = 86400000;
    *place = issuer;
    return issuer;
}


/* it becomes a part of subjects, and of a name of outbound's */
static ngx_uint_t
vg_issuer_named(const ngx_str_t *name)
{
    size_t i;

    for (i = 0; i < name->len; i++) {
        if (!((name->data[i] >= 'a' && name->data[i] <= 'z')
              || (name->data[i] >= '0' && name->data[i] <= '9')
              || (name->data[i] == '-' && i > 0)))
        {
            return 0;
        }
    }
    return name->len > 0 && name->len <= 32;
}


static const char *
vg_issuer_whole(vg_issuer_t *issuer, ngx_array_t *issuers)
{
    ngx_uint_t    i;
    vg_issuer_t **other = issuers->elts;

    if (issuer->terms.issuer.len == 0 || issuer->terms.audience.len == 0) {
        return "wants issuer and audience";
    }
    if (issuer->target == NULL
        && (issuer->keys == NULL || vg_jwt_keys_count(issuer->keys) == 0))
    {
        return "wants jwks, jwks_file, key or development_secret";
    }
    for (i = 0; i < issuers->nelts && other[i] != issuer; i++) {
        if ((other[i]->name.len == issuer->name.len
             && ngx_strncmp(other[i]->name.data, issuer->name.data,
                            issuer->name.len)
                    == 0)
            || (other[i]->terms.issuer.len == issuer->terms.issuer.len
                && ngx_strncmp(other[i]->terms.issuer.data,
                               issuer->terms.issuer.data,
                               issuer->terms.issuer.len)
                       == 0))
        {
            return "is there twice, by its name or its issuer";
        }
    }
    issuer->map.roles = issuer->roles.elts;
    issuer->map.count = issuer->roles.nelts;
    return NULL;
}


char *
vg_issuer_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char        *rc;
    ngx_str_t   *word = cf->args->elts;
    ngx_conf_t   saved = *cf;
    const char  *wrong;
    ngx_array_t *issuers = conf;
    vg_issuer_t *issuer;

    (void) cmd;
    if (!vg_issuer_named(&word[1]) || issuers->nelts == VG_ISSUERS) {
        return vg_issuer_wrong(cf, &word[1],
                               "is no name of a-z, 0-9 and -, or one too many");
    }
    issuer = vg_issuer_add(cf, issuers);
    if (issuer == NULL) {
        return NGX_CONF_ERROR;
    }
    issuer->name = word[1];
    cf->handler = vg_issuer_read;
    cf->handler_conf = (void *) issuer;
    rc = ngx_conf_parse(cf, NULL);
    *cf = saved;
    if (rc != NGX_CONF_OK) {
        return rc;
    }
    wrong = vg_issuer_whole(issuer, issuers);
    return wrong ? vg_issuer_wrong(cf, &issuer->name, wrong) : NGX_CONF_OK;
}
