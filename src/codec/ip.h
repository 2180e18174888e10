/*
 * IPv4 and IPv6 addresses and their blocks, as text and as numbers.  Pure: no sockets, no names.
 *
 * Parsing is strict and takes the whole slice: four decimal octets without leading zeros; IPv6
 * as RFC 4291 has it, without zones.  Printing gives the one canonical form (IPv6: RFC 5952).
 */
#pragma once

#include "base/str.h"

/* An IPv4 address in the host's byte order, so that addresses can be counted. */
struct ip4_block {
    uint32_t ip;   /* as written: the bits behind the prefix may be set */
    unsigned bits; /* 0 … 32 */
};

struct ip6 {
    uint8_t b[16];
};

struct ip6_block {
    struct ip6 ip;
    unsigned bits; /* 0 … 128 */
};

bool ip4_parse(struct str s, uint32_t *ret);
bool ip6_parse(struct str s, struct ip6 *ret);
/* "10.0.0.0/8"; a block without a prefix length is malformed. */
bool ip4_block_parse(struct str s, struct ip4_block *ret);
bool ip6_block_parse(struct str s, struct ip6_block *ret);

enum {
    IP4_TEXT_MAX = 15, /* bytes of the longest text, without a NUL */
    IP6_TEXT_MAX = 39,
};

struct str ip4_text(struct arena *a, uint32_t ip);
struct str ip6_text(struct arena *a, const struct ip6 *ip);
struct str ip4_block_text(struct arena *a, struct ip4_block block);
struct str ip6_block_text(struct arena *a, const struct ip6_block *block);

/* 0xffff0000 of 16. */
uint32_t ip4_mask(unsigned bits);
/* The block with the bits behind its prefix cleared: what AWS shows of 10.1.2.3/8. */
struct ip4_block ip4_block_canonical(struct ip4_block block);
struct ip6_block ip6_block_canonical(struct ip6_block block);

/* How many addresses the block has. */
uint64_t ip4_block_size(struct ip4_block block);
/* The n-th address, from 0; n must be below the size. */
uint32_t ip4_block_nth(struct ip4_block block, uint64_t n);
bool ip4_block_has(struct ip4_block block, uint32_t ip);
/* Whether all addresses of `inner` are addresses of `outer`. */
bool ip4_block_covers(struct ip4_block outer, struct ip4_block inner);
bool ip4_block_overlaps(struct ip4_block a, struct ip4_block b);
