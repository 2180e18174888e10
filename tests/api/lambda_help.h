/* What the tests of Lambda share: a world with a role, and functions that are small archives. */
#pragma once

#include "codec/zip.h"
#include "harness/functions.h"

#define LAMBDA_ARN "arn:aws:lambda:us-east-1:000000000000:function:"
#define FUNCTIONS "/2015-03-31/functions"
#define MEMBER_ROLE "'Role': 'arn:aws:iam::000000000000:role/runs'"

static inline void
lambda_role(struct world *w, const char *name, const char *service)
{
    struct str trust =
        str_fmt(&w->arena,
                "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
                "{\"Service\":\"%s\"},\"Action\":\"sts:AssumeRole\"}]}",
                service);

    world_okf(w, "Action=CreateRole&RoleName=%s&AssumeRolePolicyDocument=%.*s", name,
              STR_ARG(world_code(w, trust)));
}

/* An archive with one file, as base64. */
static inline struct str
lambda_zip(struct world *w, const char *text)
{
    const struct zip_file file = {S("index.py"), str_from(text)};

    return str_base64(&w->arena, zip_make(&w->arena, &file, 1));
}

static inline struct str
lambda_create(struct world *w, const char *name)
{
    return world_rest_okf(
        w, "lambda", "POST", FUNCTIONS,
        "{'FunctionName': '%s', 'Runtime': 'python3.12', 'Handler': 'index.handler', " MEMBER_ROLE
        ", 'Code': {'ZipFile': '%.*s'}}",
        name, STR_ARG(lambda_zip(w, "def handler(event, context): pass")));
}

static inline struct world *
lambda_world(function_fn *fn)
{
    struct world *w = world_new();

    lambda_role(w, "runs", "lambda.amazonaws.com");
    if (fn)
        world_functions(w, fn);
    return w;
}

/* Invokes with headers. */
static inline struct str
lambda_invoke_with(struct world *w, const char *path, const char *type, const char *log,
                   struct str payload)
{
    struct http_header headers[4] = {{S("Host"), S("lambda.us-east-1.amazonaws.com")},
                                     {S("Content-Type"), S("application/octet-stream")}};
    struct api_request req = {.http = {.method = S("POST"),
                                       .path = str_from(path),
                                       .query = S(""),
                                       .headers = headers,
                                       .n_headers = 2,
                                       .body = payload},
                              .trusted = true,
                              .account = w->account,
                              .region = w->region};

    if (type)
        headers[req.http.n_headers++] =
            (struct http_header){S("X-Amz-Invocation-Type"), str_from(type)};
    if (log)
        headers[req.http.n_headers++] = (struct http_header){S("X-Amz-Log-Type"), str_from(log)};
    return world_send(w, &req, S("lambda"));
}
