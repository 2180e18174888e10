/*
 * A peer that speaks TLS badly: the input is what it sends, in pieces whose length the first byte
 * gives.  Nothing may crash, leak, go on after an error, or read more before the handshake's end
 * than is allowed.
 */
#include "loop/tls.h"

#include <stdlib.h>

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct peer {
    const uint8_t *p;
    size_t n, piece;
    size_t room; /* bytes that it still takes */
    bool paused; /* nothing more in this turn */
};

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static ssize_t
peer_recv(void *ctx, void *p, size_t n)
{
    struct peer *peer = ctx;
    size_t got = MIN(MIN(n, peer->n), peer->piece);

    if (peer->paused)
        return -EAGAIN;
    peer->paused = true;
    memcpy(p, peer->p, got);
    peer->p += got;
    peer->n -= got;
    return (ssize_t)got;
}

static ssize_t
peer_send(void *ctx, const void *p, size_t n)
{
    struct peer *peer = ctx;
    size_t took = MIN(n, peer->room);

    must(p != NULL && n > 0);
    peer->room -= took;
    return took ? (ssize_t)took : -EAGAIN;
}

static bool
serves(struct str name)
{
    return str_ends(name, S(".amazonaws.com"));
}

static int64_t
wall_ms(void)
{
    return INT64_C(1700000000000);
}

static int
get_authority(void *ctx, const struct authority **ret)
{
    static struct authority *authority;
    struct str key, cert;
    struct arena a;

    (void)ctx;
    arena_init(&a, 65536);
    must(authority_make(&a, wall_ms(), &key, &cert) == 0);
    must(authority_open(&authority, key, cert) == 0);
    arena_done(&a);
    *ret = authority;
    return 0;
}

static struct tls *
server(void)
{
    static struct tls *tls;
    static const struct str ips[] = {S_INIT("127.0.0.1")};
    struct tls_config config = {
        .authority = get_authority, .serves = serves, .ips = ips, .n_ips = 1, .wall_ms = wall_ms};

    if (tls)
        return tls;
    log_init(-1, LOG_ERROR, NULL);
    must(tls_new(&tls, &config) == 0);
    return tls;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char out[256];

    if (n < 2)
        return 0;
    struct peer peer = {
        .p = data + 2, .n = n - 2, .piece = (size_t)data[0] * 16 + 1, .room = (size_t)data[1] * 64};
    struct tls_raw raw = {.ctx = &peer, .recv = peer_recv, .send = peer_send};
    size_t first = MIN(peer.n, peer.piece), all = peer.n;
    struct tls_conn *c = tls_accept(server(), &raw, str_of(peer.p, first));

    must(c != NULL);
    peer.p += first;
    peer.n -= first;
    ssize_t r = -EAGAIN;
    for (size_t turns = 0; r == -EAGAIN || r > 0; turns++) {
        peer.paused = false;
        r = tls_recv(c, out, sizeof(out));
        if (r == -EAGAIN && tls_wants_write(c))
            peer.room += 1000;
        must(turns < all + 1000);
    }
    must(all - peer.n <= TLS_HANDSHAKE_MAX_BYTES + 20000);
    /* Nothing comes back to life. */
    must(r == 0 || tls_recv(c, out, sizeof(out)) < 0);
    must(r == 0 || tls_send(c, "x", 1) < 0);
    tls_goodbye(c);
    tls_conn_free(c);
    return 0;
}
