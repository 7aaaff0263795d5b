/*
 * certificate.c: a renewed certificate is taken into OpenSSL's contexts in
 * place, by each worker for itself. What is open stays; handshakes from then
 * on see the new one. nginx's reload would hand all chargers over.
 *
 * Workers are not root and may not be able to walk to the files, so the master
 * opens the folders while it reads the configuration; the files themselves
 * are readable by the workers' group (docker/configure).
 */

#define _GNU_SOURCE

#include <time.h>

#include <ngx_event_openssl.h>
#include <ngx_http_ssl_module.h>

#include "transport.h"

#define VG_CERTIFICATE_LOOK 1000   /* ms                                     */
#define VG_CERTIFICATE_MAX  262144 /* bytes of a file                        */

/* a file, as it was when it was read last */
typedef struct {
    int             folder; /* opened by the master; -1: it cannot be        */
    char           *name;
    ino_t           inode;
    off_t           size;
    struct timespec changed;
} vg_certificate_file_t;

typedef struct {
    SSL_CTX              *ctx;
    vg_certificate_file_t chain, key;
    int                   type; /* of the key: the slot in the context       */
} vg_certificate_t;

static ngx_event_t       vg_certificate_timer;
static ngx_connection_t  vg_certificate_dummy; /* a timer logs through one  */
static vg_certificate_t *vg_certificates;
static ngx_uint_t        vg_certificates_count;


/* ------------------------------------------------------------- configuration */

static void
vg_certificate_shut(void *data)
{
    int *folder = data;

    (void) close(*folder);
}


