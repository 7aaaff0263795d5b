/*
 * ngx_http_voltgate_sagas_module: starts the sagas' work in each worker.
 */

#include "sagas.h"


static ngx_int_t
vg_sagas_ready(ngx_conf_t *cf)
{
    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    if (vg_saga_row_init(cf) != NGX_OK || vg_saga_undo_init(cf) != NGX_OK
        || vg_saga_poll_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }
    return vg_saga_house_init(cf);
}


static ngx_int_t
vg_sagas_start(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_host == NULL || ngx_process != NGX_PROCESS_WORKER) {
        return NGX_OK;
    }
    vg_saga_counts_init(vg_shared(VG_SHARED_SAGAS));
    vg_saga_told_start();
    if (ngx_worker == 0) {
        vg_saga_poll_start();
    }
    return NGX_OK;
}


/* clang-format off */
static ngx_http_module_t  vg_sagas_ctx = {
    NULL, vg_sagas_ready, NULL, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_sagas_module = {
    NGX_MODULE_V1,
    &vg_sagas_ctx,
    NULL,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_sagas_start,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
