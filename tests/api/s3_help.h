/* Calls of S3 in a world. */
#pragma once

#include "base/list.h"
#include "harness/world.h"

/* A request; headers as "Name: value", NULL-terminated, at most six. */
static inline struct str
s3_send(struct world *w, const char *method, const char *target, struct str body,
        const char *const *headers)
{
    struct http_header list[6];
    struct str query = str_from(target), path = str_split(&query, '?');
    struct api_request req = {
        .http = {.method = str_from(method), .path = path, .query = query, .body = body},
        .trusted = true,
        .account = w->account,
        .region = w->region,
        .secure = w->secure,
    };
    size_t n = 0;

    for (; headers && headers[n]; n++) {
        struct str value = str_from(headers[n]), name = str_split(&value, ':');

        CHECK(n < ARRAY_LEN(list));
        list[n] = (struct http_header){name, str_trim(value)};
    }
    req.http.headers = list;
    req.http.n_headers = n;
    return world_send(w, &req, S("s3"));
}

#define S3_HEADERS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
/* S3(w, "PUT", "/b/k", "body", "Content-Type: text/plain") */
#define S3(w, method, target, body, ...)                                                           \
    s3_send((w), (method), (target), str_from(body), S3_HEADERS(__VA_ARGS__))

/* The same, and a failed test unless the answer is of that status. */
#define S3_OK(w, status, method, target, body, ...)                                                \
    ({                                                                                             \
        struct str ok_ = S3(w, method, target, body, ##__VA_ARGS__);                               \
        if ((w)->http != (status))                                                                 \
            FAIL("%s %s: HTTP %d, not %d: %.*s", (method), (target), (w)->http, (status),          \
                 STR_ARG(ok_));                                                                    \
        ok_;                                                                                       \
    })

/* A failed test unless the answer is a fault with that status, code and (NULL: any) message. */
#define S3_REFUSED(w, status, code, message, method, target, body, ...)                            \
    ({                                                                                             \
        struct str no_ = S3_OK(w, status, method, target, body, ##__VA_ARGS__);                    \
        const char *want_ = (message);                                                             \
        if (!str_is(xml_text(no_, "Code"), (code)) ||                                              \
            (want_ && !str_is(xml_text(no_, "Message"), want_)))                                   \
            FAIL("%s %s: not %s: %.*s", (method), (target), (code), STR_ARG(no_));                 \
        no_;                                                                                       \
    })
