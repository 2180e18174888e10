/*
 * OpenSSL's state machine with a BIO of our own, so that it reads no further than the connection
 * may in a turn of the loop, and writes without a signal.
 */
#include "loop/tls.h"

#include "base/error.h"
#include "base/log.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define LEAF_FRESH_MS (AUTHORITY_LEAF_DAYS * 2 / 3 * DAY_MS)
#define NAME_MAX_BYTES 253

/* A certificate that was made, for a name; n 0 is this machine's own. */
struct leaf {
    X509 *cert; /* NULL: free */
    int64_t made_ms;
    uint64_t used;
    size_t n;
    char name[NAME_MAX_BYTES];
};

struct tls {
    struct tls_config config;
    const struct authority *authority; /* NULL, as the three below, until the first connection */
    SSL_CTX *ctx;
    BIO_METHOD *method;
    EVP_PKEY *key;
    uint64_t uses;
    struct leaf leaves[TLS_LEAVES_MAX];
};

struct tls_conn {
    struct tls_raw raw;
    SSL *ssl;
    int error; /* -errno of the raw end, when that broke; 0 */
    bool wants_write;
    bool dead;          /* after a fatal error nothing may be asked of ssl */
    size_t handshake_n; /* bytes that came before its end */
    char *first;        /* what came before there was TLS */
    size_t first_n, first_at;
};

/* ---- certificates ---- */

static int
issue(struct tls *tls, struct str name, int64_t now_ms, X509 **ret)
{
    static const struct str local[] = {S_INIT("localhost")};
    struct authority_names names = {.dns = &name, .n_dns = 1};

    assert(tls->key && tls->authority);
    assert(str_ok(name) && now_ms > 0);
    if (!name.n)
        names = (struct authority_names){.dns = local,
                                         .n_dns = ARRAY_LEN(local),
                                         .ips = tls->config.ips,
                                         .n_ips = tls->config.n_ips};
    return authority_issue(tls->authority, tls->key, &names, now_ms, ret);
}

/* The certificate for a name: kept, or made in place of the one that was used longest ago. */
static X509 *
leaf_get(struct tls *tls, struct str name)
{
    int64_t now_ms = tls->config.wall_ms();
    struct leaf *oldest = tls->leaves, *hit = NULL;
    X509 *made;

    assert(name.n <= NAME_MAX_BYTES);
    for (struct leaf *l = tls->leaves; l < tls->leaves + TLS_LEAVES_MAX && !hit; l++) {
        if (l->cert && str_eq(str_of(l->name, l->n), name))
            hit = l;
        else if (l->used < oldest->used)
            oldest = l;
    }
    /* Also when the clock was set back. */
    if (hit && now_ms >= hit->made_ms && now_ms - hit->made_ms < LEAF_FRESH_MS) {
        hit->used = ++tls->uses;
        return hit->cert;
    }
    if (issue(tls, name, now_ms, &made) < 0)
        return NULL;
    struct leaf *l = hit ? hit : oldest;
    assert(made);
    X509_free(l->cert);
    *l = (struct leaf){.cert = made, .made_ms = now_ms, .used = ++tls->uses, .n = name.n};
    memcpy(l->name, name.p, name.n);
    assert(l->n <= sizeof(l->name));
    return made;
}

