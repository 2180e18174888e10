/*
 * What a service's handler sees of a call, and what the front (daemon, tests, simulation) sees
 * of the API.
 *
 * Life of a call: find service and operation → verify the signature → decode into the call's
 * arena → validate → begin a transaction → handler → encode → commit.
 * The reply may be sent once the commit is durable; api_reply says for which sequence number to
 * wait.  A handler that answers anything but 0 leaves nothing behind: dispatch rolls back.
 */
#pragma once

#include "api/model.h"
#include "api/page.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include "base/str.h"
#include "codec/session.h"
#include "codec/sigv4.h"
#include "policy/policy.h"
#include "store/store.h"
#include "sys/env.h"

struct api;
struct api_caller;
struct api_guard;
struct api_later; /* api/later.h */
struct api_reply;
struct api_request;
struct api_stream; /* api/stream.h */
struct api_upload; /* api/upload.h */
struct api_wire; /* api/wire.h */

/*
 * A row of a service's errors: the code on the wire and its HTTP status; status 0 is that of the
 * error of that name or code in the service's description, 400 when there is none.
 */
struct api_error {
    const char *code;
    int http;
};

struct api_call {
    struct api *api;
    struct env *env;
    struct arena *arena; /* all that the call allocates; freed when the reply is encoded */
    struct store *store;
    struct txn *txn;     /* one that changes nothing unless the operation is `write` */
    const struct api_service *service;
    const struct api_op *op;
    const void *input;   /* the decoded request, from its authorization on */
    const struct api_wire *wire; /* the format that the caller speaks */
    struct str account;  /* 12 digits */
    struct str region;
    struct str principal_arn;
    struct str principal_id; /* UserId of GetCallerIdentity */
    struct policy_principal principal; /* the same, as policies name it */
    const struct session *session;     /* of temporary credentials; NULL: long-term ones */
    struct str instance;     /* of CFN_V1: which instance calls, no principal; else p NULL */
    struct str source_arn;   /* of a service that calls: the thing that it calls for */
    struct str via;          /* the service that calls for the principal; p NULL: it calls itself */
    bool streams;            /* the reply is written at once: its lists may be API_MADE */
    const struct str_list *via_all; /* all such services, the first one first; NULL: none */
    struct api_guard *guard;        /* what the API needs to decide; api/guard.h */
    const struct api_caller *caller; /* the principal's policies, once they were needed */
    const struct policy_context *request_keys; /* condition keys of the request, likewise */
    const struct api_request *request; /* what came in: address and user agent */
    struct api_upload *upload;      /* the body, of operations that take one of any size */
    struct api_reply *reply;        /* for handlers that say more than their output can */
    struct str access_key;
    struct str request_id;
    int64_t now_ms;      /* the cloud's time, the same for the whole call */
    struct api_fault fault;
};

/*
 * Refuses the call: stores the fault and answers a positive number, so that a handler writes
 * `return api_fault(call, &EC2_ERR(…), "The … '%.*s' does not exist", STR_ARG(id));`.
 */
