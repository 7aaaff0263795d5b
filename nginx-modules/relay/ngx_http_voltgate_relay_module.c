/*
 * ngx_http_voltgate_relay_module: the directive voltgate_relay, and the start
 * of what it names in worker 0.
 */

#include "relay.h"
#include "spawn.h"

static void     *vg_relay_create(ngx_conf_t *cf);
static char     *vg_set_relay(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t vg_relay_ready(ngx_conf_t *cf);
static ngx_int_t vg_relay_begin(ngx_cycle_t *cycle);

typedef struct {
    ngx_array_t lines;  /* of vg_relay_t *, each a directive              */
    ngx_array_t relays; /* of vg_relay_t *: each line for each database   */
} vg_relay_conf_t;

typedef enum { VG_RELAY_TEXT, VG_RELAY_FILE, VG_RELAY_ON } vg_relay_value_t;

/* clang-format off */

/* what may stand behind the address, and the option that it becomes; that
 * knows what its value may be */
static const struct {
    ngx_str_t        key;
    vg_relay_value_t value;
    const char      *option;
} vg_relay_keys[] = {
    { ngx_string("password_file"), VG_RELAY_FILE, "--password-file" },
    { ngx_string("ca"),            VG_RELAY_FILE, "--ca" },
    { ngx_string("name"),          VG_RELAY_TEXT, "--name" },
    { ngx_string("from"),          VG_RELAY_TEXT, "--from" },
    { ngx_string("window"),        VG_RELAY_TEXT, "--window" },
    { ngx_string("tls"),           VG_RELAY_ON,   "--tls" },
    { ngx_string("user"),          VG_RELAY_TEXT, "--user" },
    { ngx_string("sasl"),          VG_RELAY_TEXT, "--sasl" },
};

#define VG_RELAY_KEYS (sizeof(vg_relay_keys) / sizeof(vg_relay_keys[0]))

static ngx_command_t  vg_relay_commands[] = {

    { ngx_string("voltgate_relay"), NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
      vg_set_relay, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_relay_ctx = {
    NULL, vg_relay_ready, vg_relay_create, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_relay_module = {
    NGX_MODULE_V1,
    &vg_relay_ctx,
    vg_relay_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_relay_begin,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


static void *
vg_relay_create(ngx_conf_t *cf)
{
    vg_relay_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_relay_conf_t));

    if (conf == NULL
        || ngx_array_init(&conf->lines, cf->pool, 2, sizeof(vg_relay_t *))
        || ngx_array_init(&conf->relays, cf->pool, 2, sizeof(vg_relay_t *)))
    {
        return NULL;
    }
    return conf;
}


static void
vg_relay_word(vg_relay_t *relay, const char *word)
{
    relay->words[relay->nwords++] = (char *) word;
}


/* user:password@ would be in the conf, and in the process's arguments */
static ngx_uint_t
vg_relay_secret(const ngx_str_t *address)
{
    u_char *p = (u_char *) ngx_strstr(address->data, "://");
    u_char *at, *colon, *last = address->data + address->len;

    p = p != NULL ? p + 3 : address->data;
    at = ngx_strlchr(p, last, '@');
    colon = ngx_strlchr(p, last, ':');
    return at != NULL && colon != NULL && colon < at;
}


/* key=value becomes --key value */
static char *
vg_relay_key(ngx_conf_t *cf, vg_relay_t *relay, const ngx_str_t *word)
{
    size_t     len;
    ngx_str_t  value;
    ngx_uint_t i;

    for (i = 0; i < VG_RELAY_KEYS; i++) {
        len = vg_relay_keys[i].key.len;
        if (word->len > len + 1 && word->data[len] == '='
            && ngx_strncmp(word->data, vg_relay_keys[i].key.data, len) == 0)
        {
            break;
        }
    }
    if (i == VG_RELAY_KEYS || relay->nwords + 5 > VG_RELAY_WORDS) {
        return "knows password_file, ca, name, from, window, tls=on, user "
               "and sasl, each with its value";
    }
    value = (ngx_str_t){ word->len - len - 1, word->data + len + 1 };
    vg_relay_word(relay, vg_relay_keys[i].option);
    switch (vg_relay_keys[i].value) {
    case VG_RELAY_ON:
        return ngx_strcmp(value.data, "on") == 0 ? NGX_CONF_OK
                                                 : "takes tls=on alone";
    case VG_RELAY_FILE:
        if (ngx_conf_full_name(cf->cycle, &value, 1) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
        if (access((char *) value.data, F_OK) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               "\"%V\" of voltgate_relay", &value);
            return NGX_CONF_ERROR;
        }
        break;
    case VG_RELAY_TEXT:
        if (vg_relay_keys[i].key.len == 4
            && ngx_strncmp(word->data, "name", 4) == 0) {
            relay->name = value;
        }
        break;
    }
    vg_relay_word(relay, (char *) value.data);
    return NGX_CONF_OK;
}


/* two of a name would take turns at one place in the log */
static ngx_uint_t
vg_relay_twice(const vg_relay_conf_t *conf, const vg_relay_t *relay)
{
    ngx_uint_t   i;
    vg_relay_t **r = conf->lines.elts;

    for (i = 0; i < conf->lines.nelts; i++) {
        if (r[i] != relay && r[i]->name.len == relay->name.len
            && ngx_strncmp(r[i]->name.data, relay->name.data, relay->name.len)
                   == 0)
        {
            return 1;
        }
    }
    return 0;
}


static char *
vg_set_relay(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char            *rc;
    ngx_str_t       *value = cf->args->elts;
    ngx_uint_t       i;
    vg_relay_t      *relay, **slot;
    vg_relay_conf_t *rcf = conf;

    (void) cmd;
    relay = ngx_pcalloc(cf->pool, sizeof(vg_relay_t));
    slot = ngx_array_push(&rcf->lines);
    if (relay == NULL || slot == NULL) {
        return NGX_CONF_ERROR;
    }
    *slot = relay;
    relay->kind = relay->name = value[1];
    if (ngx_strcmp(value[1].data, "rabbitmq") != 0
        && ngx_strcmp(value[1].data, "kafka") != 0)
    {
        return "wants rabbitmq or kafka, an address, and key=value";
    }
    if (vg_relay_secret(&value[2])) {
        return "has a password in its address: password_file=FILE";
    }
    vg_relay_word(relay, "voltgate");
    vg_relay_word(relay, "relay");
    vg_relay_word(relay, (char *) value[1].data);
    vg_relay_word(relay, (char *) value[2].data);
    vg_relay_word(relay, "--stdin");
    for (i = 3; i < cf->args->nelts; i++) {
        rc = vg_relay_key(cf, relay, &value[i]);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }
    return vg_relay_twice(rcf, relay) ? "is there twice: name=NAME"
                                      : NGX_CONF_OK;
}


static ngx_int_t
vg_relay_over(ngx_conf_t *cf, ngx_array_t *relays, const vg_relay_t *line,
              const vg_database_t *db)
{
    u_char     *database;
    vg_relay_t *relay, **slot;

    database =
        ngx_pnalloc(cf->pool, db->conninfo.len + sizeof("DATABASE_URL="));
    relay = ngx_pcalloc(cf->pool, sizeof(vg_relay_t));
    slot = ngx_array_push(relays);
    if (database == NULL || relay == NULL || slot == NULL) {
        return NGX_ERROR;
    }
    ngx_sprintf(database, "DATABASE_URL=%V%Z", &db->conninfo);
    *relay = *line;
    relay->database = (char *) database;
    vg_relay_word(relay, "--log");
    vg_relay_word(relay, (char *) db->name.data);
    *slot = relay;
    return NGX_OK;
}


static ngx_int_t
vg_relay_ready(ngx_conf_t *cf)
{
    ngx_fd_t         command;
    vg_host_t       *host = vg_host_conf(cf);
    ngx_uint_t       i, k;
    vg_relay_t     **line;
    vg_database_t   *db = host->databases.elts;
    vg_relay_conf_t *rcf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_relay_module);

    if (rcf->lines.nelts == 0) {
        return NGX_OK;
    }
    if (vg_relay_count_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }
    command = vg_spawn_command(cf);
    if (command == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }
    line = rcf->lines.elts;
    for (i = 0; i < rcf->lines.nelts; i++) {
        line[i]->command = command;
        for (k = 0; k < host->databases.nelts; k++) {
            if (vg_relay_over(cf, &rcf->relays, line[i], &db[k]) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }
    return NGX_OK;
}


/* the clerk's worker: it hears first that the log has grown */
static ngx_int_t
vg_relay_begin(ngx_cycle_t *cycle)
{
    ngx_uint_t       i;
    vg_relay_t     **relay;
    vg_relay_conf_t *rcf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_relay_module);

    if (rcf == NULL || ngx_process != NGX_PROCESS_WORKER || ngx_worker != 0) {
        return NGX_OK;
    }
    relay = rcf->relays.elts;
    for (i = 0; i < rcf->relays.nelts; i++) {
        vg_relay_start(relay[i]);
    }
    if (i > 0) {
        vg_relay_count_start();
    }
    return NGX_OK;
}


void
vg_relay_wake(void)
{
    ngx_uint_t       i;
    vg_relay_t     **relay;
    vg_relay_conf_t *rcf = ngx_http_cycle_get_module_main_conf(
        ngx_cycle, ngx_http_voltgate_relay_module);

    relay = rcf->relays.elts;
    for (i = 0; i < rcf->relays.nelts; i++) {
        if (relay[i]->held != NULL) {
            /* full: it has words enough to read */
            (void) send(relay[i]->held->fd, "\n", 1, MSG_NOSIGNAL);
        }
    }
}
