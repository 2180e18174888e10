/*
 * DNS messages (RFC 1035) as far as a resolver's front needs them: the question of a query, and
 * answers with addresses or names.  Pure.
 */
#pragma once

#include "base/str.h"

#define DNS_NAME_MAX 253 /* dotted: 255 bytes on the wire */
#define DNS_UDP_MAX 512

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_SOA = 6, DNS_PTR = 12, DNS_AAAA = 28 };
enum dns_rcode { DNS_NOERROR, DNS_FORMERR, DNS_SERVFAIL, DNS_NXDOMAIN, DNS_NOTIMP, DNS_REFUSED };

struct dns_query {
    uint16_t id;
    uint16_t flags;
    uint16_t type, class;
    size_t question_bytes;        /* of the question section */
    size_t name_n;
    char name[DNS_NAME_MAX + 1];  /* lower case, dotted, without the last dot */
};

/* A query with just one question; false for anything else. */
bool dns_parse_query(struct str bytes, struct dns_query *ret);

/*
 * Writes an answer to the query `bytes` (which dns_parse_query() took) into out, at most max
 * bytes; answers how many.  A and PTR: one record; NXDOMAIN or an empty answer: none.
 */
size_t dns_answer_a(struct str bytes, const struct dns_query *q, uint32_t ip, uint32_t ttl_s,
                    uint8_t *out, size_t max);
/* Several addresses. */
#define DNS_ADDRESSES_MAX 8
size_t dns_answer_as(struct str bytes, const struct dns_query *q, const uint32_t *ips, size_t n,
                     uint32_t ttl_s, uint8_t *out, size_t max);
size_t dns_answer_ptr(struct str bytes, const struct dns_query *q, struct str name,
                      uint32_t ttl_s, uint8_t *out, size_t max);
size_t dns_answer_none(struct str bytes, const struct dns_query *q, enum dns_rcode rcode,
                       uint8_t *out, size_t max);

/* "5.0.31.172.in-addr.arpa" as an address; false for any other name. */
bool dns_reverse_parse(struct str name, uint32_t *ret_ip);
