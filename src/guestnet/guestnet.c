/*
 * The sockets of the guests' network.  Which file answers: imds.c, dhcp.c, dns.c.
 */
#include "guestnet/internal.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/error.h"
#include "codec/ip.h"
#include "store/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define REPLY_ARENA_BYTES ((size_t)256 << 10)

bool
datagram_receive(int fd, struct datagram *ret)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
    struct iovec iov = {ret->bytes, sizeof(ret->bytes)};
    struct msghdr msg = {.msg_name = &ret->from,
                         .msg_namelen = sizeof(ret->from),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);

    assert(fd >= 0);
    if (n < 0)
        return false;
    ret->n = (size_t)n;
    assert(ret->n <= sizeof(ret->bytes));
    memset(&ret->at, 0, sizeof(ret->at));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            memcpy(&ret->at, CMSG_DATA(c), sizeof(ret->at));
    return true;
}

void
datagram_send(int fd, const struct datagram *to, const struct sockaddr_in *dest, const void *bytes,
              size_t n)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {0};
    struct in_pktinfo at = {.ipi_ifindex = to->at.ipi_ifindex, .ipi_spec_dst = to->at.ipi_addr};
    struct iovec iov = {(void *)bytes, n};
    struct msghdr msg = {.msg_name = (void *)dest,
                         .msg_namelen = sizeof(*dest),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

    assert(dest->sin_family == AF_INET);
    assert(fd >= 0 && (bytes || n == 0));
    if (at.ipi_spec_dst.s_addr == INADDR_BROADCAST)
        at.ipi_spec_dst.s_addr = 0;
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(at));
    memcpy(CMSG_DATA(c), &at, sizeof(at));
    if (sendmsg(fd, &msg, MSG_DONTWAIT) < 0)
        log_debug("a reply to a guest could not be sent: %s", strerror(errno));
}

const struct ec2_interface_row *
guestnet_interface(struct txn *txn, struct str vpc_id, struct str ip)
{
    const struct ec2_interface_row *nic = ec2_interface_by_address_get(txn, vpc_id, ip);
    const struct ec2_secondary_address_row *more =
        nic ? NULL : ec2_secondary_address_by_address_get(txn, vpc_id, ip);

    return more ? ec2_interface_get(txn, more->interface_id) : nic;
}

const struct ec2_instance_row *
guestnet_instance(struct txn *txn, struct str vpc_id, uint32_t ip)
{
    char text[IP4_TEXT_MAX + 1];
    int n = snprintf(text, sizeof(text), "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
                     ip & 255);
    const struct ec2_interface_row *nic =
        guestnet_interface(txn, vpc_id, str_of(text, (size_t)n));

    assert(n > 0 && (size_t)n < sizeof(text));
    assert(vpc_id.n > 0);
    return nic && nic->instance_id.n ? ec2_instance_get(txn, nic->instance_id) : NULL;
}

void
guestnet_heard(struct guestnet_vpc *vpc, const uint32_t *ips, size_t n)
{
    const struct guestnet_config *config = &vpc->g->config;
    char id[PRIV_ID_MAX];

    assert(config->heard && n <= BATCH_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!ips[i] || (i && ips[i] == ips[i - 1]))
            continue;
        struct txn *txn = store_begin(config->store);
        const struct ec2_instance_row *row = guestnet_instance(txn, guestnet_vpc_id(vpc), ips[i]);
        size_t id_n = row ? row->id.n : 0;
        assert(!row || str_eq(row->vpc_id, guestnet_vpc_id(vpc)));

        assert(id_n <= sizeof(id));
        if (id_n)
            memcpy(id, row->id.p, id_n);
        store_rollback(txn);
        if (id_n)
            config->heard(config->ctx, str_of(id, id_n));
    }
}

/* ---- metadata ---- */

/*
 * The answer to a PUT of a token must not get further than the hop limit: a container behind the
 * instance's own NAT gets nothing.  On the connection, for a listener's TTL would break the
 * handshake.
 */
static void
set_hop_limit(struct http_request *req, int64_t hops)
{
    int fd = http_request_fd(req), ttl = (int)MIN(MAX(hops, 1), 64);

    assert(ttl >= 1 && ttl <= 64);
    if (fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) < 0)
        log_debug("the hop limit cannot be set: %s", strerror(errno));
}

