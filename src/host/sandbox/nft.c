/*
 * See nft.h.  libnftnl lays out the messages; what it lacks is a short way to say them.
 */
#include "host/sandbox/nft.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <netinet/in.h>
#include <stdlib.h>

#define TX_BYTES (2u << 20)    /* 1,000 rules of some 500 bytes, twice over; touched when used */
#define MESSAGE_BYTES 4096u    /* no message of ours is longer */

void
nft_begin(struct nft_tx *tx, const char *table)
{
    static char *buf;

    assert(strlen(table) < 32);
    if (!buf)
        buf = malloc(TX_BYTES);
    *tx = (struct nft_tx){.table = table, .cap = TX_BYTES, .buf = buf, .failed = !buf};
    if (buf)
        tx->n = nftnl_batch_begin(buf, tx->seq++)->nlmsg_len;
}

int
nft_commit(struct nft_tx *tx, struct nl *nl)
{
    uint32_t seq = 0;

    assert(tx->n <= tx->cap);
    if (tx->failed)
        return error_origin(ENOMEM, "firewall transaction of %zu bytes", tx->n);
    tx->n += nftnl_batch_end(tx->buf + tx->n, tx->seq)->nlmsg_len;
    assert(tx->n <= tx->cap);
    int r = nl_send_raw(nl, tx->buf, tx->n, &seq);
    if (r < 0)
        return error_origin(-r, "message %u of %u of a firewall transaction on table %s", seq,
                            tx->seq, tx->table);
    return 0;
}

/* NULL when the transaction has failed. */
static struct nlmsghdr *
message(struct nft_tx *tx, uint16_t type, uint16_t flags)
{
    if (tx->failed || tx->cap - tx->n < 2 * MESSAGE_BYTES) {
        tx->failed = true;
        return NULL;
    }
    return nftnl_nlmsg_build_hdr(tx->buf + tx->n, type, NFPROTO_IPV4, flags, tx->seq++);
}

static void
message_end(struct nft_tx *tx, const struct nlmsghdr *m)
{
    assert(tx->n + m->nlmsg_len <= tx->cap);
    assert(m->nlmsg_len <= MESSAGE_BYTES);
    tx->n += MNL_ALIGN(m->nlmsg_len);
}

static void
table_message(struct nft_tx *tx, uint16_t type)
{
    struct nlmsghdr *m = message(tx, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);

    if (!m)
        return;
    mnl_attr_put_strz(m, NFTA_TABLE_NAME, tx->table);
    message_end(tx, m);
}

void
nft_add_table(struct nft_tx *tx)
{
    table_message(tx, NFT_MSG_NEWTABLE);
}

void
nft_del_table(struct nft_tx *tx)
{
    table_message(tx, NFT_MSG_NEWTABLE);
    table_message(tx, NFT_MSG_DELTABLE);
}

void
nft_add_chain(struct nft_tx *tx, const char *chain)
{
    struct nlmsghdr *m = message(tx, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

    if (!m)
        return;
    mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, tx->table);
    mnl_attr_put_strz(m, NFTA_CHAIN_NAME, chain);
    message_end(tx, m);
}

void
nft_add_base_chain(struct nft_tx *tx, const char *chain, const char *type, uint32_t hook,
                   int priority, bool drop)
{
    struct nlmsghdr *m = message(tx, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

    if (!m)
        return;
    mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, tx->table);
    mnl_attr_put_strz(m, NFTA_CHAIN_NAME, chain);
    mnl_attr_put_strz(m, NFTA_CHAIN_TYPE, type);
    mnl_attr_put_u32(m, NFTA_CHAIN_POLICY, htonl(drop ? NF_DROP : NF_ACCEPT));
    struct nlattr *nest = mnl_attr_nest_start(m, NFTA_CHAIN_HOOK);
    mnl_attr_put_u32(m, NFTA_HOOK_HOOKNUM, htonl(hook));
    mnl_attr_put_u32(m, NFTA_HOOK_PRIORITY, htonl((uint32_t)priority));
    mnl_attr_nest_end(m, nest);
    message_end(tx, m);
}

