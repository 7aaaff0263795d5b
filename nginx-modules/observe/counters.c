/*
 * counters.c: what plugins count of themselves, in shared memory.
 *
 * A word for each value of each counter, found by the hash of plugin, counter
 * and value: so it goes on over a reload and a swap, and a version that is
 * gone leaves its words behind. Their number is bounded by the manifests.
 */

#include "rooms.h"

#define VG_COUNTED        4096 /* words, of all plugins                     */
#define VG_COUNTED_PLUGIN 64   /* ... of one                                */
#define VG_COUNTER_NAME   40   /* bytes                                     */

#define VG_COUNTER_LOWER  "abcdefghijklmnopqrstuvwxyz"
#define VG_COUNTER_UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define VG_COUNTER_DIGITS "0123456789"

typedef struct {
    ngx_atomic_t is; /* hash; 0: free                                       */
    ngx_atomic_t count;
} vg_counted_t;

static vg_counted_t *vg_counted;


size_t
vg_counters_size(void)
{
    return VG_COUNTED * sizeof(vg_counted_t);
}


void
vg_counters_init(void *shared)
{
    vg_counted = shared;
}


/* the word, which is made when it may be; NULL: there is none, or no room */
static vg_counted_t *
vg_counters_word(const vg_plugin_slot_t *plugin, const char *name,
                 vg_str_t value, ngx_uint_t make)
{
    ngx_str_t  parts[] = { plugin->name, vg_ngx(vg_str(name)), vg_ngx(value) };
    ngx_uint_t i;
    vg_counted_t     *w;
    ngx_atomic_uint_t h = vg_hash(parts, 3);

    for (i = 0; i < VG_COUNTED; i++) {
        w = &vg_counted[(h + i) % VG_COUNTED];
        if (w->is == h || (make && ngx_atomic_cmp_set(&w->is, 0, h))
            || w->is == h) {
            return w;
        }
        if (w->is == 0) {
            return NULL;
        }
    }
    return NULL;
}


/* of "A|B|C": the first; what is behind it begins the next look */
static vg_str_t
vg_counters_value(const char **values)
{
    vg_str_t value = { *values, strcspn(*values, "|") };

    *values += value.len + ((*values)[value.len] == '|');
    return value;
}


static const vg_counter_t *
vg_counters_find(const vg_plugin_slot_t *plugin, const char *name)
{
    const vg_counter_t *c = plugin->manifest->counters;

    while (c != NULL && c->name != NULL && ngx_strcmp(c->name, name) != 0) {
        c++;
    }
    return c != NULL && c->name != NULL ? c : NULL;
}


/* whether a counter has that value; NULL where it has no label */
static ngx_uint_t
vg_counters_has(const vg_counter_t *c, const char *value)
{
    const char *rest = c->values;

    if (rest == NULL || value == NULL) {
        return rest == NULL && value == NULL;
    }
    while (*rest != '\0') {
        if (vg_str_eq(vg_counters_value(&rest), value)) {
            return 1;
        }
    }
    return 0;
}


bool
vg_count(vg_call_t *call, const char *name, const char *value, uint64_t more)
{
    const vg_plugin_slot_t *plugin = call->endpoint->plugin;
    const vg_counter_t     *c = vg_counters_find(plugin, name);
    vg_counted_t           *w;

    if (c == NULL || !vg_counters_has(c, value)) {
        vg_log(call, VG_LOG_ERROR, "there is no counter %s%s%s", name,
               value ? " of " : "", value ? value : "");
        return false;
    }
    w = vg_counted
            ? vg_counters_word(plugin, name, vg_str(value ? value : ""), 1)
            : NULL;
    if (w != NULL) {
        (void) ngx_atomic_fetch_add(&w->count, (ngx_atomic_int_t) more);
    }
    return true;
}


/* ------------------------------------------------------------ the manifest */

static ngx_uint_t
vg_counters_named(vg_str_t s, const char *first, const char *rest)
{
    size_t i;

    if (s.len == 0 || s.len > VG_COUNTER_NAME
        || strchr(first, s.data[0]) == NULL) {
        return 0;
    }
    for (i = 1; i < s.len; i++) {
        if (strchr(rest, s.data[i]) == NULL) {
            return 0;
        }
    }
    return 1;
}


