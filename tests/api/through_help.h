/*
 * Services as other services meet them.  The other one here is IAM's description with a handler of
 * the test behind one of its operations, over the world's store.
 */
#pragma once

#include "gen/api/iam.h"
#include "harness/world.h"

/* "Action=OPERATION&…" answered by `handler`, which calls one of `callees` (NULL-terminated). */
static inline struct str
through_iam(struct world *w, const char *operation, api_handler *handler,
            const struct api_service_hooks *const *callees, struct str form)
{
    static api_handler *handlers[256];
    struct api_service service = iam_service;
    const struct api_op *op = api_op_find(&iam_service, str_from(operation));
    const struct api_service_hooks hooks = {.service = &service};
    const struct api_service_hooks *services[8] = {&hooks};
    const struct api_config config = {.env = &w->env.env,
                                      .store = cloud_store(w->cloud),
                                      .services = services,
                                      .root_keys = true,
                                      .default_region = "us-east-1"};
    const struct api_request req = {
        .http = {.method = S("POST"), .path = S("/"), .body = form},
        .trusted = true,
        .account = w->account,
        .region = w->region,
    };
    struct api_reply reply = {0};

    CHECK(op && iam_service.n_handlers <= ARRAY_LEN(handlers));
    memcpy(handlers, iam_service.handlers, iam_service.n_handlers * sizeof(*handlers));
    handlers[op->handler] = handler;
    service.handlers = handlers;
    for (size_t i = 0; callees[i]; i++) {
        CHECK(i + 2 < ARRAY_LEN(services));
        services[i + 1] = callees[i];
    }
    struct api *api = api_new(&config);

    CHECK(api);
    buf_init(&reply.body, 1 << 20);
    api_handle(api, test_arena(), &req, &reply);
    struct str body = str_dup(test_arena(), buf_str(&reply.body));

    w->http = reply.status;
    buf_done(&reply.body);
    api_free(api);
    return body;
}