void
nft_flush_chain(struct nft_tx *tx, const char *chain)
{
    struct nlmsghdr *m = message(tx, NFT_MSG_DELRULE, 0);

    if (!m)
        return;
    mnl_attr_put_strz(m, NFTA_RULE_TABLE, tx->table);
    mnl_attr_put_strz(m, NFTA_RULE_CHAIN, chain);
    message_end(tx, m);
}

void
nft_del_chain(struct nft_tx *tx, const char *chain)
{
    struct nlmsghdr *m = message(tx, NFT_MSG_DELCHAIN, 0);

    if (!m)
        return;
    mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, tx->table);
    mnl_attr_put_strz(m, NFTA_CHAIN_NAME, chain);
    message_end(tx, m);
}

/* The beginning of a set's message: what all kinds of them say. */
static struct nlmsghdr *
set_message(struct nft_tx *tx, const char *set, uint32_t flags, uint32_t key_n)
{
    struct nlmsghdr *m = message(tx, NFT_MSG_NEWSET, NLM_F_CREATE);

    assert(key_n > 0 && key_n <= 64);
    if (!m)
        return NULL;
    mnl_attr_put_strz(m, NFTA_SET_TABLE, tx->table);
    mnl_attr_put_strz(m, NFTA_SET_NAME, set);
    mnl_attr_put_u32(m, NFTA_SET_FLAGS, htonl(flags));
    mnl_attr_put_u32(m, NFTA_SET_KEY_LEN, htonl(key_n));
    mnl_attr_put_u32(m, NFTA_SET_ID, htonl(tx->seq));
    return m;
}

void
nft_add_set(struct nft_tx *tx, const char *set, uint32_t key_n, uint32_t data_n)
{
    struct nlmsghdr *m = set_message(tx, set, data_n ? NFT_SET_MAP : 0, key_n);

    if (!m)
        return;
    if (data_n == NFT_TO_CHAIN) {
        mnl_attr_put_u32(m, NFTA_SET_DATA_TYPE, htonl((uint32_t)NFT_DATA_VERDICT));
    } else if (data_n) {
        mnl_attr_put_u32(m, NFTA_SET_DATA_TYPE, 0);
        mnl_attr_put_u32(m, NFTA_SET_DATA_LEN, htonl(data_n));
    }
    message_end(tx, m);
}

void
nft_add_meter(struct nft_tx *tx, const char *set, uint32_t key_n, uint32_t n_max,
              uint64_t quiet_ms)
{
    struct nlmsghdr *m = set_message(tx, set, NFT_SET_EVAL | NFT_SET_TIMEOUT, key_n);

    assert(n_max > 0 && quiet_ms > 0);
    if (!m)
        return;
    mnl_attr_put_u64(m, NFTA_SET_TIMEOUT, htobe64(quiet_ms));
    struct nlattr *nest = mnl_attr_nest_start(m, NFTA_SET_DESC);
    mnl_attr_put_u32(m, NFTA_SET_DESC_SIZE, htonl(n_max));
    mnl_attr_nest_end(m, nest);
    message_end(tx, m);
}

void
nft_add_limit_set(struct nft_tx *tx, const char *set, uint32_t key_n)
{
    struct nlmsghdr *m = set_message(tx, set, NFT_SET_OBJECT, key_n);

    if (!m)
        return;
    mnl_attr_put_u32(m, NFTA_SET_OBJ_TYPE, htonl(NFT_OBJECT_LIMIT));
    message_end(tx, m);
}

static struct nlmsghdr *
limit_message(struct nft_tx *tx, uint16_t type, const char *limit)
{
    struct nlmsghdr *m = message(tx, type, type == NFT_MSG_NEWOBJ ? NLM_F_CREATE : 0);

    if (!m)
        return NULL;
    mnl_attr_put_strz(m, NFTA_OBJ_TABLE, tx->table);
    mnl_attr_put_strz(m, NFTA_OBJ_NAME, limit);
    mnl_attr_put_u32(m, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_LIMIT));
    return m;
}

