/*
 * HTTP and DNS on the wire: pure parsers, fed by fetch.c and by the fuzzers.
 */
#ifndef GUEST_HTTP_H
#define GUEST_HTTP_H

#include "text.h"

struct url {
    struct str scheme, host, path; /* path begins with '/' and keeps its query */
    uint16_t port;
};

/* False when it is not scheme://host[:port][/path], or holds a blank or control byte. */
bool url_parse(struct str text, struct url *ret);

struct http_response {
    unsigned status;
    bool keep_alive;
    struct str location; /* empty when absent */
    struct str body;     /* decoded when the transfer was chunked */
    size_t used_bytes;   /* how much of the input this response was */
};

enum http_parsed { HTTP_MORE, HTTP_DONE, HTTP_BAD };

/*
 * Looks for one whole response in `in`.  `closed`: the peer has closed, so a body
 * without a length ends here.  HTTP_MORE asks for more bytes than `in` has.
 */
enum http_parsed http_parse(struct arena *a, struct str in, bool closed,
                            struct http_response *ret);

/* A question for the A record of `name`; empty when the name cannot be one. */
struct str dns_query(struct arena *a, struct str name, uint16_t id);

enum dns_parsed { DNS_ADDRESS, DNS_NONE, DNS_TRUNCATED, DNS_BAD };

/* First A record of the answer to query `id`, in network order. */
enum dns_parsed dns_answer(struct str in, uint16_t id, uint8_t ret_ip[4]);

#endif
