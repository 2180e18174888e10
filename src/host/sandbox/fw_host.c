/*
 * The host's own table: what our guests may do to the host, to each other's VPCs, and how they
 * get out.  Made once; it names address ranges and interface name prefixes, never a machine.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <fcntl.h>
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORWARD_NOTE "ip_forward-was-0" /* in DATA/run */

static void
table_name(const struct host *h, char to[32])
{
    assert(strlen(h->tag) == 6);
    text_set(to, 32, "welkin_%s", h->tag);
}

static void
add_chains(struct host *h, struct nft_tx *tx, const char *links)
{
    struct nftnl_rule *r;

    assert(h->links.prefix && h->pool.prefix && strlen(links) < IFNAMSIZ - 5);
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
        int note = openat(h->run, FORWARD_NOTE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        if (note >= 0)
            close(note);
        file_put(h->run, FORWARD_NOTE, "%s", h->boot_id);
        r = file_put(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "1");
        if (r < 0)
            return error_origin(-r, "net.ipv4.ip_forward");
        log_info("this host now forwards packets (net.ipv4.ip_forward was 0)");
    }
    h->host_ready = true;
    return 0;
}

/* Whether another Welkin has links here, which needs forwarding too. */
static bool
others_forward(const struct host *h)
{
    struct if_nameindex *all = if_nameindex();
    char ours[16];
    bool found = false;

    text_set(ours, sizeof(ours), "wk%sv", h->tag);
    for (const struct if_nameindex *i = all; i && i->if_index && !found; i++)
        found = strncmp(i->if_name, "wk", 2) == 0 && strncmp(i->if_name, ours, strlen(ours)) != 0;
    if (all)
        if_freenameindex(all);
    return found;
}

static void
restore_forwarding(struct host *h)
{
    char boot[40] = "";

    file_get(h->run, FORWARD_NOTE, boot, sizeof(boot));
    unlinkat(h->run, FORWARD_NOTE, 0);
    if (boot[0] && strcmp(boot, h->boot_id) == 0 && !others_forward(h) &&
        file_put(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "0") == 0)
        log_info("net.ipv4.ip_forward is 0 again");
}

static void
see_chain(void *arg, const struct nlmsghdr *m)
{
    struct fw_dropping *d = arg;
    const char *table = NULL, *chain = NULL;
    bool forward = false, drop = false;
    const struct nlattr *a, *in;

    mnl_attr_for_each(a, m, sizeof(struct nfgenmsg)) {
        switch (mnl_attr_get_type(a)) {
        case NFTA_CHAIN_TABLE:
            table = mnl_attr_get_str(a);
            break;
        case NFTA_CHAIN_NAME:
            chain = mnl_attr_get_str(a);
            break;
        case NFTA_CHAIN_POLICY:
            drop = ntohl(mnl_attr_get_u32(a)) == NF_DROP;
            break;
        case NFTA_CHAIN_HOOK:
            mnl_attr_for_each_nested(in, a)
                if (mnl_attr_get_type(in) == NFTA_HOOK_HOOKNUM)
                    forward = ntohl(mnl_attr_get_u32(in)) == NF_INET_FORWARD;
            break;
        default:
            break;
        }
    }
    if (table && chain && forward && drop && strncmp(table, "welkin", 6) != 0)
        text_set(d->name, sizeof(d->name), "%.40s %.40s", table, chain);
}

bool
fw_host_dropping(struct host *h, struct fw_dropping *ret)
{
    struct nl_batch b = {0};
    struct nlmsghdr *m = nl_begin(&b, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP);
    struct nfgenmsg *g = mnl_nlmsg_put_extra_header(m, sizeof(*g));

    *ret = (struct fw_dropping){{0}};
    g->nfgen_family = AF_INET;
    nl_end(&b, m, 0);
    if (nl_query(&h->nft, &b, see_chain, ret) < 0 || ret->name[0])
        return ret->name[0];
    m = nl_begin(&b, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP);
    g = mnl_nlmsg_put_extra_header(m, sizeof(*g));
    g->nfgen_family = NFPROTO_INET;
    nl_end(&b, m, 0);
    return nl_query(&h->nft, &b, see_chain, ret) == 0 && ret->name[0];
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
    restore_forwarding(h);
}
