/* Calls of JSON and REST services, and looking at their answers. */
#include "harness/world.h"

#include "codec/json.h"

/* ' stands for " in a body that has no ". */
static struct str
body_of(struct world *w, const char *json)
{
    struct str body = str_dup(&w->arena, str_from(json));

    if (str_find_char(body, '"') == SIZE_MAX)
        for (size_t i = 0; i < body.n; i++)
            if (body.p[i] == '\'')
                ((char *)body.p)[i] = '"';
    return body;
}

static const struct api_service *
service_of(const char *name)
{
    for (size_t i = 0; cloud_services()[i]; i++)
        if (strcmp(cloud_services()[i]->service->name, name) == 0)
            return cloud_services()[i]->service;
    FAIL("there is no service %s", name);
}

struct str
world_json(struct world *w, const char *service, const char *operation, const char *json)
{
    const struct api_service *s = service_of(service);

    CHECK(s->target && s->json);
    struct http_header headers[] = {
        {S("X-Amz-Target"), str_fmt(&w->arena, "%s.%s", s->target, operation)},
        {S("Content-Type"), str_fmt(&w->arena, "application/x-amz-json-%s", s->json)},
    };
    struct api_request req = {
        .http = {.method = S("POST"),
                 .path = S("/"),
                 .headers = headers,
                 .n_headers = ARRAY_LEN(headers),
                 .body = body_of(w, json)},
        .trusted = true,
        .account = w->account,
        .region = w->region,
    };

    return world_send(w, &req, str_from(s->signing));
}

struct str
world_jsonf(struct world *w, const char *service, const char *operation, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str json = str_vfmt(&w->arena, fmt, ap);
    va_end(ap);
    return world_json(w, service, operation, json.p);
}

struct str
world_json_ok(struct world *w, const char *service, const char *operation, const char *json)
{
    struct str reply = world_json(w, service, operation, json);

    if (w->http != 200)
        FAIL("%s %s: HTTP %d: %.*s", operation, json, w->http, STR_ARG(reply));
    return reply;
}

struct str
world_json_okf(struct world *w, const char *service, const char *operation, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str json = str_vfmt(&w->arena, fmt, ap);
    va_end(ap);
    return world_json_ok(w, service, operation, json.p);
}

void
world_json_refused(struct world *w, const char *code, const char *message, const char *service,
                   const char *operation, const char *json)
{
    struct str reply = world_json(w, service, operation, json), said;

    if (!str_is(json_path(reply, "__type"), code) || w->http < 400)
        FAIL("%s %s: HTTP %d, not %s: %.*s", operation, json, w->http, code, STR_ARG(reply));
    said = json_path(reply, "message");
    if (!said.p)
        said = json_path(reply, "Message");
    if (message && !str_is(said, message))
        FAIL("%s %s: not \"%s\": %.*s", operation, json, message, STR_ARG(reply));
}

void
world_json_refusedf(struct world *w, const char *code, const char *message, const char *service,
                    const char *operation, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str json = str_vfmt(&w->arena, fmt, ap);
    va_end(ap);
    world_json_refused(w, code, message, service, operation, json.p);
}

/* ---- REST ---- */

struct str
world_rest(struct world *w, const char *service, const char *method, const char *path,
           const char *json)
{
    const struct api_service *s = service_of(service);
    struct str query = str_from(path), plain = str_split(&query, '?');
    struct http_header headers[] = {
        {S("Host"), str_fmt(&w->arena, "%s.%.*s.amazonaws.com", s->endpoint, STR_ARG(w->region))},
        {S("Content-Type"), S("application/json")},
    };
    struct api_request req = {
        .http = {.method = str_from(method),
                 .path = plain,
                 .query = query,
                 .headers = headers,
                 .n_headers = ARRAY_LEN(headers),
                 .body = body_of(w, json)},
        .trusted = true,
        .account = w->account,
        .region = w->region,
    };

    return world_send(w, &req, str_from(s->signing));
}

struct str
world_rest_ok(struct world *w, const char *service, const char *method, const char *path,
              const char *json)
{
    struct str reply = world_rest(w, service, method, path, json);

    if (w->http / 100 != 2)
        FAIL("%s %s %s: HTTP %d: %.*s", method, path, json, w->http, STR_ARG(reply));
    return reply;
}

struct str
world_rest_okf(struct world *w, const char *service, const char *method, const char *path,
               const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str json = str_vfmt(&w->arena, fmt, ap);
    va_end(ap);
    return world_rest_ok(w, service, method, path, json.p);
}

void
world_rest_refused(struct world *w, const char *code, const char *message, const char *service,
                   const char *method, const char *path, const char *json)
{
    struct str reply = world_rest(w, service, method, path, json);
    struct str type = world_header(w, "x-amzn-ErrorType"), said = json_path(reply, "message");

    if (!str_is(type, code) || w->http < 400)
        FAIL("%s %s %s: HTTP %d, %.*s and not %s: %.*s", method, path, json, w->http, STR_ARG(type),
             code, STR_ARG(reply));
    if (!said.p)
        said = json_path(reply, "Message");
    if (message && !str_is(said, message))
        FAIL("%s %s: not \"%s\": %.*s", path, json, message, STR_ARG(reply));
}

struct str
world_header(struct world *w, const char *name)
{
    for (size_t i = 0; i < w->n_headers; i++)
        if (str_eq_nocase(w->headers[i].name, str_from(name)))
            return w->headers[i].value;
    return STR_NONE;
}

/* ---- looking ---- */

static const struct json *
find(struct str json, const char *path)
{
    struct json *whole = ARENA_NEW(test_arena(), struct json);
    const struct json *at = whole;
    struct str rest = str_from(path);
    int64_t index;
    size_t where;

    if (!json_parse(test_arena(), json, 1000000, whole, &where))
        FAIL("no JSON at byte %zu: %.*s", where, STR_ARG(json));
    while (at && rest.n) {
        struct str step = str_split(&rest, '.');

        if (at->kind == JSON_ARRAY)
            at = str_to_i64(step, &index) && index >= 0 && (size_t)index < at->n ? &at->v[index]
                                                                                 : NULL;
        else
            at = json_get_str(at, step);
    }
    return at;
}

struct str
json_path(struct str json, const char *path)
{
    const struct json *j = find(json, path);
    struct json_out out = {0};
    struct buf b;

    if (!j || j->kind == JSON_NULL)
        return STR_NONE;
    if (j->kind == JSON_STRING)
        return j->text;
    buf_init(&b, (size_t)64 << 20);
    out.buf = &b;
    json_value(&out, j);
    struct str text = str_dup(test_arena(), buf_str(&b));

    buf_done(&b);
    return text;
}

const char *
json_cstr(struct str json, const char *path)
{
    return test_cstr(json_path(json, path));
}

size_t
json_count(struct str json, const char *path)
{
    const struct json *j = find(json, path);

    return j ? j->n : 0;
}
