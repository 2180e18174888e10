/*
 * nftables transactions over raw netlink, and the few expressions that our rules are made of.
 *
 * One transaction is one send: all of it holds, or none.  All tables here are of family ip:
 * instances speak IPv4 only, and what is not IPv4 is not forwarded at all.
 *
 * libnftables is not used: it reads the whole ruleset before each command (10 ms at 3,000
 * machines); a batch made by hand costs 0.2 ms whatever is there.
 */
#pragma once

#include "host/sandbox/nl.h"

#include <libnftnl/rule.h>
#include <netinet/in.h> /* before the kernel's, which repeats it */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

/* A register that holds 4 bytes; wider values take the following ones too. */
enum {
    NFT_R0 = NFT_REG32_00,
    NFT_R1 = NFT_REG32_01,
    NFT_R2 = NFT_REG32_02,
    NFT_R3 = NFT_REG32_03,
    NFT_R4 = NFT_REG32_04,
    NFT_R8 = NFT_REG32_08,
};

struct nft_tx {
    const char *table;
    size_t n, cap;
    uint32_t seq;
    bool failed; /* out of memory or of room: nft_commit() says so */
    char *buf;
};

/* Starts a transaction on a table.  The buffer is one for the process: one transaction a time. */
void nft_begin(struct nft_tx *tx, const char *table);
/* 0 or -errno; the transaction is over either way. */
int nft_commit(struct nft_tx *tx, struct nl *nl);

void nft_add_table(struct nft_tx *tx);
/* Makes it first, so that deleting what is not there does not fail. */
void nft_del_table(struct nft_tx *tx);

/* A chain for jumps; existing is no failure. */
void nft_add_chain(struct nft_tx *tx, const char *chain);
/* type "filter" or "nat". */
void nft_add_base_chain(struct nft_tx *tx, const char *chain, const char *type, uint32_t hook,
                        int priority, bool drop);
void nft_flush_chain(struct nft_tx *tx, const char *chain);
void nft_del_chain(struct nft_tx *tx, const char *chain);

/* A set of keys; or a map to data_n bytes; or, data_n NFT_TO_CHAIN, to "jump CHAIN". */
#define NFT_TO_CHAIN UINT32_MAX
void nft_add_set(struct nft_tx *tx, const char *set, uint32_t key_n, uint32_t data_n);
/*
 * A set of flows that nft_over() keeps count of: at most so many elements, each forgotten when it
 * was quiet for `quiet_ms`.
 */
void nft_add_meter(struct nft_tx *tx, const char *set, uint32_t key_n, uint32_t n_max,
                   uint64_t quiet_ms);
/* A set whose elements stand for limits by name, and such a limit, in bytes a second. */
void nft_add_limit_set(struct nft_tx *tx, const char *set, uint32_t key_n);
void nft_add_limit(struct nft_tx *tx, const char *limit, uint64_t bytes_per_s);
void nft_del_limit(struct nft_tx *tx, const char *limit);
void nft_add_limit_element(struct nft_tx *tx, const char *set, const void *key, uint32_t key_n,
                           const char *limit);
void nft_flush_set(struct nft_tx *tx, const char *set);
void nft_del_set(struct nft_tx *tx, const char *set);
/* Elements: data NULL in a plain set; chain for a map to chains. */
void nft_add_element(struct nft_tx *tx, const char *set, const void *key, uint32_t key_n,
                     const void *data, uint32_t data_n, const char *chain);
void nft_del_element(struct nft_tx *tx, const char *set, const void *key, uint32_t key_n);

/* ---- rules: nft_rule(), matches, nft_rule_end() ---- */

struct nftnl_rule *nft_rule(struct nft_tx *tx, const char *chain);
void nft_rule_end(struct nft_tx *tx, struct nftnl_rule *r);

void nft_meta(struct nftnl_rule *r, uint32_t key, uint32_t reg);
void nft_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t n, uint32_t reg);
void nft_cmp(struct nftnl_rule *r, uint32_t reg, uint32_t op, const void *data, uint32_t n);
void nft_lookup(struct nftnl_rule *r, const char *set, uint32_t reg);
void nft_map(struct nftnl_rule *r, const char *map, uint32_t reg, uint32_t to_reg);
void nft_vmap(struct nftnl_rule *r, const char *map, uint32_t reg);
/* Gives the packet a mark: 4 bytes, which are the register's as they are. */
void nft_set_mark(struct nftnl_rule *r, const void *mark);
/*
 * Goes on when the key in reg has sent more than so many bytes a second; a second's worth may come
 * at once.  A key that the meter has no room for is under no limit.
 */
void nft_over(struct nftnl_rule *r, const char *meter, uint32_t reg, uint64_t quiet_ms,
              uint64_t bytes_per_s);
/* The same for the limit that the set has for the key in reg; one that is not in it has none. */
void nft_over_limit_of(struct nftnl_rule *r, const char *set, uint32_t reg);
/* chain for NFT_JUMP and NFT_GOTO. */
void nft_verdict(struct nftnl_rule *r, int verdict, const char *chain);

/* Whole matches. */
void nft_match_iif(struct nftnl_rule *r, uint32_t ifindex);
void nft_match_oif(struct nftnl_rule *r, uint32_t ifindex);
/* Interface names that begin so; not: those that do not. */
void nft_match_name(struct nftnl_rule *r, uint32_t meta_key, const char *prefix, bool not);
void nft_match_protocol(struct nftnl_rule *r, uint8_t protocol);
/* offset 12: the source address, 16: the destination.  not: outside. */
#define NFT_SADDR 12
#define NFT_DADDR 16
void nft_match_cidr(struct nftnl_rule *r, uint32_t offset, uint32_t ip, unsigned prefix, bool not);
/* Destination port from … to. */
void nft_match_ports(struct nftnl_rule *r, uint16_t from, uint16_t to);
/* Any of the bits of `ct state`: 2 established, 4 related, 1 invalid, 8 new. */
#define NFT_CT_INVALID 1u
#define NFT_CT_ESTABLISHED 2u
#define NFT_CT_RELATED 4u
#define NFT_CT_NEW 8u
void nft_match_ct(struct nftnl_rule *r, uint32_t states);
/* dnat or snat to the address in reg. */
void nft_nat(struct nftnl_rule *r, uint32_t type, uint32_t reg);
void nft_masquerade(struct nftnl_rule *r);