void
nft_add_limit(struct nft_tx *tx, const char *limit, uint64_t bytes_per_s)
{
    struct nlmsghdr *m = limit_message(tx, NFT_MSG_NEWOBJ, limit);

    assert(bytes_per_s > 0);
    if (!m)
        return;
    struct nlattr *nest = mnl_attr_nest_start(m, NFTA_OBJ_DATA);
    mnl_attr_put_u64(m, NFTA_LIMIT_RATE, htobe64(bytes_per_s));
    mnl_attr_put_u64(m, NFTA_LIMIT_UNIT, htobe64(1));
    mnl_attr_put_u32(m, NFTA_LIMIT_TYPE, htonl(NFT_LIMIT_PKT_BYTES));
    mnl_attr_put_u32(m, NFTA_LIMIT_FLAGS, htonl(NFT_LIMIT_F_INV));
    mnl_attr_nest_end(m, nest);
    message_end(tx, m);
}

void
nft_del_limit(struct nft_tx *tx, const char *limit)
{
    struct nlmsghdr *m = limit_message(tx, NFT_MSG_DELOBJ, limit);

    if (m)
        message_end(tx, m);
}

static struct nlmsghdr *
set_elements(struct nft_tx *tx, uint16_t type, uint16_t flags, const char *set)
{
    struct nlmsghdr *m = message(tx, type, flags);

    if (!m)
        return NULL;
    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, tx->table);
    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, set);
    return m;
}

void
nft_flush_set(struct nft_tx *tx, const char *set)
{
    struct nlmsghdr *m = set_elements(tx, NFT_MSG_DELSETELEM, 0, set);

    if (m)
        message_end(tx, m);
}

void
nft_del_set(struct nft_tx *tx, const char *set)
{
    struct nlmsghdr *m = message(tx, NFT_MSG_DELSET, 0);

    if (!m)
        return;
    mnl_attr_put_strz(m, NFTA_SET_TABLE, tx->table);
    mnl_attr_put_strz(m, NFTA_SET_NAME, set);
    message_end(tx, m);
}

static void
put_value(struct nlmsghdr *m, uint16_t attribute, const void *p, uint32_t n)
{
    struct nlattr *nest = mnl_attr_nest_start(m, attribute);

    assert(n > 0 && n <= 64);
    mnl_attr_put(m, NFTA_DATA_VALUE, n, p);
    mnl_attr_nest_end(m, nest);
}

void
nft_add_element(struct nft_tx *tx, const char *set, const void *key, uint32_t key_n,
                const void *data, uint32_t data_n, const char *chain)
{
    struct nlmsghdr *m = set_elements(tx, NFT_MSG_NEWSETELEM, NLM_F_CREATE, set);

    assert(!(chain && data) && (data || data_n == 0));
    if (!m)
        return;
    struct nlattr *list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
    struct nlattr *element = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
    put_value(m, NFTA_SET_ELEM_KEY, key, key_n);
    if (chain) {
        struct nlattr *d = mnl_attr_nest_start(m, NFTA_SET_ELEM_DATA);
        struct nlattr *v = mnl_attr_nest_start(m, NFTA_DATA_VERDICT);
        mnl_attr_put_u32(m, NFTA_VERDICT_CODE, htonl((uint32_t)NFT_JUMP));
        mnl_attr_put_strz(m, NFTA_VERDICT_CHAIN, chain);
        mnl_attr_nest_end(m, v);
        mnl_attr_nest_end(m, d);
    } else if (data) {
        put_value(m, NFTA_SET_ELEM_DATA, data, data_n);
    }
    mnl_attr_nest_end(m, element);
    mnl_attr_nest_end(m, list);
    message_end(tx, m);
}

void
nft_add_limit_element(struct nft_tx *tx, const char *set, const void *key, uint32_t key_n,
                      const char *limit)
{
    struct nlmsghdr *m = set_elements(tx, NFT_MSG_NEWSETELEM, NLM_F_CREATE, set);

    if (!m)
        return;
    struct nlattr *list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
    struct nlattr *element = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
    put_value(m, NFTA_SET_ELEM_KEY, key, key_n);
    mnl_attr_put_strz(m, NFTA_SET_ELEM_OBJREF, limit);
    mnl_attr_nest_end(m, element);
    mnl_attr_nest_end(m, list);
    message_end(tx, m);
}

