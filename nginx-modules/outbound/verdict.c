/*
 * verdict.c: what libcurl's results mean: who is at fault, and may it be tried
 * again. Anything that is not here is a connection that broke.
 */

#include "outbound.h"

typedef struct {
    CURLcode         code;
    vg_end_t         end;
    vg_breaker_end_t breaker;
    ngx_uint_t       again;
} vg_verdict_row_t;

/* clang-format off */
static const vg_verdict_row_t vg_verdicts[] = {
    { CURLE_OPERATION_TIMEDOUT,       VG_END_SILENT,      VG_BREAKER_FAULT, 1 },
    { CURLE_PEER_FAILED_VERIFICATION, VG_END_TLS,         VG_BREAKER_FAULT, 0 },
    { CURLE_SSL_CONNECT_ERROR,        VG_END_TLS,         VG_BREAKER_FAULT, 0 },
    { CURLE_SSL_CERTPROBLEM,          VG_END_TLS,         VG_BREAKER_FAULT, 0 },
    { CURLE_SSL_CIPHER,               VG_END_TLS,         VG_BREAKER_FAULT, 0 },
    { CURLE_SSL_ISSUER_ERROR,         VG_END_TLS,         VG_BREAKER_FAULT, 0 },
    { CURLE_USE_SSL_FAILED,           VG_END_TLS,         VG_BREAKER_FAULT, 0 },
    { CURLE_SSL_CACERT_BADFILE,       VG_END_INTERNAL,    VG_BREAKER_NONE,  0 },
    { CURLE_URL_MALFORMAT,            VG_END_REFUSED_URL, VG_BREAKER_NONE,  0 },
    { CURLE_OUT_OF_MEMORY,            VG_END_INTERNAL,    VG_BREAKER_NONE,  0 },
    { CURLE_OK,                       VG_END_UNREACHABLE, VG_BREAKER_FAULT, 1 },
};
/* clang-format on */


vg_verdict_t
vg_verdict_broken(const vg_post_t *post, CURLcode rc)
{
    const vg_verdict_row_t *row = vg_verdicts;

    if (post->large) {
        return (vg_verdict_t){ .end = VG_END_ANSWER_TOO_LARGE,
                               .breaker = VG_BREAKER_GOOD };
    }
    if (post->refused && !post->opened) {
        return (vg_verdict_t){ .end = VG_END_REFUSED_ADDRESS,
                               .breaker = VG_BREAKER_NONE };
    }
    while (row->code != CURLE_OK && row->code != rc) {
        row++;
    }
    return (vg_verdict_t){ .end = row->end,
                           .breaker = row->breaker,
                           .again = row->again };
}