static void
respond(struct http_request *req, struct arena *arena, const struct imds_reply *reply)
{
    struct http_header headers[3] = {
        {S("Content-Type"), reply->content_type},
        {S("Server"), S("EC2ws")},
    };
    size_t n = 2;

    assert(reply->status >= 200 && reply->content_type.n > 0 && str_ok(reply->body));
    if (reply->ttl_s)
        headers[n++] = (struct http_header){S("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"),
                                            str_fmt(arena, "%lld", (long long)reply->ttl_s)};
    assert(n <= ARRAY_LEN(headers));
    http_respond(req, reply->status, headers, n, reply->body);
}

static void
on_imds(struct http_request *req)
{
    struct guestnet_vpc *vpc = req->listener_ctx;
    struct guestnet *g = req->ctx;
    struct env *env = loop_env(g->config.loop);
    struct imds_request ask = {
        .method = req->head.method,
        .path = req->head.path,
        .token = http_header_get(&req->head, S("X-aws-ec2-metadata-token")),
        .ttl = http_header_get(&req->head, S("X-aws-ec2-metadata-token-ttl-seconds")),
        .forwarded = req->head.known[HTTP_X_FORWARDED_FOR].p != NULL,
    };
    struct str heard = STR_NONE;
    bool secret = false, tokenless = false, refused = false;
    uint8_t nonce[8];
    struct arena arena;

    assert(!vpc || vpc->g == g);
    arena_init(&arena, REPLY_ARENA_BYTES);
    env->random(env, nonce, sizeof(nonce));
    struct txn *txn = store_begin(g->config.store);
    const struct ec2_instance_row *instance =
        vpc && req->peer.any.sa_family == AF_INET
            ? guestnet_instance(txn, guestnet_vpc_id(vpc), ntohl(req->peer.v4.sin_addr.s_addr))
            : NULL;
    if (instance) {
        struct imds_reply reply =
            imds_answer(txn, &arena, instance, &g->keys, env->now_ms(env), nonce, &ask);

        if (reply.is_token)
            set_hop_limit(req, instance->imds_hop_limit);
        respond(req, &arena, &reply);
        secret = reply.secret;
        refused = reply.status == 401;
        tokenless = ask.method == HTTP_GET && !ask.token.p && (reply.status == 200 || refused);
        heard = str_dup(&arena, instance->id);
    } else {
        http_respond(req, 404, NULL, 0, S(""));
    }
    store_rollback(txn);
    if (heard.p)
        g->config.heard(g->config.ctx, heard);
    if (tokenless && g->config.no_token)
        g->config.no_token(g->config.ctx, heard, refused);
    if (secret)
        arena_wipe(&arena);
    arena_done(&arena);
}

/* ---- DNS sockets ---- */

static void
on_dns0(struct loop_fd *source, uint32_t events)
{
    struct guestnet_vpc *vpc = CONTAINER_OF(source, struct guestnet_vpc, dns[0]);

    if (events & EPOLLERR && vpc->g->prober)
        prober_answers(vpc->g->prober, vpc, source->fd);
    guestnet_dns(vpc, source->fd);
}

static void
on_dns1(struct loop_fd *source, uint32_t events UNUSED)
{
    guestnet_dns(CONTAINER_OF(source, struct guestnet_vpc, dns[1]), source->fd);
}

static void
on_dns_tcp0(struct loop_fd *source, uint32_t events UNUSED)
{
    guestnet_dns_accept(CONTAINER_OF(source, struct guestnet_vpc, dns_tcp[0]), source->fd);
}

static void
on_dns_tcp1(struct loop_fd *source, uint32_t events UNUSED)
{
    guestnet_dns_accept(CONTAINER_OF(source, struct guestnet_vpc, dns_tcp[1]), source->fd);
}

/* ---- VPCs ---- */

static void
watch(struct guestnet *g, struct loop_fd *source, int fd,
      void (*fn)(struct loop_fd *source, uint32_t events))
{
    assert(fd >= 0 && fn);
    *source = (struct loop_fd){.fd = fd, .fn = fn};
    if (loop_fd_add(g->config.loop, source, EPOLLIN) < 0) {
        close(fd);
        source->fd = -1;
    }
}

