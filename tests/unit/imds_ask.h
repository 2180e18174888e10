/*
 * Asking the metadata service of an instance that the API made: what test_imds.c and
 * test_imds_role.c share.
 */
#pragma once

#include "guestnet/imds.h"

#include "gen/api/ec2.h"
#include "harness/world.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1&MaxCount=" \
    "1"
#define MD "/latest/meta-data/"
#define HOUR_S 3600

static struct imds_keys keys = {
    .token = "thirty-two bytes of a test's key", .session = "session", .role = "role"};
static const uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static inline struct str
ok(struct world *w, struct str xml)
{
    if (w->http != 200)
        FAIL("HTTP %d: %.*s", w->http, STR_ARG(xml));
    return xml;
}

static inline const char *
launch(struct world *w, const char *more)
{
    struct str xml = ok(w, world_callf(w, RUN "%s", more));
    const char *id = str_cstr(test_arena(), xml_text(xml, "instanceId"));

    world_advance(w, 1000);
    return id;
}

static inline struct str
describe(struct world *w, const char *id)
{
    return ok(w, world_callf(w, "Action=DescribeInstances&InstanceId.1=%s", id));
}

/* A request to the instance's service; the reply's texts live as long as the test. */
static inline struct imds_reply
ask(struct world *w, const char *id, const struct imds_request *req)
{
    struct txn *txn = world_begin(w);
    const struct ec2_instance_row *row = ec2_instance_get(txn, str_from(id));

    CHECK(row);
    struct imds_reply reply = imds_answer(txn, test_arena(), row, &keys, w->env.now_ms, nonce, req);
    reply.body = str_dup(test_arena(), reply.body);
    store_rollback(txn);
    return reply;
}

static inline struct imds_reply
get_with(struct world *w, const char *id, const char *path, struct str token)
{
    return ask(w, id,
               &(struct imds_request){.method = HTTP_GET, .path = str_from(path), .token = token});
}

static inline struct str
get(struct world *w, const char *id, const char *path)
{
    struct imds_reply reply = get_with(w, id, path, STR_NONE);

    if (reply.status != 200)
        FAIL("%s: HTTP %u", path, reply.status);
    return reply.body;
}

static inline unsigned
status(struct world *w, const char *id, const char *path)
{
    return get_with(w, id, path, STR_NONE).status;
}

static inline struct imds_reply
put_token(struct world *w, const char *id, const char *ttl, bool forwarded)
{
    return ask(w, id,
               &(struct imds_request){.method = HTTP_PUT,
                                      .path = S("/latest/api/token"),
                                      .ttl = str_from(ttl),
                                      .forwarded = forwarded});
}

static inline bool
has_line(struct str text, const char *line)
{
    while (text.p)
        if (str_is(str_split(&text, '\n'), line))
            return true;
    return false;
}