static int
on_name(SSL *ssl, int *alert, void *arg)
{
    struct tls *tls = arg;
    struct str asked = str_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    char lower[NAME_MAX_BYTES];
    struct str name = {lower, 0};

    for (; name.n < asked.n && name.n < sizeof(lower); name.n++) {
        char c = asked.p[name.n];

        lower[name.n] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    if (name.n < asked.n || !tls->config.serves(name))
        name.n = 0;
    assert(name.n <= NAME_MAX_BYTES);
    X509 *cert = leaf_get(tls, name);
    if (!cert || SSL_use_certificate(ssl, cert) != 1 || SSL_use_PrivateKey(ssl, tls->key) != 1) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
}

static int
on_alpn(SSL *ssl UNUSED, const unsigned char **ret, unsigned char *ret_n, const unsigned char *in,
        unsigned in_n, void *arg UNUSED)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *out;

    if (SSL_select_next_proto(&out, ret_n, ours, sizeof(ours) - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = out;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- the BIO ---- */

static int
bio_read(BIO *bio, char *p, size_t n, size_t *ret)
{
    struct tls_conn *c = BIO_get_data(bio);
    bool shaking = !SSL_is_init_finished(c->ssl);
    ssize_t r;

    assert(c->first_at <= c->first_n && n > 0);
    BIO_clear_retry_flags(bio);
    if (shaking && c->handshake_n >= TLS_HANDSHAKE_MAX_BYTES) {
        c->error = -EMSGSIZE;
        return 0;
    }
    if (c->first_at < c->first_n) {
        r = (ssize_t)MIN(n, c->first_n - c->first_at);
        assert(r > 0);
        memcpy(p, c->first + c->first_at, (size_t)r);
        c->first_at += (size_t)r;
    } else {
        if (c->first) {
            free(c->first);
            c->first = NULL;
        }
        r = c->raw.recv(c->raw.ctx, p, n);
    }
    assert(r <= (ssize_t)n);
    if (r == -EAGAIN)
        BIO_set_retry_read(bio);
    else if (r < 0)
        c->error = (int)r;
    if (r <= 0)
        return 0;
    if (shaking)
        c->handshake_n += (size_t)r;
    *ret = (size_t)r;
    return 1;
}

static int
bio_write(BIO *bio, const char *p, size_t n, size_t *ret)
{
    struct tls_conn *c = BIO_get_data(bio);
    ssize_t r = c->raw.send(c->raw.ctx, p, n);

    assert(n > 0 && !c->dead);
    assert(r <= (ssize_t)n);
    BIO_clear_retry_flags(bio);
    if (r == -EAGAIN)
        BIO_set_retry_write(bio);
    else if (r < 0)
        c->error = (int)r;
    if (r <= 0)
        return 0;
    *ret = (size_t)r;
    return 1;
}

static long
bio_ctrl(BIO *bio UNUSED, int cmd, long n UNUSED, void *p UNUSED)
{
    return cmd == BIO_CTRL_FLUSH; /* nothing is kept back */
}

/* ---- the server ---- */

static bool
set_up(struct tls *tls)
{
    SSL_CTX *ctx = tls->ctx;

    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL") != 1)
        return false;
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Tickets instead of a cache: sessions cost the client's memory and not ours. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, tls);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return BIO_meth_set_read_ex(tls->method, bio_read) == 1 &&
           BIO_meth_set_write_ex(tls->method, bio_write) == 1 &&
           BIO_meth_set_ctrl(tls->method, bio_ctrl) == 1;
}

int
tls_new(struct tls **ret, const struct tls_config *config)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    assert(config->n_ips == 0 || config->ips);
    assert(config->authority && config->serves && config->wall_ms);
    if (!tls)
        return error_origin(ENOMEM, "TLS cannot be set up");
    tls->config = *config;
    *ret = tls;
    return 0;
}

static void
unmake(struct tls *tls)
{
    EVP_PKEY_free(tls->key);
    SSL_CTX_free(tls->ctx);
    BIO_meth_free(tls->method);
    tls->key = NULL;
    tls->ctx = NULL;
    tls->method = NULL;
}

/* What the first connection makes, and each after one that found no memory. */
static bool
make(struct tls *tls)
{
    if (tls->ctx)
        return true;
    if (tls->config.authority(tls->config.ctx, &tls->authority) < 0) {
        log_error("there is no TLS: the certificate authority cannot be opened");
        return false;
    }
    tls->ctx = SSL_CTX_new(TLS_server_method());
    tls->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "welkin");
    tls->key = authority_leaf_key();
    if (tls->ctx && tls->method && tls->key && set_up(tls))
        return true;
    unmake(tls);
    log_error("there is no TLS: OpenSSL cannot be set up");
    return false;
}

struct tls *
tls_free(struct tls *tls)
{
    if (!tls)
        return NULL;
    for (size_t i = 0; i < TLS_LEAVES_MAX; i++)
        X509_free(tls->leaves[i].cert);
    unmake(tls);
    free(tls);
    return NULL;
}

/* ---- connections ---- */

struct tls_conn *
tls_accept(struct tls *tls, const struct tls_raw *raw, struct str first)
{
    struct tls_conn *c = make(tls) ? calloc(1, sizeof(*c)) : NULL;
    BIO *bio = c ? BIO_new(tls->method) : NULL;

    assert(raw->recv && raw->send && str_ok(first));
    if (bio) {
        c->raw = *raw;
        c->ssl = SSL_new(tls->ctx);
        c->first = malloc(first.n + 1);
    }
    if (!bio || !c->ssl || !c->first) {
        BIO_free(bio);
        return tls_conn_free(c);
    }
    memcpy(c->first, first.p, first.n);
    c->first_n = first.n;
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_accept_state(c->ssl);
    return c;
}

struct tls_conn *
tls_conn_free(struct tls_conn *c)
{
    if (!c)
        return NULL;
    SSL_free(c->ssl);
    free(c->first);
    free(c);
    return NULL;
}

/* What a call that did not succeed means. */
static ssize_t
outcome(struct tls_conn *c, int r)
{
    char why[120] = "the connection ended early";

    assert(r != 1);
    c->wants_write = false;
    switch (SSL_get_error(c->ssl, r)) {
    case SSL_ERROR_WANT_READ:
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        c->wants_write = true;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        break;
    }
    unsigned long error = ERR_peek_error();
    if (error)
        ERR_error_string_n(error, why, sizeof(why));
    log_debug("TLS: %s", why);
    assert(!c->dead);
    ERR_clear_error();
    c->dead = true;
    return c->error ? c->error : -EPROTO;
}

ssize_t
tls_recv(struct tls_conn *c, void *p, size_t n)
{
    size_t got;

    assert(p && n > 0);
    if (c->dead)
        return -EPROTO;
    ERR_clear_error();
    int r = SSL_read_ex(c->ssl, p, n, &got);
    assert(r != 1 || (got > 0 && got <= n));
    return r == 1 ? (ssize_t)got : outcome(c, r);
}

ssize_t
tls_send(struct tls_conn *c, const void *p, size_t n)
{
    size_t sent = 0;

    if (c->dead)
        return -EPROTO;
    assert(n > 0);
    while (sent < n) {
        size_t took;

        ERR_clear_error();
        int r = SSL_write_ex(c->ssl, (const char *)p + sent, n - sent, &took);
        if (r != 1) {
            ssize_t why = outcome(c, r);

            /* Without renegotiation a write never waits for input. */
            if (why == 0 || (why == -EAGAIN && !c->wants_write))
                why = -EPIPE;
            return sent && why == -EAGAIN ? (ssize_t)sent : why;
        }
        sent += took;
        assert(sent <= n);
    }
    return (ssize_t)sent;
}

bool
tls_wants_write(const struct tls_conn *c)
{
    return c->wants_write;
}

void
tls_goodbye(struct tls_conn *c)
{
    if (c->dead || !SSL_is_init_finished(c->ssl))
        return;
    ERR_clear_error();
    SSL_shutdown(c->ssl);
    ERR_clear_error();
}