void
guestnet_add_vpc(struct guestnet *g, struct str vpc_id, const int fds[PRIV_LISTEN_ALL])
{
    struct guestnet_vpc *vpc = calloc(1, sizeof(*vpc));

    assert(vpc_id.n > 0);
    if (!vpc || vpc_id.n > sizeof(vpc->id))
        abort();
    vpc->g = g;
    vpc->id_n = (uint8_t)vpc_id.n;
    memcpy(vpc->id, vpc_id.p, vpc_id.n);
    vpc->has_api = fds[PRIV_LISTEN_API_TLS] >= 0 && fds[PRIV_LISTEN_API_HTTP] >= 0;
    vpc->next = g->vpcs;
    g->vpcs = vpc;
    if (http_server_listen(g->imds, fds[PRIV_LISTEN_IMDS], vpc, &vpc->imds) < 0)
        close(fds[PRIV_LISTEN_IMDS]);
    watch(g, &vpc->dhcp, fds[PRIV_LISTEN_DHCP], guestnet_dhcp);
    watch(g, &vpc->dns[0], fds[PRIV_LISTEN_DNS_UDP], on_dns0);
    if (g->prober)
        prober_add_vpc(vpc->dns[0].fd);
    watch(g, &vpc->dns[1], fds[PRIV_LISTEN_DNS2_UDP], on_dns1);
    watch(g, &vpc->dns_tcp[0], fds[PRIV_LISTEN_DNS_TCP], on_dns_tcp0);
    watch(g, &vpc->dns_tcp[1], fds[PRIV_LISTEN_DNS2_TCP], on_dns_tcp1);
}

uint32_t
guestnet_nameserver(struct str resolv_conf)
{
    assert(str_ok(resolv_conf));
    while (resolv_conf.p) {
        struct str line = str_trim(str_split(&resolv_conf, '\n'));
        uint32_t ip;

        if (str_starts(line, S("nameserver")) &&
            ip4_parse(str_trim(str_cut(line, 10, line.n)), &ip))
            return ip;
    }
    return 0;
}

static int
load_keys(struct guestnet *g)
{
    struct store *store = g->config.store;
    struct env *env = loop_env(g->config.loop);
    int r = store_key_load(store, env, "imds-token", g->keys.token);

    if (r >= 0)
        r = store_key_load(store, env, "session", g->keys.session);
    if (r >= 0)
        r = store_key_load(store, env, "instance-role", g->keys.role);
    if (r >= 0)
        r = store_identity_load(store, env, &g->keys.identity);
    return r;
}

int
guestnet_new(struct guestnet **ret, const struct guestnet_config *config)
{
    struct guestnet *g = calloc(1, sizeof(*g));
    struct http_config http = {
        .max_header_bytes = 8192,
        .max_body_bytes = 1024,
        .max_connections = 8192,
        .max_connections_per_peer = 64,
        .on_request = on_imds,
        .ctx = g,
    };

    assert(config->loop && config->store && config->heard);
    if (!g)
        return error_origin(ENOMEM, "the guests' network cannot be made");
    g->config = *config;
    int r = load_keys(g);
    if (r >= 0)
        r = http_server_new(&g->imds, config->loop, &http);
    if (r < 0) {
        guestnet_free(g);
        return r;
    }
    g->forwarder = dns_forwarder_new(config->loop, config->upstream_dns, config->upstream_port);
    g->prober = config->asked ? prober_new(g) : NULL;
    *ret = g;
    return 0;
}

static void
close_source(struct guestnet *g, struct loop_fd *source)
{
    assert(source->fn);
    if (source->fd < 0)
        return;
    loop_fd_remove(g->config.loop, source);
    close(source->fd);
}

static void
vpc_free(struct guestnet_vpc *vpc)
{
    close_source(vpc->g, &vpc->dhcp);
    for (size_t i = 0; i < ARRAY_LEN(vpc->dns); i++) {
        close_source(vpc->g, &vpc->dns[i]);
        close_source(vpc->g, &vpc->dns_tcp[i]);
    }
    dns_conns_free(vpc);
    free(vpc);
}

void
guestnet_remove_vpc(struct guestnet *g, struct str vpc_id)
{
    struct guestnet_vpc **at = &g->vpcs, *vpc;

    while (*at && !str_eq(guestnet_vpc_id(*at), vpc_id))
        at = &(*at)->next;
    vpc = *at;
    if (!vpc)
        return;
    *at = vpc->next;
    assert(vpc->g == g);
    if (vpc->imds)
        http_server_unlisten(vpc->imds);
    if (g->prober)
        prober_forget(g->prober, vpc);
    dns_forwarder_forget_vpc(g->forwarder, vpc);
    vpc_free(vpc);
}

struct guestnet *
guestnet_free(struct guestnet *g)
{
    if (!g)
        return NULL;
    http_server_free(g->imds);
    prober_free(g->prober);
    while (g->vpcs) {
        struct guestnet_vpc *vpc = g->vpcs;

        g->vpcs = vpc->next;
        vpc_free(vpc);
    }
    dns_forwarder_free(g->forwarder);
    identity_free(g->keys.identity);
    explicit_bzero(&g->keys, sizeof(g->keys));
    free(g);
    return NULL;
}
