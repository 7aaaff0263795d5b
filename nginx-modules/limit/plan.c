/*
 * plan.c: plans: their directives, and which one is whose.
 *
 *   voltgate_plan NAME rate=100r/s burst=200 concurrent=20 quota=1000000/month;
 *   voltgate_plan NAME "route=POST /auth/token" rate=30r/m burst=5;
 *   voltgate_limit role=driver plan=NAME;
 */

#include "identity.h"
#include "limit.h"

#define VG_PLAN_UNSET NGX_CONF_UNSET

typedef enum { VG_TERM_RATE, VG_TERM_NUMBER, VG_TERM_QUOTA } vg_term_form_t;

typedef struct {
    const char    *key;
    vg_term_form_t form;
    size_t         offset;
    ngx_int_t      min, max; /* of what is stored                        */
    unsigned       route:1;  /* a route may have its own                 */
} vg_term_t;

#define VG_TERM(key, form, member, min, max, route)                            \
    {                                                                          \
        key, form, offsetof(vg_limit_terms_t, member), min, max, route         \
    }

/* clang-format off */
static const vg_term_t vg_plan_terms[] = {
    VG_TERM("rate",       VG_TERM_RATE,   every,      10, 3600000000, 1),
    VG_TERM("burst",      VG_TERM_NUMBER, burst,      1,  1000000, 1),
    VG_TERM("concurrent", VG_TERM_NUMBER, concurrent, 0,  VG_PLACE_MOST, 0),
    VG_TERM("quota",      VG_TERM_QUOTA,  quota,      0,  1000000000000, 0),
    { NULL, 0, 0, 0, 0, 0 }
};

/* Without a line in the conf: a plan for each role, by its name. */
static const struct {
    const char      *name;
    vg_limit_terms_t terms;
} vg_plan_kit[] = {
    { "driver",        { 1000000 / 20,  60,   20,  0 } },
    { "operator",      { 1000000 / 100, 200,  50,  0 } },
    { "fleet_manager", { 1000000 / 100, 200,  50,  0 } },
    { "planner",       { 1000000 / 20,  60,   10,  0 } },
    { "partner",       { 1000000 / 50,  100,  20,  0 } },
    { "admin",         { 1000000 / 200, 400,  100, 0 } },
    { "anonymous",     { 1000000 / 10,  20,   20,  0 } },
    { NULL,            { 0, 0, 0, 0 } }
};
/* clang-format on */


static ngx_int_t *
vg_plan_term(vg_limit_terms_t *terms, const vg_term_t *term)
{
    return (ngx_int_t *) ((u_char *) terms + term->offset);
}


vg_plan_t *
vg_plan_named(vg_limit_conf_t *conf, const u_char *name, size_t len)
{
    ngx_uint_t i;
    vg_plan_t *plan = conf->plans.elts;

    for (i = 0; i < conf->plans.nelts; i++) {
        if (plan[i].name.len == len
            && ngx_memcmp(plan[i].name.data, name, len) == 0) {
            return &plan[i];
        }
    }
    return NULL;
}


ngx_int_t
vg_plans_create(ngx_conf_t *cf, vg_limit_conf_t *conf)
{
    ngx_uint_t i;
    vg_plan_t *plan;

    if (ngx_array_init(&conf->plans, cf->pool, VG_PLANS, sizeof(vg_plan_t))
        || ngx_array_init(&conf->roles, cf->pool, 8, sizeof(vg_limit_role_t)))
    {
        return NGX_ERROR;
    }
    for (i = 0; vg_plan_kit[i].name != NULL; i++) {
        plan = ngx_array_push(&conf->plans); /* there is room for all */
        ngx_memzero(plan, sizeof(vg_plan_t));
        plan->name.data = (u_char *) vg_plan_kit[i].name;
        plan->name.len = ngx_strlen(vg_plan_kit[i].name);
        plan->terms = vg_plan_kit[i].terms;
    }
    return NGX_OK;
}


/* "100r/s", "30r/m", "10r/h": us from one to the next, rounded down */
static ngx_int_t
vg_plan_rate(const u_char *text, size_t len)
{
    ngx_int_t n, per;

    if (len < 4 || text[len - 2] != '/' || text[len - 3] != 'r') {
        return NGX_ERROR;
    }
    per = text[len - 1] == 's'   ? 1000000
          : text[len - 1] == 'm' ? 60000000
          : text[len - 1] == 'h' ? 3600000000
                                 : 0;
    n = ngx_atoi((u_char *) text, len - 3);
    return n > 0 && per ? per / n : NGX_ERROR;
}