static ngx_int_t
vg_certificate_place(ngx_conf_t *cf, const ngx_str_t *path,
                     vg_certificate_file_t *file)
{
    char               *copy, *slash;
    ngx_pool_cleanup_t *cln = ngx_pool_cleanup_add(cf->pool, sizeof(int));

    copy = (char *) ngx_pnalloc(cf->pool, path->len + 1);
    if (copy == NULL || cln == NULL) {
        return NGX_ERROR;
    }
    (void) ngx_cpystrn((u_char *) copy, path->data, path->len + 1);
    slash = strrchr(copy, '/');
    *slash = '\0';
    file->name = slash + 1;
    file->folder =
        open(slash == copy ? "/" : copy, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (file->folder != -1) {
        *(int *) cln->data = file->folder;
        cln->handler = vg_certificate_shut;
    }
    return NGX_OK;
}


/* The kind of key that nginx read for the i-th of so many; it keeps them in a
 * list that begins with the last. 0: it is not there. */
static int
vg_certificate_type(SSL_CTX *ctx, ngx_uint_t i, ngx_uint_t count)
{
    X509 *x = SSL_CTX_get_ex_data(ctx, ngx_ssl_certificate_index);

    while (x != NULL && ++i < count) {
        x = X509_get_ex_data(x, ngx_ssl_next_certificate_index);
    }
    return x ? EVP_PKEY_get_base_id(X509_get0_pubkey(x)) : 0;
}


/* A key that needs a password, or is no file, stays as nginx read it. */
static ngx_int_t
vg_certificate_add(ngx_conf_t *cf, vg_transport_t *conf,
                   ngx_http_ssl_srv_conf_t *ssl, ngx_uint_t i)
{
    ngx_str_t        *chain = ssl->certificates->elts;
    ngx_str_t        *key = ssl->certificate_keys->elts;
    vg_certificate_t *c;

    if (chain[i].data[0] != '/' || key[i].data[0] != '/') {
        return NGX_OK;
    }
    c = ngx_array_push(&conf->certificates);
    if (c == NULL) {
        return NGX_ERROR;
    }
    ngx_memzero(c, sizeof(*c));
    c->ctx = ssl->ssl.ctx;
    c->chain.inode = c->key.inode =
        (ino_t) -1; /* unlike any, and unlike none */
    c->type = vg_certificate_type(c->ctx, i, ssl->certificates->nelts);
    if (vg_certificate_place(cf, &chain[i], &c->chain) != NGX_OK) {
        return NGX_ERROR;
    }
    return vg_certificate_place(cf, &key[i], &c->key);
}


ngx_int_t
vg_certificates_find(ngx_conf_t *cf, vg_transport_t *conf)
{
    ngx_uint_t                 i, k;
    ngx_http_ssl_srv_conf_t   *ssl;
    ngx_http_core_srv_conf_t **server;
    ngx_http_core_main_conf_t *main;

    main = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    server = main->servers.elts;
    if (ngx_array_init(&conf->certificates, cf->pool, 4,
                       sizeof(vg_certificate_t))) {
        return NGX_ERROR;
    }
    for (i = 0; i < main->servers.nelts; i++) {
        ssl = server[i]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];
        if (ssl->ssl.ctx == NULL || ssl->certificates == NULL
            || ssl->certificate_values != NULL || ssl->passwords != NULL)
        {
            continue;
        }
        for (k = 0; k < ssl->certificates->nelts; k++) {
            if (vg_certificate_add(cf, conf, ssl, k) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }
    return NGX_OK;
}


/* --------------------------------------------------------------------- files */

/* Is it another file than the one that was read last? NGX_DECLINED: no. */
static ngx_int_t
vg_certificate_moved(vg_certificate_file_t *file)
{
    struct stat st;

    if (file->folder == -1 || fstatat(file->folder, file->name, &st, 0) != 0) {
        ngx_memzero(&st, sizeof(st)); /* it is not there: said once, too */
    }
    if (file->inode == st.st_ino && file->size == st.st_size
        && file->changed.tv_sec == st.st_mtim.tv_sec
        && file->changed.tv_nsec == st.st_mtim.tv_nsec)
    {
        return NGX_DECLINED;
    }
    file->inode = st.st_ino;
    file->size = st.st_size;
    file->changed = st.st_mtim;
    return NGX_OK;
}


/* the whole of a file, which the caller frees; NULL: it cannot be read */
static BIO *
vg_certificate_read(vg_certificate_file_t *file)
{
    int         fd;
    BIO        *bio = NULL;
    char       *text = NULL;
    ssize_t     n;
    struct stat st;

    fd = file->folder == -1
             ? -1
             : openat(file->folder, file->name,
                      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1) {
        return NULL;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
        && st.st_size <= VG_CERTIFICATE_MAX)
    {
        text = ngx_alloc(VG_CERTIFICATE_MAX, ngx_cycle->log);
        bio = text ? BIO_new(BIO_s_secmem()) : NULL;
        n = bio ? read(fd, text, VG_CERTIFICATE_MAX) : -1;
        if (bio != NULL && (n <= 0 || BIO_write(bio, text, (int) n) != n)) {
            BIO_free(bio);
            bio = NULL;
        }
    }
    if (text != NULL) {
        OPENSSL_cleanse(text, VG_CERTIFICATE_MAX);
        ngx_free(text);
    }
    (void) close(fd);
    return bio;
}


/* nobody is there to be asked */
static int
vg_certificate_password(char *buf, int size, int writing, void *data)
{
    (void) buf;
    (void) size;
    (void) writing;
    (void) data;
    return -1;
}


static EVP_PKEY *
vg_certificate_key(vg_certificate_file_t *file)
{
    BIO      *bio = vg_certificate_read(file);
    EVP_PKEY *key = NULL;

    if (bio != NULL) {
        key = PEM_read_bio_PrivateKey(bio, NULL, vg_certificate_password, NULL);
        BIO_free(bio);
    }
    return key;
}


/* the first is the server's own, what follows is its chain */
static STACK_OF(X509) * vg_certificate_chain(vg_certificate_file_t *file)
{
    BIO  *bio = vg_certificate_read(file);
    X509 *x;
    STACK_OF(X509) *all = sk_X509_new_null();

    while (
        bio != NULL && all != NULL
        && (x = PEM_read_bio_X509_AUX(bio, NULL, vg_certificate_password, NULL))
               != NULL)
    {
        if (!sk_X509_push(all, x)) {
            X509_free(x);
            break;
        }
    }
    /* a block that is cut off, unlike the end, is no "no start line" */
    if (bio != NULL
        && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        sk_X509_pop_free(all, X509_free);
        all = NULL;
    }
    BIO_free(bio);
    return all;
}


/* -------------------------------------------------------------------- taking */

static time_t
vg_certificate_end(const X509 *x)
{
    struct tm tm;

    return ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) ? timegm(&tm) : 0;
}


/* what its context shows for that kind of key; NULL: none */
static X509 *
vg_certificate_held(const vg_certificate_t *c)
{
    X509 *x;
    long  which = SSL_CERT_SET_FIRST;

    for (; SSL_CTX_set_current_cert(c->ctx, which) == 1;
         which = SSL_CERT_SET_NEXT) {
        x = SSL_CTX_get0_certificate(c->ctx);
        if (x && EVP_PKEY_get_base_id(X509_get0_pubkey(x)) == c->type) {
            return x;
        }
    }
    return NULL;
}


/* NULL: it is in use from now on; else why the old one is kept */
static const char *
vg_certificate_use(vg_certificate_t *c, STACK_OF(X509) * chain, EVP_PKEY *key)
{
    X509 *own, *old = vg_certificate_held(c);

    if (chain == NULL || sk_X509_num(chain) == 0) {
        return "the certificate cannot be read";
    }
    if (key == NULL) {
        return "its key cannot be read";
    }
    own = sk_X509_value(chain, 0);
    if (!X509_check_private_key(own, key)) {
        return "certificate and key do not fit";
    }
    if (vg_certificate_end(own) <= ngx_time()) {
        return "it has expired";
    }
    if (EVP_PKEY_get_base_id(key) != c->type) {
        return "another kind of key needs a reload";
    }
    own = sk_X509_shift(chain);
    if (old != NULL && X509_cmp(old, own) != 0) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "voltgate: certificate %s is another one, and taken",
                      c->chain.name);
    }
    /* all of it, or nothing */
    key = SSL_CTX_use_cert_and_key(c->ctx, own, key, chain, 1) ? key : NULL;
    X509_free(own);
    return key ? NULL : "OpenSSL does not take it";
}


