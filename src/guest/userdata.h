/*
 * User data as bytes: what kind it is and which parts it has.
 *
 * Pure, so that it can be fuzzed: an include is handed to a callback, which is the
 * only thing here that reaches the world.
 */
#ifndef GUEST_USERDATA_H
#define GUEST_USERDATA_H

#include "text.h"

enum part_type {
    PART_UNKNOWN,
    PART_NOT_MULTIPART, /* text/x-not-multipart: a whole user data nobody recognises */
    PART_SHELLSCRIPT,
    PART_PER_BOOT,
    PART_PER_INSTANCE,
    PART_PER_ONCE,
    PART_CLOUD_CONFIG,
    PART_CLOUD_CONFIG_ARCHIVE,
    PART_CLOUD_CONFIG_JSONP,
    PART_BOOTHOOK,
    PART_INCLUDE,
    PART_INCLUDE_ONCE,
    PART_HANDLER,
    PART_JINJA,
};

struct part {
    enum part_type type;
    struct str content_type, filename, merge_type, payload;
    struct part *next;
};

enum userdata_limits {
    USERDATA_INFLATED_MAX = 16 << 20, /* all gzip of one user data together */
    USERDATA_PARTS_MAX = 1000,
    USERDATA_DEPTH_MAX = 16,
    USERDATA_FETCHES_MAX = 100,
};

struct userdata {
    struct arena *a;
    struct part *first, **last;
    size_t n_parts, n_fetches, inflated_bytes;
    unsigned depth;
    /* Words for cloud-init.log; `warn` also makes the boot's status an error. */
    void (*note)(void *ctx, bool warn, struct str text);
    /* Fetches a URL of an include; false leaves it out. `once` asks for the cached copy. */
    bool (*fetch)(void *ctx, struct str url, bool once, struct str *ret);
    void *ctx;
};

/* Set `note`, `fetch` and `ctx` afterwards. */
void userdata_init(struct userdata *u, struct arena *a);
/* Takes user data apart; the parts are in u->first in cloud-init's order. */
void userdata_parse(struct userdata *u, struct str bytes);

struct str part_type_name(enum part_type type);
/* What the first bytes say, or PART_UNKNOWN. */
enum part_type part_sniff(struct str payload);
/* First line, at most 24 characters, as Python's repr(bytes) between quotes. */
struct str part_excerpt(struct arena *a, struct str payload);
/* A name safe as a file's: no slashes, only the letters cloud-init keeps. */
struct str clean_filename(struct arena *a, struct str name);

#endif