static ngx_int_t
vg_plan_value(const vg_term_t *term, const u_char *text, size_t len)
{
    static const u_char month[] = "/month";
    size_t              tail = sizeof(month) - 1;

    if (term->form == VG_TERM_RATE) {
        return vg_plan_rate(text, len);
    }
    if (term->form == VG_TERM_QUOTA) {
        if (len <= tail || ngx_memcmp(text + len - tail, month, tail) != 0) {
            return NGX_ERROR;
        }
        len -= tail;
    }
    return ngx_atoi((u_char *) text, len);
}


static char *
vg_plan_wrong(ngx_conf_t *cf, const ngx_str_t *word, const char *why)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate: \"%V\" %s", word, why);
    return NGX_CONF_ERROR;
}


static char *
vg_plan_word(ngx_conf_t *cf, const ngx_str_t *word, vg_limit_terms_t *terms,
             ngx_uint_t route)
{
    size_t           len;
    ngx_int_t        n;
    const vg_term_t *term;

    for (term = vg_plan_terms; term->key != NULL; term++) {
        len = ngx_strlen(term->key);
        if (word->len <= len || word->data[len] != '='
            || ngx_memcmp(word->data, term->key, len) != 0)
        {
            continue;
        }
        if (route && !term->route) {
            return vg_plan_wrong(cf, word, "is no word of a route");
        }
        n = vg_plan_value(term, word->data + len + 1, word->len - len - 1);
        if (n == NGX_ERROR || n < term->min || n > term->max) {
            return vg_plan_wrong(cf, word, "is out of its range");
        }
        *vg_plan_term(terms, term) = n;
        return NGX_CONF_OK;
    }
    return vg_plan_wrong(cf, word,
                         "is none of rate=, burst=, concurrent=, quota=");
}


/* a label of metrics */
static ngx_uint_t
vg_plan_name_good(const ngx_str_t *name)
{
    size_t i;

    for (i = 0; i < name->len; i++) {
        if (!((name->data[i] >= 'a' && name->data[i] <= 'z')
              || (name->data[i] >= '0' && name->data[i] <= '9')
              || name->data[i] == '_' || (name->data[i] == '-' && i > 0)))
        {
            return 0;
        }
    }
    return name->len > 0 && name->len <= 64;
}


static vg_plan_t *
vg_plan_make(vg_limit_conf_t *conf, const ngx_str_t *name)
{
    vg_plan_t       *plan = vg_plan_named(conf, name->data, name->len);
    const vg_term_t *term;

    if (plan != NULL || conf->plans.nelts == VG_PLANS) {
        return plan;
    }
    plan = ngx_array_push(&conf->plans);
    ngx_memzero(plan, sizeof(vg_plan_t));
    plan->name = *name;
    for (term = vg_plan_terms; term->route; term++) { /* must be said */
        *vg_plan_term(&plan->terms, term) = VG_PLAN_UNSET;
    }
    return plan;
}


vg_plan_route_t *
vg_plan_route(vg_plan_t *plan, const ngx_str_t *label)
{
    ngx_uint_t       i;
    vg_plan_route_t *r = plan->routes;

    for (i = 0; i < plan->nroutes; i++) {
        if (r[i].label.len == label->len
            && ngx_memcmp(r[i].label.data, label->data, label->len) == 0)
        {
            return &r[i];
        }
    }
    return NULL;
}


/* a later line of the same plan, or of the same route, changes it */
static vg_limit_terms_t *
vg_plan_line(vg_plan_t *plan, const ngx_str_t *word)
{
    ngx_str_t        label;
    vg_plan_route_t *route;

    if (word->len < 7 || ngx_memcmp(word->data, "route=", 6) != 0) {
        return &plan->terms;
    }
    label = (ngx_str_t){ word->len - 6, word->data + 6 };
    route = vg_plan_route(plan, &label);
    if (route != NULL || plan->nroutes == VG_PLAN_ROUTES) {
        return route ? &route->terms : NULL;
    }
    route = &plan->routes[plan->nroutes++];
    route->label = label;
    route->terms.every = VG_PLAN_UNSET;
    route->terms.burst = VG_PLAN_UNSET;
    return &route->terms;
}