void
nft_del_element(struct nft_tx *tx, const char *set, const void *key, uint32_t key_n)
{
    struct nlmsghdr *m = set_elements(tx, NFT_MSG_DELSETELEM, 0, set);

    if (!m)
        return;
    struct nlattr *list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
    struct nlattr *element = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
    put_value(m, NFTA_SET_ELEM_KEY, key, key_n);
    mnl_attr_nest_end(m, element);
    mnl_attr_nest_end(m, list);
    message_end(tx, m);
}

struct nftnl_rule *
nft_rule(struct nft_tx *tx, const char *chain)
{
    struct nftnl_rule *r = nftnl_rule_alloc();

    if (!r)
        abort(); /* out of memory for 200 bytes */
    nftnl_rule_set_str(r, NFTNL_RULE_TABLE, tx->table);
    nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
    nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_IPV4);
    return r;
}

void
nft_rule_end(struct nft_tx *tx, struct nftnl_rule *r)
{
    struct nlmsghdr *m = message(tx, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

    if (m) {
        nftnl_rule_nlmsg_build_payload(m, r);
        message_end(tx, m);
    }
    nftnl_rule_free(r);
}

static struct nftnl_expr *
expression(const char *name)
{
    struct nftnl_expr *e = nftnl_expr_alloc(name);

    if (!e)
        abort(); /* out of memory, or a name that libnftnl does not know */
    return e;
}

void
nft_meta(struct nftnl_rule *r, uint32_t key, uint32_t reg)
{
    struct nftnl_expr *e = expression("meta");

    nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
    nftnl_rule_add_expr(r, e);
}

void
nft_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t n, uint32_t reg)
{
    struct nftnl_expr *e = expression("payload");

    assert(n > 0 && n <= 16);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, n);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
    nftnl_rule_add_expr(r, e);
}

void
nft_cmp(struct nftnl_rule *r, uint32_t reg, uint32_t op, const void *data, uint32_t n)
{
    struct nftnl_expr *e = expression("cmp");

    assert(n > 0 && n <= 16);
    nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, reg);
    nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
    nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, n);
    nftnl_rule_add_expr(r, e);
}

static void
bitwise(struct nftnl_rule *r, uint32_t reg, uint32_t mask)
{
    struct nftnl_expr *e = expression("bitwise");
    uint32_t zero = 0;

    nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, reg);
    nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, reg);
    nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
    nftnl_rule_add_expr(r, e);
}

static struct nftnl_expr *
lookup(const char *set, uint32_t reg)
{
    struct nftnl_expr *e = expression("lookup");

    nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, reg);
    nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
    return e;
}

void
nft_lookup(struct nftnl_rule *r, const char *set, uint32_t reg)
{
    nftnl_rule_add_expr(r, lookup(set, reg));
}

void
nft_map(struct nftnl_rule *r, const char *map, uint32_t reg, uint32_t to_reg)
{
    struct nftnl_expr *e = lookup(map, reg);

    nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, to_reg);
    nftnl_rule_add_expr(r, e);
}

void
nft_vmap(struct nftnl_rule *r, const char *map, uint32_t reg)
{
    nft_map(r, map, reg, NFT_REG_VERDICT);
}

void
nft_set_mark(struct nftnl_rule *r, const void *mark)
{
    struct nftnl_expr *value = expression("immediate"), *set = expression("meta");

    nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, NFT_R8);
    nftnl_expr_set(value, NFTNL_EXPR_IMM_DATA, mark, 4);
    nftnl_rule_add_expr(r, value);
    nftnl_expr_set_u32(set, NFTNL_EXPR_META_KEY, NFT_META_MARK);
    nftnl_expr_set_u32(set, NFTNL_EXPR_META_SREG, NFT_R8);
    nftnl_rule_add_expr(r, set);
}

void
nft_over(struct nftnl_rule *r, const char *meter, uint32_t reg, uint64_t quiet_ms,
         uint64_t bytes_per_s)
{
    struct nftnl_expr *update = expression("dynset"), *limit = expression("limit");

    assert(bytes_per_s > 0 && quiet_ms > 0);
    nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, bytes_per_s);
    nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
    nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKT_BYTES);
    nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
    nftnl_expr_set_str(update, NFTNL_EXPR_DYNSET_SET_NAME, meter);
    nftnl_expr_set_u32(update, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
    nftnl_expr_set_u32(update, NFTNL_EXPR_DYNSET_SREG_KEY, reg);
    nftnl_expr_set_u64(update, NFTNL_EXPR_DYNSET_TIMEOUT, quiet_ms);
    nftnl_expr_set(update, NFTNL_EXPR_DYNSET_EXPR, limit, 0);
    nftnl_rule_add_expr(r, update);
}

