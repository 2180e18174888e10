/*
 * Paging of lists: MaxResults and NextToken (EC2), MaxItems and Marker (IAM).
 *
 * A token is opaque to the caller: the key of the last row of the page and a MAC over it and
 * over where it is valid, so that it cannot be forged or used for another operation, account or
 * region.  Rows are visited in the order of their keys (bytes); rows that came or went between
 * two pages do not disturb it.
 *
 *   r = api_page_open(call->arena, &scope, &rule, req->next_token, req->max_results, has_ids,
 *                     &page, &call->fault);
 *   for each row in order:
 *       if (!api_page_take(&page, key)) continue;      // or break when page.more
 *       …
 *   res->next_token = api_page_next(call->arena, &scope, &page);
 */
#pragma once

#include "api/model.h"

#define API_PAGE_KEY_BYTES 32

/* Where a token is good. */
struct api_page_scope {
    const uint8_t *key; /* API_PAGE_KEY_BYTES, random, one for the store's life */
    enum api_protocol protocol;
    struct str operation, account, region;
};

struct api_page_rule {
    int64_t min, max;    /* of MaxResults */
    int64_t otherwise;   /* rows of a page when it is not given; 0: all */
    bool clamp;          /* a larger MaxResults means max, as in DescribeVolumes */
    const char *ids;     /* EC2's name of the id list that excludes MaxResults: "instancesSet" */
};
/* Most of EC2; see each operation's limits. */
#define API_PAGE_EC2(ids_name)                                                                     \
    {                                                                                              \
        .min = 5, .max = 1000, .ids = (ids_name)                                                   \
    }

struct api_page {
    struct str after; /* key of the last row of the page before; absent: from the start */
    struct str last;  /* key of the last row taken */
    int64_t left;     /* rows that still fit */
    bool more;        /* there was a row that did not */
};

/*
 * Answers 0 or positive with the fault: InvalidParameterValue (range, token),
 * InvalidParameterCombination (ids with MaxResults or a token), ValidationError (query).
 */
int api_page_open(struct arena *arena, const struct api_page_scope *scope,
                  const struct api_page_rule *rule, struct str token, struct opt_i64 max_results,
                  bool has_ids, struct api_page *ret, struct api_fault *fault);

/* Whether the row with that key is on the page.  Once page->more is true, no further one is. */
bool api_page_take(struct api_page *page, struct str key);

/*
 * Ends the page behind the row with that key, taken or not, though there is room: finding more
 * would take too long.  Pages may be short or empty: only the token says which is the last.
 */
void api_page_stop(struct api_page *page, struct str key);

/* The token of the next page, absent when this is the last one. */
struct str api_page_next(struct arena *arena, const struct api_page_scope *scope,
                         const struct api_page *page);

/*
 * Tokens are of the base64 alphabet for URLs.  Descriptions of some services allow but the plain
 * one: a token for their callers, and back.
 */
struct str api_page_to_plain(struct arena *arena, struct str token);
struct str api_page_from_plain(struct arena *arena, struct str token);
