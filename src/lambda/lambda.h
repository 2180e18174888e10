/*
 * Lambda: functions, their versions and aliases, who may call them, and calling them.  Handlers are
 * declared by the generated header; here is what the service's files share.  Where functions run is
 * runner.h's.
 */
#pragma once

#include "api/api.h"
#include "api/tags.h"
#include "gen/api/lambda.h"
#include "gen/store/lambda_rows.h"

extern const struct api_service_hooks lambda_hooks;

enum {
    LAMBDA_TIMEOUT_S = 3,
    LAMBDA_TIMEOUT_S_MAX = 900,
    LAMBDA_MEMORY_MIB = 128,
    LAMBDA_MEMORY_MIB_MAX = 10240,
    LAMBDA_STORAGE_MIB = 512,
    LAMBDA_ENVIRONMENT_BYTES_MAX = 4096,
    LAMBDA_ZIPPED_MAX = 50 << 20,
    LAMBDA_UNZIPPED_MAX = 262144000,
    LAMBDA_PAYLOAD_MAX = 6291456,
    LAMBDA_RESPONSE_MAX = 6291556,
    LAMBDA_EVENT_MAX = 1048576,
    LAMBDA_CONCURRENT_MAX = 1000, /* of an account in a Region */
    LAMBDA_TAGS_MAX = 50,
    LAMBDA_LAYERS_MAX = 5,
    LAMBDA_POLICY_BYTES_MAX = 20480,
};
#define LAMBDA_LATEST "$LATEST"
#define LAMBDA_RESERVED(n) ((n) + 1) /* in lambda_function.reserved, where 0 is none */

#define LAMBDA_ERRORS(X)                                                                           \
    X(AccessDeniedException, 403)                                                                  \
    X(InvalidParameterValueException, 0)                                                           \
    X(InvalidRequestContentException, 0)                                                           \
    X(PolicyLengthExceededException, 0)                                                            \
    X(PreconditionFailedException, 0)                                                              \
    X(RequestTooLargeException, 0)                                                                 \
    X(ResourceConflictException, 0)                                                                \
    X(ResourceNotFoundException, 0)                                                                \
    X(ServiceException, 0)                                                                         \
    X(TooManyRequestsException, 0)                                                                 \
    X(ValidationException, 400)

enum lambda_error {
#define X(name, http) LAMBDA_ERROR_##name,
    LAMBDA_ERRORS(X)
#undef X
        LAMBDA_N_ERRORS
};
extern const struct api_error lambda_errors[LAMBDA_N_ERRORS];
#define LAMBDA_ERR(name) (lambda_errors[LAMBDA_ERROR_##name])

/* ---- lambda.c ---- */

/* A function as requests name it: a name, a partial or a whole ARN, perhaps with a qualifier. */
struct lambda_name {
    struct str account, region, name;
    struct str qualifier; /* a version or an alias; p NULL: none */
};
/*
 * Reads FunctionName and Qualifier (which may be absent).  InvalidParameterValueException when both
 * have a qualifier that differ, ResourceNotFoundException of another Region.
 */
int lambda_name_read(struct api_call *call, struct str text, struct str qualifier,
                     struct lambda_name *ret);
/* The same for operations on the function as a whole. */
int lambda_name_plain(struct api_call *call, struct str text, struct lambda_name *ret);
struct str lambda_arn(struct arena *a, const struct lambda_name *name);
struct lambda_name lambda_name_of(const struct lambda_function_row *row);
/* "ACCOUNT REGION NAME", a blank and `last`, which are keys of rows. */
struct str lambda_key(struct arena *a, const struct lambda_name *name, struct str last);
/* "Function not found: ARN" */
int lambda_not_found(struct api_call *call, const struct lambda_name *name);

/* The function's $LATEST.  ResourceNotFoundException. */
int lambda_find(struct api_call *call, const struct lambda_name *name,
                const struct lambda_function_row **ret);
/* The same of a name as lambda_name_plain() reads it: both in one step. */
int lambda_find_plain(struct api_call *call, struct str text, struct lambda_name *ret_name,
                      const struct lambda_function_row **ret);
/* What the qualifier names; an alias with weights chooses by chance where `random`. */
int lambda_find_version(struct api_call *call, const struct lambda_name *name, bool random,
                        const struct lambda_function_row **ret);

int lambda_put(struct api_call *call, struct lambda_function_row *row, bool is_new);
/* PreconditionFailedException unless absent or the same. */
int lambda_revision_check(struct api_call *call, struct str wanted, struct str is);
/* "Welkin does not implement the parameter NAME", which is refused. */
int lambda_unsupported(struct api_call *call, const char *member);
int lambda_bad(struct api_call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);

int lambda_page_open(struct api_call *call, struct str token, struct opt_i64 max, int64_t most,
                     struct api_page *ret);
/* A page of what a function has, from its plain name. */
int lambda_list_open(struct api_call *call, struct str function, struct str token,
                     struct opt_i64 max, struct lambda_name *ret_name, struct api_page *ret_page);
struct str lambda_page_next(struct api_call *call, const struct api_page *page);

/* What is true of every row, as assertions. */
void lambda_function_assert(const struct lambda_function_row *row);

/* ---- config.c: what a function is, from requests and in replies ---- */

