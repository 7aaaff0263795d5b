/*
 * threads.c: see threads.h. nginx's own directive is run, since only that can
 * say how many threads there are.
 */

#include "threads.h"

extern ngx_module_t ngx_thread_pool_module;


ngx_int_t
vg_threads_add(ngx_conf_t *cf, const char *name, ngx_uint_t threads,
               ngx_uint_t queue)
{
    char          *rc;
    u_char        *text = ngx_pnalloc(cf->pool, 2 * (NGX_INT_T_LEN + 16));
    ngx_str_t     *word;
    ngx_array_t   *args, *was = cf->args;
    ngx_command_t *cmd = ngx_thread_pool_module.commands;

    args = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
    word = args ? ngx_array_push_n(args, 4) : NULL;
    if (word == NULL || text == NULL) {
        return NGX_ERROR;
    }
    ngx_str_set(&word[0], "thread_pool");
    word[1] = (ngx_str_t){ ngx_strlen(name), (u_char *) name };
    word[2].data = text;
    word[2].len = ngx_sprintf(text, "threads=%ui%Z", threads) - text - 1;
    word[3].data = text + word[2].len + 1;
    word[3].len =
        ngx_sprintf(word[3].data, "max_queue=%ui%Z", queue) - word[3].data - 1;
    cf->args = args;
    rc = cmd->set(cf, cmd, NULL);
    cf->args = was;
    return rc == NGX_CONF_OK ? NGX_OK : NGX_ERROR;
}


ngx_thread_pool_t *
vg_threads_get(const char *name)
{
    ngx_str_t s = { ngx_strlen(name), (u_char *) name };

    return ngx_thread_pool_get((ngx_cycle_t *) ngx_cycle, &s);
}
