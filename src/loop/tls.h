/*
 * The server's side of TLS 1.2 and 1.3, between a connection and its socket.  It never blocks and
 * knows no descriptor: bytes come and go through two functions of the connection's, and what they
 * answer with -EAGAIN is gone on with at the next call.
 *
 * Certificates are made for the name that the client asks for (SNI) when it is one that is served,
 * and kept until their last third; any other name, and none, gets the certificate of this machine
 * (localhost and addresses).  Protocol (ALPN): http/1.1 only.
 *
 * What a hostile peer costs: until its handshake is done at most TLS_HANDSHAKE_MAX_BYTES are
 * read from it; afterwards a connection holds buffers of a record (16 KiB) each way, and none while
 * it is idle; renegotiation is refused; the certificates that are kept are TLS_LEAVES_MAX at most,
 * and all have one key.
 *
 * Links with: libssl.
 */
#pragma once

#include "codec/authority.h"

#include <sys/types.h>

#define TLS_HANDSHAKE_MAX_BYTES 32768
#define TLS_LEAVES_MAX 128
#define TLS_FIRST_BYTE 0x16 /* of every connection; no method of HTTP begins with it */

struct tls;
struct tls_conn;

struct tls_config {
    /* Asked for when the first connection comes; must outlive the tls.  0 or -errno. */
    int (*authority)(void *ctx, const struct authority **ret);
    void *ctx;
    /* Whether a name (lower case) is served; names that its authority may not sign are not. */
    bool (*serves)(struct str name);
    const struct str *ips; /* of this machine's certificate, besides localhost */
    size_t n_ips;
    int64_t (*wall_ms)(void); /* real time */
};

/* 0 or -errno.  OpenSSL's part, some hundred KiB, is made when the first connection comes. */
int tls_new(struct tls **ret, const struct tls_config *config);
struct tls *tls_free(struct tls *tls);

/* The connection's two ends: bytes, 0 at the end of input, or -errno.  send() may take a part. */
struct tls_raw {
    void *ctx;
    ssize_t (*recv)(void *ctx, void *p, size_t n);
    ssize_t (*send)(void *ctx, const void *p, size_t n);
};

/* first: bytes that came already.  NULL when memory is out or there is no authority. */
struct tls_conn *tls_accept(struct tls *tls, const struct tls_raw *raw, struct str first);
struct tls_conn *tls_conn_free(struct tls_conn *c);

/*
 * Bytes of the application, 0 at the end of its input, -EAGAIN, or -errno; shakes hands first.
 * After a positive answer there may be more without another byte from the socket.
 */
ssize_t tls_recv(struct tls_conn *c, void *p, size_t n);
/* After -EAGAIN (or a part) the rest must be given again before anything else. */
ssize_t tls_send(struct tls_conn *c, const void *p, size_t n);
/* Whether tls_recv() waits for the socket to take bytes. */
bool tls_wants_write(const struct tls_conn *c);
/* Tells the peer that no more is coming. */
void tls_goodbye(struct tls_conn *c);
