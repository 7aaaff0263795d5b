/*
 * ngx_http_voltgate_nodes_module: starts what this node has to do with the
 * others.
 */

#include "nodes.h"


static ngx_int_t
vg_nodes_ready(ngx_conf_t *cf)
{
    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    if (vg_node_init(cf) != NGX_OK || vg_far_init(cf) != NGX_OK
        || vg_near_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }
    return vg_bell_init(cf);
}


static ngx_int_t
vg_nodes_start(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_host == NULL || ngx_process != NGX_PROCESS_WORKER) {
        return NGX_OK;
    }
    vg_far_start();
    vg_bell_start();
    if (ngx_worker == 0) {
        vg_node_start();
    }
    return NGX_OK;
}


/* clang-format off */
static ngx_http_module_t  vg_nodes_ctx = {
    NULL, vg_nodes_ready, NULL, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_nodes_module = {
    NGX_MODULE_V1,
    &vg_nodes_ctx,
    NULL,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_nodes_start,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
