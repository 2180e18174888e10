/*
 * The host's own table: what our guests may do to the host, to each other's VPCs, and how they
 * get out.  Made once; it names address ranges and interface name prefixes, never a machine.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORWARD_NOTE "ip_forward-was-0" /* in DATA/run */

static void
table_name(const struct host *h, char to[32])
{
    text_set(to, 32, "welkin_%s", h->tag);
}

static void
add_chains(struct host *h, struct nft_tx *tx, const char *links)
{
    struct nftnl_rule *r;

    /* Out into the world with the host's address; our ranges only. */
    nft_add_base_chain(tx, "postrouting", "nat", NF_INET_POST_ROUTING, 100, false);
    for (int i = 0; i < 2; i++) {
        const struct priv_cidr *c = i ? &h->pool : &h->links;

        r = nft_rule(tx, "postrouting");
        nft_match_cidr(r, NFT_SADDR, c->ip, c->prefix, false);
        nft_match_name(r, NFT_META_OIFNAME, links, true);
        nft_masquerade(r);
        nft_rule_end(tx, r);
    }
    /* From VPC to VPC by public address only: private ones of another VPC do not exist. */
    nft_add_base_chain(tx, "forward", "filter", NF_INET_FORWARD, 0, false);
    r = nft_rule(tx, "forward");
    nft_match_ct(r, NFT_CT_ESTABLISHED | NFT_CT_RELATED);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    r = nft_rule(tx, "forward");
    nft_match_name(r, NFT_META_IIFNAME, links, false);
    nft_match_name(r, NFT_META_OIFNAME, links, false);
    nft_match_cidr(r, NFT_DADDR, h->pool.ip, h->pool.prefix, true);
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);

    nft_add_base_chain(tx, "input", "filter", NF_INET_LOCAL_IN, 0, false);
    r = nft_rule(tx, "input");
    nft_match_name(r, NFT_META_IIFNAME, links, false);
    nft_match_ct(r, NFT_CT_ESTABLISHED | NFT_CT_RELATED);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    r = nft_rule(tx, "input");
    nft_match_name(r, NFT_META_IIFNAME, links, false);
    nft_match_protocol(r, IPPROTO_ICMP);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    if (h->config->guests_reach_host)
        return;
    r = nft_rule(tx, "input");
    nft_match_name(r, NFT_META_IIFNAME, links, false);
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
}

int
fw_host_open(struct host *h)
{
    char table[32], links[16], now[8] = "";
    struct nft_tx tx;

    if (h->host_ready)
        return 0;
    table_name(h, table);
    text_set(links, sizeof(links), "wk%s", h->tag);
    nft_begin(&tx, table);
    nft_del_table(&tx);
    nft_add_table(&tx);
    add_chains(h, &tx, links);
    int r = nft_commit(&tx, &h->nft);
    if (r < 0)
        return r;
    file_get(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", now, sizeof(now));
    if (now[0] != '1') {
        /* First the note that it was us: who comes after a kill must know. */
        FD_CLEANUP int note = openat(h->run, FORWARD_NOTE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        r = file_put(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "1");
        if (r < 0)
            return error_origin(-r, "net.ipv4.ip_forward");
        log_info("this host now forwards packets (net.ipv4.ip_forward was 0)");
    }
    h->host_ready = true;
    return 0;
}

void
fw_host_close(struct host *h)
{
    char table[32];
    struct nft_tx tx;

    table_name(h, table);
    nft_begin(&tx, table);
    nft_del_table(&tx);
    nft_commit(&tx, &h->nft);
    h->host_ready = false;
    if (unlinkat(h->run, FORWARD_NOTE, 0) == 0 &&
        file_put(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "0") == 0)
        log_info("net.ipv4.ip_forward is 0 again");
}