static ngx_uint_t
vg_counters_snake(const char *name)
{
    return vg_counters_named(vg_str(name), VG_COUNTER_LOWER,
                             VG_COUNTER_LOWER VG_COUNTER_DIGITS "_");
}


/* NULL, or what is wrong with the values; words: how many they are */
static const char *
vg_counters_values(const char *values, ngx_uint_t *words)
{
    static const char                     chars[] =
        VG_COUNTER_LOWER VG_COUNTER_UPPER VG_COUNTER_DIGITS "_.-";
    vg_str_t                              value, other;
    const char                           *rest = values, *before;

    for (*words = 0; *rest != '\0' || *words == 0; (*words)++) {
        value = vg_counters_value(&rest);
        if (!vg_counters_named(value, chars, chars)) {
            return "a value is a word of letters, digits, '_', '.' and '-'";
        }
        for (before = values; before < value.data; /* void */) {
            other = vg_counters_value(&before);
            if (other.len == value.len
                && ngx_strncmp(other.data, value.data, value.len) == 0)
            {
                return "a value is there twice";
            }
        }
    }
    return NULL;
}


/* NULL, or what is wrong with a counter; words: how many it has */
static const char *
vg_counters_wrong(const vg_counter_t *c, ngx_uint_t *words)
{
    *words = 1;
    if (!vg_counters_snake(c->name)) {
        return "its name is in snake_case, of at most 40 characters";
    }
    if (c->about == NULL || c->about[0] == '\0' || strchr(c->about, '\n')
        || strchr(c->about, '\\'))
    {
        return "it says in one line what it is about";
    }
    if ((c->label == NULL) != (c->values == NULL)
        || (c->label && !vg_counters_snake(c->label)))
    {
        return "it has label and values, or neither";
    }
    return c->values ? vg_counters_values(c->values, words) : NULL;
}


ngx_int_t
vg_counters_fit(vg_plugin_slot_t *plugin)
{
    ngx_uint_t          words, all = 0;
    const char         *wrong = NULL;
    const vg_counter_t *c = plugin->manifest->counters;

    for (/* void */; c != NULL && c->name != NULL; c++) {
        wrong = vg_counters_wrong(c, &words);
        all += words;
        if (wrong == NULL && all > VG_COUNTED_PLUGIN) {
            wrong = "a plugin has at most 64, each value one";
        }
        if (wrong != NULL) {
            vg_plugin_out(plugin, "counter %s: %s", c->name, wrong);
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


/* ------------------------------------------------------------ what they say */

static void
vg_counters_line(vg_out_t *out, const vg_plugin_slot_t *plugin,
                 const vg_counter_t *c, vg_str_t value)
{
    vg_counted_t *w = vg_counters_word(plugin, c->name, value, 0);

    out->comma = false;
    vg_out_raw(out,
               vg_printf(out->pool, "voltgate_%s_%s_total%s%s%s%.*s%s %lu\n",
                         plugin->name.data, c->name, c->label ? "{" : "",
                         c->label ? c->label : "", c->label ? "=\"" : "",
                         (int) value.len, value.data, c->label ? "\"}" : "",
                         w ? (unsigned long) w->count : 0UL));
}


/* all of them, those that are 0, too: who draws a rate needs the beginning */
void
vg_counters_metrics(vg_out_t *out)
{
    ngx_uint_t          i;
    const char         *rest;
    vg_plugin_slot_t  **p = vg_host->plugins.elts;
    const vg_counter_t *c;

    for (i = 0; i < vg_host->plugins.nelts; i++) {
        c = p[i]->state != VG_PLUGIN_OUT ? p[i]->manifest->counters : NULL;
        for (/* void */; c != NULL && c->name != NULL; c++) {
            out->comma = false;
            vg_out_raw(out, vg_printf(out->pool,
                                      "# HELP voltgate_%s_%s_total %s\n"
                                      "# TYPE voltgate_%s_%s_total counter\n",
                                      p[i]->name.data, c->name, c->about,
                                      p[i]->name.data, c->name));
            rest = c->values ? c->values : "";
            do {
                vg_counters_line(out, p[i], c, vg_counters_value(&rest));
            } while (*rest != '\0');
        }
    }
}
