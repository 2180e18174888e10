/*
 * The Resource Groups Tagging API: the tags of all services in one place.  Handlers are declared
 * by the generated header; here is what its files share.
 */
#pragma once

#include "api/api.h"
#include "gen/api/resourcegroupstaggingapi.h"

extern const struct api_service_hooks resourcegroupstaggingapi_hooks;

extern const struct api_error tagging_invalid;

/* What a thing is to get and to lose; one of both. */
struct tagging_change {
    const struct resourcegroupstaggingapi_TextMap *put;
    const struct str_list *drop;
};

/* A kind of thing: how its rows are found and what its ARN is made of; kind.c. */
struct tagging_kind {
    const char *service, *type; /* "ec2", "instance": as the ARN has them */
    char separator;             /* between the type and the id */
    size_t region;              /* offset in the row: its ARN is arn:aws:SERVICE:::ID */
    bool ownerless;             /* the ARN names no account */
    bool by_path;               /* rows are found by their key, ACCOUNT/REGION/ID */
    bool whole;                 /* `id` is the ARN itself */
    /* Begins with account and region, of one with `region` with the account; of by_path: the key */
    const struct store_index *walk;
    size_t id, tags; /* offsets in the row */
    size_t alive;    /* of a text that is empty when the thing is gone; 0: none */
    /* Changes tags by the service's own operation; NULL: none does so. */
    int (*change)(struct api_call *call, struct str arn, struct str id,
                  const struct tagging_change *change);
};

/* A thing that has tags. */
struct tagging_thing {
    struct str arn;
    const struct tagging_kind *kind;
    const struct str_list *tags; /* k, v, k, v … */
};
struct tagging_things {
    struct tagging_thing *v;
    size_t n;
};

/* All things of the caller's account and region that have tags, in order of their ARNs. */
struct tagging_things tagging_things(struct api_call *call);

/* An ARN in its parts. */
struct tagging_arn {
    struct str service, region, account;
    struct str id;                   /* without the type when the kind is known */
    const struct tagging_kind *kind; /* NULL: not one that has tags here */
};
/* False: that is no ARN, or one without a region. */
bool tagging_arn_parse(struct str text, struct tagging_arn *ret);
/* Refuses the call when one of them is none. */
int tagging_arns_check(struct api_call *call, const struct str_list *arns);