char *
vg_set_plan(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_str_t        *word = cf->args->elts;
    ngx_uint_t        i;
    vg_plan_t        *plan;
    vg_limit_terms_t *terms;

    (void) cmd;
    if (!vg_plan_name_good(&word[1])) {
        return "has a name that is not of a-z, 0-9, _ and -";
    }
    plan = vg_plan_make(data, &word[1]);
    if (plan == NULL) {
        return "is one too many";
    }
    terms = vg_plan_line(plan, &word[2]);
    if (terms == NULL) {
        return "has too many routes";
    }
    for (i = terms == &plan->terms ? 2 : 3; i < cf->args->nelts; i++) {
        if (vg_plan_word(cf, &word[i], terms, terms != &plan->terms)
            != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}


char *
vg_set_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_str_t       *word = cf->args->elts;
    vg_limit_conf_t *conf = data;
    vg_limit_role_t *role;

    (void) cmd;
    if (cf->args->nelts == 2) {
        conf->off = ngx_strcmp(word[1].data, "off") == 0;
        return conf->off ? NGX_CONF_OK : "wants role=ROLE plan=NAME, or off";
    }
    role = ngx_array_push(&conf->roles);
    if (role == NULL) {
        return NGX_CONF_ERROR;
    }
    if (word[1].len < 6 || ngx_memcmp(word[1].data, "role=", 5) != 0
        || word[2].len < 6 || ngx_memcmp(word[2].data, "plan=", 5) != 0)
    {
        return "wants role=ROLE plan=NAME";
    }
    role->role = (ngx_str_t){ word[1].len - 5, word[1].data + 5 };
    role->plan = (ngx_str_t){ word[2].len - 5, word[2].data + 5 };
    if (!vg_role_known(vg_of(role->role))
        && ngx_strcmp(role->role.data, "anonymous") != 0
        && ngx_strcmp(role->role.data, "default") != 0)
    {
        return "names a role that is not known";
    }
    return NGX_CONF_OK;
}


/* what is set by now is all; NULL or what is wrong */
static const char *
vg_plan_rule(const vg_limit_terms_t *terms, vg_gcra_rule_t *rule)
{
    if (terms->every == VG_PLAN_UNSET || terms->burst == VG_PLAN_UNSET) {
        return "wants rate= and burst=";
    }
    rule->step = (uint64_t) terms->every;
    rule->window = rule->step * (uint64_t) terms->burst;
    return rule->window > VG_GCRA_AHEAD
               ? "lets more come at once than its rate gives in an hour"
               : NULL;
}


char *
vg_plans_ready(ngx_conf_t *cf, vg_limit_conf_t *conf)
{
    ngx_uint_t       i, k;
    vg_plan_t       *plan = conf->plans.elts;
    const char      *why;
    vg_limit_role_t *role = conf->roles.elts;

    for (i = 0; i < conf->plans.nelts; i++) {
        why = vg_plan_rule(&plan[i].terms, &plan[i].rule);
        for (k = 0; why == NULL && k < plan[i].nroutes; k++) {
            why =
                vg_plan_rule(&plan[i].routes[k].terms, &plan[i].routes[k].rule);
        }
        if (why != NULL) {
            return vg_plan_wrong(cf, &plan[i].name, why);
        }
    }
    for (i = 0; i < conf->roles.nelts; i++) {
        if (vg_plan_named(conf, role[i].plan.data, role[i].plan.len) == NULL) {
            return vg_plan_wrong(cf, &role[i].plan, "is no plan");
        }
    }
    return NGX_CONF_OK;
}


static vg_plan_t *
vg_plan_for(vg_limit_conf_t *conf, const char *role, size_t len)
{
    ngx_uint_t       i;
    vg_limit_role_t *r = conf->roles.elts;

    for (i = 0; i < conf->roles.nelts; i++) {
        if (r[i].role.len == len && ngx_memcmp(r[i].role.data, role, len) == 0)
        {
            return vg_plan_named(conf, r[i].plan.data, r[i].plan.len);
        }
    }
    return NULL;
}


/* A role that has none of its own has the default one, and if there is none
 * the kit's. */
static vg_plan_t *
vg_plan_role(vg_limit_conf_t *conf, const char *role, size_t len)
{
    vg_plan_t *plan = vg_plan_for(conf, role, len);

    plan = plan ? plan : vg_plan_for(conf, "default", 7);
    plan = plan ? plan : vg_plan_named(conf, (const u_char *) role, len);
    return plan ? plan : vg_plan_named(conf, (const u_char *) "anonymous", 9);
}


/* each name once, as far as a few are remembered */
static void
vg_plan_unknown(vg_str_t name)
{
    ngx_str_t         part = vg_ngx(name);
    uint64_t          hash = vg_hash(&part, 1);
    ngx_uint_t        i;
    static uint64_t   told[16];
    static ngx_uint_t next;

    for (i = 0; i < 16; i++) {
        if (told[i] == hash) {
            return;
        }
    }
    told[next++ % 16] = hash;
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "voltgate: a key or token has the plan \"%V\", which the "
                  "conf does not know: its role's is taken",
                  &part);
}


vg_plan_t *
vg_plan_of(vg_limit_conf_t *conf, const vg_caller_t *caller)
{
    vg_plan_t *plan;

    if (caller->id.len == 0) {
        return vg_plan_role(conf, "anonymous", 9);
    }
    if (caller->plan.len) {
        plan = vg_plan_named(conf, (const u_char *) caller->plan.data,
                             caller->plan.len);
        if (plan != NULL) {
            return plan;
        }
        vg_plan_unknown(caller->plan);
    }
    return vg_plan_role(conf, caller->role.data, caller->role.len);
}
