/*
 * A whole cloud in one process under a seed: fake clock, fake disk, sim host, no sockets.
 *
 *   struct world *w = world_new();
 *   struct str vpc = xml_text(world_call(w, "Action=DescribeVpcs"), "vpcId");
 *   world_crash(w);                       // what was not durable is gone, machines run on
 *   world_advance(w, 60000);              // a minute of the cloud's time
 *   world_free(w);
 *
 * Replies live until world_free().  Commits are made durable after each call unless
 * world_hold_disk() was called.
 */
#pragma once

#include "daemon/cloud.h"
#include "harness/harness.h"
#include "sys/disk_fake.h"
#include "sys/env.h"

struct world {
    struct env_fake env;
    struct disk_fake disk;
    struct loop *loop;
    struct cloud *cloud;
    struct host_sim *sim;
    struct function_model *functions; /* harness/functions.h; NULL: functions do not run */
    struct post_model *posts;         /* harness/posts.h; NULL: nothing is sent by HTTP */
    struct arena arena;      /* replies */
    struct arena call_arena; /* of one call */
    struct str account, region;
    bool hold_disk;
    int64_t vcpu_limit;      /* 0: plenty; for the next start */
    int64_t storage_limit;   /* likewise, in TiB */
    struct str region_model; /* p NULL: the built-in one */
    struct str access_key, secret, token; /* of world_as() */
    struct str peer, user_agent;          /* of signed calls: aws:SourceIp, aws:UserAgent */
    struct str source_vpc;                /* and aws:SourceVpc */
    bool secure;
    /* Of the last call. */
    int http;
    struct str content_type, request_id;
    struct http_header *headers; /* further ones of its reply */
    size_t n_headers;
    struct opt_i64 length; /* Content-Length where a HEAD request has no body */
};

struct world *world_new(void);
struct world *world_new_seed(uint64_t seed);
/* On other hardware: text as data/region_model.txt. */
struct world *world_new_region(const char *model);
struct world *world_free(struct world *w);

/*
 * One call of the query or ec2 protocol as the world's account and region, without a signature.
 * "Action=…&…"; Version is added by the service that knows the action (ec2 before sts and iam).
 * The text is used as it is, so percent-code what needs it (world_code()).
 */