void
nft_over_limit_of(struct nftnl_rule *r, const char *set, uint32_t reg)
{
    struct nftnl_expr *e = expression("objref");

    nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_SET_SREG, reg);
    nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_SET_NAME, set);
    nftnl_rule_add_expr(r, e);
}

void
nft_verdict(struct nftnl_rule *r, int verdict, const char *chain)
{
    struct nftnl_expr *e = expression("immediate");

    assert((verdict == NFT_JUMP || verdict == NFT_GOTO) == (chain != NULL));
    nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
    if (chain)
        nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
    nftnl_rule_add_expr(r, e);
}

void
nft_match_iif(struct nftnl_rule *r, uint32_t ifindex)
{
    nft_meta(r, NFT_META_IIF, NFT_R8);
    nft_cmp(r, NFT_R8, NFT_CMP_EQ, &ifindex, sizeof(ifindex));
}

void
nft_match_oif(struct nftnl_rule *r, uint32_t ifindex)
{
    nft_meta(r, NFT_META_OIF, NFT_R8);
    nft_cmp(r, NFT_R8, NFT_CMP_EQ, &ifindex, sizeof(ifindex));
}

void
nft_match_name(struct nftnl_rule *r, uint32_t meta_key, const char *prefix, bool not)
{
    nft_meta(r, meta_key, NFT_REG_2);
    nft_cmp(r, NFT_REG_2, not? NFT_CMP_NEQ : NFT_CMP_EQ, prefix, (uint32_t)strlen(prefix));
}

void
nft_match_protocol(struct nftnl_rule *r, uint8_t protocol)
{
    nft_meta(r, NFT_META_L4PROTO, NFT_R8);
    nft_cmp(r, NFT_R8, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void
nft_match_cidr(struct nftnl_rule *r, uint32_t offset, uint32_t ip, unsigned prefix, bool not)
{
    assert(offset == NFT_SADDR || offset == NFT_DADDR);
    assert(prefix <= 32);
    uint32_t mask = prefix ? 0xffffffffu << (32 - prefix) : 0;
    uint32_t value = htonl(ip & mask);

    if (prefix == 0 && !not)
        return;
    nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, offset, 4, NFT_R8);
    if (prefix < 32)
        bitwise(r, NFT_R8, htonl(mask));
    nft_cmp(r, NFT_R8, not? NFT_CMP_NEQ : NFT_CMP_EQ, &value, sizeof(value));
}

void
nft_match_ports(struct nftnl_rule *r, uint16_t from, uint16_t to)
{
    uint16_t lo = htons(from), hi = htons(to);

    assert(from <= to);
    nft_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_R8);
    if (from == to) {
        nft_cmp(r, NFT_R8, NFT_CMP_EQ, &lo, sizeof(lo));
        return;
    }
    nft_cmp(r, NFT_R8, NFT_CMP_GTE, &lo, sizeof(lo));
    nft_cmp(r, NFT_R8, NFT_CMP_LTE, &hi, sizeof(hi));
}

void
nft_match_ct(struct nftnl_rule *r, uint32_t states)
{
    struct nftnl_expr *e = expression("ct");
    uint32_t zero = 0;

    assert(states != 0);
    nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
    nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_R8);
    nftnl_rule_add_expr(r, e);
    bitwise(r, NFT_R8, states);
    nft_cmp(r, NFT_R8, NFT_CMP_NEQ, &zero, sizeof(zero));
}

void
nft_nat(struct nftnl_rule *r, uint32_t type, uint32_t reg)
{
    struct nftnl_expr *e = expression("nat");

    nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, type);
    nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
    nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, reg);
    nftnl_rule_add_expr(r, e);
}

void
nft_masquerade(struct nftnl_rule *r)
{
    nftnl_rule_add_expr(r, expression("masq"));
}