int api_fault(struct api_call *call, const struct api_error *error, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/*
 * The same with the members that the error's shape has beside its message: `detail` is the
 * generated struct of that shape, in the call's arena.  Formats that have no place for them leave
 * them out.
 */
int api_fault_detail(struct api_call *call, const struct api_error *error, const void *detail,
                     const char *fmt, ...) PRINTF_LIKE(4, 5);

/* A new id "i-0123456789abcdef0": prefix, '-' and 17 hexadecimal digits, lives in the arena. */
struct str api_id(struct api_call *call, const char *prefix);
/* A random UUID in the usual 8-4-4-4-12 form. */
struct str api_uuid(struct env *env, struct arena *arena);

/* Where a NextToken of this call is good: this operation, account and region. */
struct api_page_scope api_page_scope(const struct api_call *call);

/*
 * A service may have something to do before an operation of it runs for an account and region
 * for the first time (EC2's default VPC).  `needed` looks, without a writing transaction;
 * `prepare` does it in the call's (writing) transaction.  Both in struct api_service_hooks.
 */
struct api_resource; /* api/authorize.h */
struct api_service_hooks {
    const struct api_service *service;
    bool (*prepare_needed)(struct api_call *call);
    int (*prepare)(struct api_call *call);
    /*
     * For authorization, both may be NULL.  `resource` tells what the service knows of the thing
     * `id` (as it stands in the request: an id, a name or an ARN; empty when the member is absent)
     * of a type of the .ops file; what does not exist is left as it is.  `context` adds the keys
     * that the request itself carries (ec2:InstanceType of RunInstances).  Tags in a request are
     * found without it.
     */
    int (*resource)(struct api_call *call, struct str type, struct str id,
                    struct api_resource *resource);
    void (*context)(struct api_call *call, const void *req, struct policy_context *context);
    /*
     * Whether an instance that proved itself by its identity document (call->instance) may do this;
     * NULL: this service takes no such proof.
     */
    bool (*of_instance)(struct api_call *call, const void *req);
    /* Its things have policies of their own, which bind even the root of their account. */
    bool resource_policies;
    /*
     * Whether something beside policies allows an action that no policy mentions (grants of KMS).
     * `extra` are the keys of this decision alone, as the handler gave them.  May be NULL.
     */
    bool (*granted)(struct api_call *call, struct str action, const struct api_resource *resource,
                    const struct policy_context *extra);
    /*
     * Requests that are no calls of an operation, but are sent to a name that is the service's own
     * (the handle of a wait condition): whether this is one, and its answer.  The call has no
     * principal and no transaction; the hook begins one, proves who asks and fills in the reply
     * with its wait_seq.  Both may be NULL.
     */
    bool (*owns)(const struct api_request *req);
    void (*answer)(struct api_call *call, const struct api_request *req, struct api_reply *reply);
    /* Operations whose payload is bytes find it in call->upload instead. */
    bool uploads;
    const char *upload_apart; /* the operation whose bytes are a blob, however few; or NULL */
    /*
     * The path by which operations are found, where it is not that of the request: a bucket may be
     * in the host's name.  May be NULL.
     */
    struct str (*path)(struct arena *arena, struct str host, struct str path);
    /*
     * Requests without a signature are nobody's, whom policies may let in (a public bucket): then
     * `unnamed` tells whether one that names no service is for this one.
     */
    bool (*unnamed)(struct api_call *call, const struct api_request *req);
    /*
     * Requests to the service that are no operation's (a preflight, a form): false: it is one; else
     * *ret is as a handler's, and where it is 0 the reply is filled in.  Like `answer` it begins
     * the transaction.
     */
    bool (*beside)(struct api_call *call, const struct api_request *req, struct api_reply *reply,
                   int *ret);
    /* May add headers to any reply of the service, refusals included; no transaction is open. */
    void (*dress)(struct api_call *call, const struct api_request *req, struct api_reply *reply);
};

/*
 * The principal of a call whose request carries its signature elsewhere: `claim` has it where a
 * presigned URL has it, and it is of `text`.  0, positive with the fault, or negative.
 */
int api_sign_in(struct api_call *call, const struct sigv4_request *claim, struct str text);

/*
 * What a handler may ask of the machines directly, because it is not in a row: the console's
 * bytes.  Given by the daemon (sandbox host) or by tests (sim host).
 */
struct api_machines {
    void *ctx;
    int64_t max; /* how many there may be at once */
    /* Sentences without a full stop: why guests get no volumes beside their root, or none that are
     * encrypted, and why no snapshots are made, or none that are encrypted; NULL: they are. */
    const char *no_volumes, *no_encrypted_volumes, *no_snapshots, *no_encrypted_snapshots;
    /* The last (at most 64 KiB) bytes that the console of instance `id` printed, and when; 0 or
     * -errno; no console yet: 0 with an empty text. */
    int (*console)(void *ctx, struct arena *arena, struct str id, struct str *ret_text,
                   int64_t *ret_ms);
    bool runs_guests; /* what their images hold; false: nothing in them runs, they are simulated */
};
const struct api_machines *api_machines(const struct api_call *call);

/* ---- the front ---- */

/* Who puts instances on hosts: src/ec2/placer.h.  The API only hands it to the handlers. */
struct ec2_placer;
struct ec2_placer *api_placer(const struct api_call *call);

/* Who runs functions: src/lambda/runner.h.  Likewise. */
struct lambda_runner;
struct lambda_runner *api_runner(const struct api_call *call);

/* Who waits for messages: src/sqs/sqs.h.  Likewise. */
struct sqs_waits;
struct sqs_waits *api_queues(const struct api_call *call);

struct api_config {
    struct env *env;
    struct store *store;
    const struct api_service_hooks *const *services; /* NULL-terminated */
    const struct api_machines *machines;
    struct ec2_placer *placer;
    struct lambda_runner *runner;
    struct sqs_waits *queues;
    bool root_keys;        /* accept test/test and 12-digit access keys */
    const char *default_region;
};

struct api *api_new(const struct api_config *config);
struct api *api_free(struct api *api);

/* A request, independent of any transport.  Slices live in the caller's memory. */
struct api_request {
    struct sigv4_request http; /* method, path, query, headers, body: as on the wire */
    bool trusted;              /* no signature is asked for: tests and internal calls */
    struct str account, region; /* of a trusted request */
    struct str peer;           /* the client's address as text, for aws:SourceIp; p NULL: unknown */
    bool secure;               /* it came by TLS: aws:SecureTransport */
    struct str source_vpc;     /* out of which VPC: aws:SourceVpc; p NULL: from outside */
    struct str route;          /* the path by which the operation is found; p NULL: http.path */
    struct api_upload *upload; /* the body, when it came apart from the request; else NULL */
    bool no_root_keys;         /* root keys, which everybody knows, are not accepted */
};

struct api_reply {
    int status;
    struct str content_type; /* empty: none is sent */
    struct api_headers {
        struct http_header *v;
        size_t n;
    } headers;            /* further ones, beside the content type and the request's id */
    struct str request_id;
    struct buf body;      /* the caller's; initialised with its maximum before the call */
    struct api_stream *stream; /* or NULL: instead of a body; its blobs are held (blobs_hold()) */
    struct opt_i64 length; /* of the body that a HEAD request does not get */
    struct api_later *later; /* or NULL: the rest comes later */
    uint64_t wait_seq;    /* may be sent when store_durable_seq() >= this */
    bool secret;          /* request or body may hold one: wipe body and arena once it was sent */
    struct str service, operation, code; /* for the log; code is empty when all went well */
};

/*
 * Carries out a request.  Always fills in the reply: failures of ours are logged here and
 * answered as InternalError.  The arena must live until the reply was sent.
 */
void api_handle(struct api *api, struct arena *arena, const struct api_request *req,
                struct api_reply *reply);

/*
 * Whether pages of other machines may send this: it is for a service that answers to nobody in
 * particular.  Let them use no root keys (struct api_request, no_root_keys).
 */
bool api_takes_pages(struct api *api, struct arena *arena, const struct api_request *req);

/* The reply to what never became a request (413, 431, 400 of the HTTP server), in XML. */
void api_reject(struct api *api, struct arena *arena, int status, struct api_reply *reply);