struct str world_call(struct world *w, const char *form);
struct str world_callf(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str world_call_str(struct world *w, struct str form);
/* The same, and a failed test that shows form and reply unless the answer is 200. */
struct str world_ok(struct world *w, const char *form);
struct str world_okf(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A failed test unless the answer is a fault with that code and (NULL: any) message. */
void world_refused(struct world *w, const char *code, const char *message, const char *form);
void world_refusedf(struct world *w, const char *code, const char *message, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Percent-coded, for a value in a form. */
struct str world_code(struct world *w, struct str value);

/*
 * One call of a JSON service: world_json(w, "kms", "CreateKey", "{}").  `json` may have ' for "
 * where that reads better: then no text in it may have either.
 */
struct str world_json(struct world *w, const char *service, const char *operation,
                      const char *json);
struct str world_jsonf(struct world *w, const char *service, const char *operation,
                       const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The same, and a failed test unless the answer is 200. */
struct str world_json_ok(struct world *w, const char *service, const char *operation,
                         const char *json);
struct str world_json_okf(struct world *w, const char *service, const char *operation,
                          const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A failed test unless the answer is a fault with that __type and (NULL: any) message. */
void world_json_refused(struct world *w, const char *code, const char *message,
                        const char *service, const char *operation, const char *json);
void world_json_refusedf(struct world *w, const char *code, const char *message,
                         const char *service, const char *operation, const char *fmt, ...)
    PRINTF_LIKE(6, 7);

/*
 * One call of a REST service with a JSON body (or none: empty), as above:
 * world_rest(w, "ram", "POST", "/createresourceshare", "{'name': 'x'}").  The path may have a
 * query.
 */
struct str world_rest(struct world *w, const char *service, const char *method, const char *path,
                      const char *json);
struct str world_rest_ok(struct world *w, const char *service, const char *method, const char *path,
                         const char *json);
struct str world_rest_okf(struct world *w, const char *service, const char *method,
                          const char *path, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* A failed test unless the answer is a fault with that X-Amzn-ErrorType and (NULL: any) message. */
void world_rest_refused(struct world *w, const char *code, const char *message, const char *service,
                        const char *method, const char *path, const char *json);

/* A further header of the last reply, p NULL when it had none of that name. */
struct str world_header(struct world *w, const char *name);

/* A request with its headers, as from the wire: signatures are checked. */
struct str world_request(struct world *w, const struct sigv4_request *req);

/* Any request; api.h says what is in it. */
struct str world_answer(struct world *w, const struct api_request *req);

void world_account(struct world *w, const char *account, const char *region);

/*
 * From now on calls are signed with these credentials (token absent: long-term ones) instead of
 * being trusted, in the world's region; all absent: trusted again.  `reply` forms: what
 * CreateAccessKey, AssumeRole … answered.
 */
void world_as(struct world *w, struct str access_key, struct str secret, struct str token);
void world_as_reply(struct world *w, struct str reply);
void world_as_root(struct world *w);
/* Carries a trusted request out: as it is, or as one that was signed by those of world_as(). */
struct str world_send(struct world *w, const struct api_request *req, struct str signing);

/* Moves the cloud's clock on, timer by timer. */
void world_advance(struct world *w, int64_t ms);
/*
 * Sets it on at once, as `welkin clock advance` does: what falls due meanwhile is due now, once.
 * For days in which instances run: their metrics of each minute are left out.
 */
void world_jump(struct world *w, int64_t ms);
/* Runs what is due now. */
void world_settle(struct world *w);

/* The daemon is killed and started again on the same disk; machines run on. */
void world_crash(struct world *w);
/* The host loses power: the daemon as above, and no machine runs any more. */
void world_power_loss(struct world *w);
/* From now on calls leave their commits on the way; world_flush() makes them durable. */
void world_hold_disk(struct world *w, bool hold);
void world_flush(struct world *w);

struct txn *world_begin(struct world *w); /* to look at rows; end it with store_rollback() */

/* ---- looking at XML ---- */

/* The text of the first element of that name, unescaped; p NULL when there is none. */
struct str xml_text(struct str xml, const char *name);
/* The n-th, from 0. */
struct str xml_text_at(struct str xml, const char *name, size_t n);
/* xml_text() as a C string. */
const char *xml_cstr(struct str xml, const char *name);
/* How many elements of that name there are, at any depth. */
size_t xml_count(struct str xml, const char *name);
/* The first element of that name with all in it, tags included; p NULL when there is none. */
struct str xml_element(struct str xml, const char *name);
struct str xml_element_at(struct str xml, const char *name, size_t n);
/* The first element of that name in which the child `child` has the text `text`. */
struct str xml_where(struct str xml, const char *name, const char *child, const char *text);

/* ---- looking at JSON ---- */

/*
 * What stands at a path: json_path(reply, "Parameters.0.Name").  The text of a string; of a
 * number, true, false, an object or a list its JSON; p NULL when there is nothing or null.
 */
struct str json_path(struct str json, const char *path);
/* json_path() as a C string. */
const char *json_cstr(struct str json, const char *path);
/* How many elements or members a list or object has; 0 when there is none. */
size_t json_count(struct str json, const char *path);

/* Fails the test unless the reply is a fault with that code; prints the reply. */
#define CHECK_FAULT(w, reply, want_code)                                                           \
    do {                                                                                           \
        struct str reply_ = (reply);                                                               \
        if (!str_is(xml_text(reply_, "Code"), (want_code)))                                        \
            FAIL("HTTP %d, not %s: %.*s", (w)->http, (want_code), STR_ARG(reply_));                \
    } while (0)
/* Fails the test unless the reply is a success. */
#define CHECK_OK(w, reply)                                                                         \
    do {                                                                                           \
        struct str reply_ = (reply);                                                               \
        if ((w)->http != 200)                                                                      \
            FAIL("HTTP %d: %.*s", (w)->http, STR_ARG(reply_));                                     \
    } while (0)