static void
vg_certificate_look(vg_certificate_t *c)
{
    ngx_int_t   chained, keyed;
    EVP_PKEY   *key;
    const char *wrong;
    STACK_OF(X509) * chain;

    chained = vg_certificate_moved(&c->chain);
    keyed = vg_certificate_moved(&c->key);
    if (chained == NGX_DECLINED && keyed == NGX_DECLINED) {
        return;
    }
    ERR_clear_error();
    chain = vg_certificate_chain(&c->chain);
    key = vg_certificate_key(&c->key);
    wrong = vg_certificate_use(c, chain, key);
    if (wrong != NULL) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "voltgate: certificate %s: %s; the old one is kept",
                      c->chain.name, wrong);
    }
    sk_X509_pop_free(chain, X509_free);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* or nginx found it at the next handshake */
}


static void
vg_certificate_tick(ngx_event_t *ev)
{
    ngx_uint_t i;

    for (i = 0; i < vg_certificates_count; i++) {
        vg_certificate_look(&vg_certificates[i]);
    }
    ngx_add_timer(ev, VG_CERTIFICATE_LOOK);
}


void
vg_certificates_watch(ngx_cycle_t *cycle, vg_transport_t *conf)
{
    vg_certificates = conf->certificates.elts;
    vg_certificates_count = conf->certificates.nelts;
    vg_certificate_dummy.fd = (ngx_socket_t) -1;
    vg_certificate_timer.handler = vg_certificate_tick;
    vg_certificate_timer.data = &vg_certificate_dummy;
    vg_certificate_timer.log = cycle->log;
    vg_certificate_timer.cancelable = 1; /* the last one goes all the same */
    if (vg_certificates_count) {
        /* at once: a worker that is made later has what the master read */
        vg_certificate_tick(&vg_certificate_timer);
    }
}


/* ------------------------------------------------------------------- metrics */

static void
vg_certificate_metric(vg_out_t *out, const X509 *x)
{
    char   *serial;
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);

    serial = n ? BN_bn2hex(n) : NULL;
    if (serial != NULL) {
        out->comma = false;
        vg_out_raw(out, vg_printf(out->pool,
                                  "voltgate_certificate_end_seconds{serial="
                                  "\"%s\"} %ld\n",
                                  serial, (long) vg_certificate_end(x)));
    }
    OPENSSL_free(serial);
    BN_free(n);
}


/* servers that share one are named once */
void
vg_certificate_metrics(vg_out_t *out)
{
    X509      *x, *seen;
    ngx_uint_t i, k;

    out->comma = false;
    vg_out_raw(out, VG_STR("# TYPE voltgate_certificate_end_seconds gauge\n"));
    for (i = 0; i < vg_certificates_count; i++) {
        x = vg_certificate_held(&vg_certificates[i]);
        for (k = 0; k < i; k++) {
            seen = vg_certificate_held(&vg_certificates[k]);
            if (x != NULL && seen != NULL && X509_cmp(x, seen) == 0) {
                x = NULL;
            }
        }
        if (x != NULL) {
            vg_certificate_metric(out, x);
        }
    }
}
