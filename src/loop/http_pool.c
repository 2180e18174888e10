/*
 * What connections share: a pool of exchanges, so that a request costs no malloc(3), and the
 * count of connections of each client address.
 */
#include "loop/http_conn.h"

#include <stdlib.h>

#define FREE_EXCHANGES_MAX 64

struct exchange *
exchange_get(struct http_server *s)
{
    struct exchange *x = s->free_exchanges;

    if (x) {
        s->free_exchanges = x->next_free;
        s->n_free--;
        assert((s->n_free == 0) == !s->free_exchanges);
    } else if (!(x = malloc(sizeof(*x)))) {
        return NULL;
    }
    /* Not the array of headers and not the room: they are written before they are read. */
    memset(&x->req.head, 0, offsetof(struct http_head, headers));
    memset((char *)x + offsetof(struct exchange, req.body), 0,
           offsetof(struct exchange, room) - offsetof(struct exchange, req.body));
    x->in = x->room;
    x->in_cap = sizeof(x->room);
    return x;
}

void
exchange_next(struct exchange *x)
{
    size_t left = x->in_n - x->next_at;

    assert(x->in_n <= x->in_cap && x->body_n <= x->body_cap);
    assert(x->next_at <= x->in_n);
    free(x->body);
    x->body = NULL;
    x->body_n = x->body_cap = 0;
    if (x->in != x->room && left <= sizeof(x->room)) {
        memcpy(x->room, x->in + x->next_at, left);
        free(x->in);
        x->in = x->room;
        x->in_cap = sizeof(x->room);
    } else if (left) {
        memmove(x->in, x->in + x->next_at, left);
    }
    x->in_n = left;
    x->parsed_n = x->head_n = x->next_at = 0;
    x->chunks = (struct http_chunked){0};
    x->held = x->told = x->piecewise = false;
    x->taken = 0;
    x->req.user = NULL;
    x->req.on_gone = NULL;
    x->req.on_drain = NULL;
    x->req.gone = false;
}

void
exchange_put(struct http_server *s, struct exchange *x)
{
    if (!x)
        return;
    assert(x->in_n <= x->in_cap);
    assert(s->n_free <= FREE_EXCHANGES_MAX);
    free(x->body);
    if (x->in != x->room)
        free(x->in);
    if (s->n_free < FREE_EXCHANGES_MAX) {
        x->next_free = s->free_exchanges;
        s->free_exchanges = x;
        s->n_free++;
    } else {
        free(x);
    }
}

static void
peer_key(const union http_addr *addr, uint8_t key[16])
{
    memset(key, 0, 16);
    if (addr->any.sa_family == AF_INET)
        memcpy(key, &addr->v4.sin_addr, 4);
    else if (addr->any.sa_family == AF_INET6)
        memcpy(key, &addr->v6.sin6_addr, 16);
}

static struct peer **
peer_bucket(struct http_server *s, uint64_t listener_id, const uint8_t key[16])
{
    return &s->peers[str_hash(str_of(key, 16), listener_id) % PEER_BUCKETS];
}

bool
peer_join(struct http_conn *c)
{
    struct http_server *s = c->server;
    uint64_t id = c->listener->id;
    uint8_t key[16];

    assert(!c->peer && c->listener->server == s);
    if (!s->config.max_connections_per_peer)
        return true;
    peer_key(&c->addr, key);
    struct peer **bucket = peer_bucket(s, id, key), *peer = *bucket;
    while (peer && (peer->listener_id != id || memcmp(peer->addr, key, 16) != 0))
        peer = peer->next;
    if (peer && peer->n >= s->config.max_connections_per_peer)
        return false;
    if (!peer) {
        peer = calloc(1, sizeof(*peer));
        if (!peer)
            return false;
        *peer = (struct peer){.next = *bucket, .listener_id = id};
        memcpy(peer->addr, key, 16);
        *bucket = peer;
    }
    peer->n++;
    c->peer = peer;
    assert(peer->n <= s->config.max_connections_per_peer);
    return true;
}

void
peer_leave(struct http_conn *c)
{
    struct peer *peer = c->peer;

    if (!peer || --peer->n)
        return;
    struct peer **link = peer_bucket(c->server, peer->listener_id, peer->addr);
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    free(peer);
}