struct lambda_FunctionConfiguration *
lambda_show(struct api_call *call, const struct lambda_function_row *row);
void lambda_show_in(struct api_call *call, const struct lambda_function_row *row,
                    struct lambda_FunctionConfiguration *out);
/* Each takes what is given into the row, or refuses it. */
int lambda_take_runtime(struct api_call *call, struct str runtime, struct lambda_function_row *row);
int lambda_take_role(struct api_call *call, struct str role, struct lambda_function_row *row);
int lambda_take_limits(struct api_call *call, struct opt_i64 timeout, struct opt_i64 memory,
                       struct lambda_function_row *row);
int lambda_take_environment(struct api_call *call, const struct lambda_Environment *environment,
                            struct lambda_function_row *row);
/* "2026-11-21T01:30:00.123+0000" */
struct str lambda_time(struct arena *a, int64_t ms);
/* The function's variables; none: an absent list. */
struct lambda_TextMap lambda_variables(struct arena *a, const struct lambda_function_row *row);
/* Members that have one value here. */
struct lambda_fixed {
    const struct lambda_EphemeralStorage *ephemeral_storage;
    const struct lambda_LoggingConfig *logging_config;
    const struct lambda_SnapStart *snap_start;
    const struct lambda_TracingConfig *tracing_config;
    const struct str_list *architectures;
};
int lambda_fixed_check(struct api_call *call, const struct lambda_fixed *fixed);

/* ---- code.c ---- */

struct lambda_code_from {
    struct str zip_file, s3_bucket, s3_key, s3_version;
};
/* Reads and checks it, and sets the row's members; the row's old code is dropped if it can be. */
int lambda_code_take(struct api_call *call, const struct lambda_code_from *from,
                     struct lambda_function_row *row, bool dry);
/* The same without a function: what was kept, or (dry) would be. */
struct lambda_code_kept {
    struct str code, sha256;
    int64_t bytes, unzipped;
};
int lambda_code_keep(struct api_call *call, const struct lambda_code_from *from, bool dry,
                     struct lambda_code_kept *ret);
int lambda_code_delete_all(struct api_call *call, struct str code);
/* The archive again, in the arena. */
int lambda_code_read(struct txn *txn, struct arena *a, struct str code, struct str *ret);
/* The code goes unless another version of the function has it; the caller's row does not count. */
int lambda_code_drop(struct api_call *call, const struct lambda_function_row *row);

/* ---- layer.c ---- */

/* The layers that a function shall have: InvalidParameterValueException, AccessDeniedException. */
int lambda_take_layers(struct api_call *call, const struct str_list *layers,
                       struct lambda_function_row *row);
/* Whether code and layers are small enough together. */
int lambda_layers_fit(struct api_call *call, const struct lambda_function_row *row);
/* A version of a layer by its ARN, also a deleted one that functions still have; or NULL. */
const struct lambda_layer_version_row *
lambda_layer_by_arn(struct txn *txn, struct arena *a, struct str arn);
/* A row, gone or changed, had these: deleted versions that nobody has any more go. */
int lambda_layers_release(struct api_call *call, const struct str_list *layers);

/* ---- version.c ---- */

/* The version that $LATEST is now; the newest one again when nothing changed since. */
int lambda_publish(struct api_call *call, const struct lambda_function_row *latest,
                   struct str description, const struct lambda_function_row **ret);
const struct lambda_alias_row *
lambda_alias_find(struct txn *txn, struct arena *a, const struct lambda_name *name);

/* ---- concurrency.c ---- */

/* The sum of what functions have reserved, and (not NULL) which have. */
int64_t lambda_reserved(struct api_call *call, struct str account, struct str region,
                        struct str_list *ret_names);

/* ---- url.c ---- */

/* Of a function, or of one of its aliases. */
int lambda_urls_drop(struct api_call *call, const struct lambda_name *name, bool all);

/* ---- url_serve.c: requests to them ---- */

#define LAMBDA_URL_LABEL ".lambda-url."
#define LAMBDA_URL_TOP ".on.aws"
bool lambda_url_owns(const struct api_request *req);
void
lambda_url_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply);

/* ---- invoke_config.c ---- */

/* Of a function, or of one of its versions or aliases. */
int lambda_event_configs_drop(struct api_call *call, const struct lambda_name *name, bool all);

/* ---- permission.c ---- */

/*
 * A statement more or less in the policy of what the name names (which may be a layer's version):
 * ResourceConflictException, PolicyLengthExceededException, ResourceNotFoundException,
 * PreconditionFailedException.
 */
int lambda_statement_add(struct api_call *call, const struct lambda_name *name, struct str sid,
                         struct str statement, struct str revision, struct str *ret_revision);
int lambda_statement_remove(struct api_call *call, const struct lambda_name *name, struct str sid,
                            struct str revision);
/* "The resource you requested does not exist." */
int lambda_no_resource(struct api_call *call);
/* RevisionId of a policy; p NULL: it has none. */
struct str lambda_policy_revision(struct api_call *call, const struct lambda_name *name);

/* The policy of what the name names, as JSON; p NULL: it has none. */
struct str lambda_policy(struct api_call *call, const struct lambda_name *name);
/* All statements of a function, or of one of its versions or aliases, go. */
int lambda_permissions_drop(struct api_call *call, const struct lambda_name *name, bool all);

/* ---- tag.c ---- */

int lambda_tags_put(struct api_call *call, const struct lambda_TextMap *tags, struct str_list *all);
