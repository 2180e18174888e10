/*
 * Client tokens: the same request again is the same reservation.
 *
 * "The same request" is judged from its meaning, not from its bytes: the description's tables
 * lead through the decoded input, so a member that the API gets later takes part by itself.
 */
#include "codec/crypto.h"
#include "ec2/instance.h"

static void hash_value(struct crypto_hash *h, const struct api_service *service,
                       const struct api_shape *shape, const void *value);

/* Lengths go in as well, so that ("ab", "c") is not ("a", "bc"). */
static void
hash_text(struct crypto_hash *h, struct str text)
{
    uint64_t n = text.n;

    crypto_hash_add(h, &n, sizeof(n));
    crypto_hash_add(h, text.p, text.n);
}

static bool
is_absent(const struct api_shape *shape, const void *at)
{
    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
    case API_DOCUMENT:
        return !((const struct str *)at)->p;
    case API_BOOL:
        return !((const struct opt_bool *)at)->set;
    case API_INT:
    case API_LONG:
    case API_TIME:
        return !((const struct opt_i64 *)at)->set;
    case API_FLOAT:
    case API_DOUBLE:
        return !((const struct opt_f64 *)at)->set;
    case API_STRUCT:
        return !*(void *const *)at;
    case API_LIST:
    case API_MAP:
        return !((const struct str_list *)at)->v; /* every list is {v, n} */
    }
    return true;
}

static void
hash_members(struct crypto_hash *h, const struct api_service *service,
             const struct api_shape *shape, const void *value)
{
    assert(shape->kind == API_STRUCT);
    for (unsigned i = 0; i < shape->n; i++) {
        const struct api_member *m = &service->members[shape->first + i];
        const struct api_shape *type = api_shape(service, m->shape);
        const void *at = (const char *)value + m->offset;
        struct str name = api_member_name(service, m);

        if ((m->flags & API_TOKEN) || str_is(name, "DryRun") || is_absent(type, at))
            continue;
        hash_text(h, name);
        hash_value(h, service, type, type->kind == API_STRUCT ? *(void *const *)at : at);
    }
    hash_text(h, S("}"));
}

static void
hash_value(struct crypto_hash *h, const struct api_service *service,
           const struct api_shape *shape, const void *value)
{
    const struct str_list *list = value;
    const struct api_shape *element;

    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
    case API_DOCUMENT:
        hash_text(h, *(const struct str *)value);
        return;
    case API_BOOL:
        crypto_hash_add(h, value, sizeof(bool)); /* also the first member of opt_bool */
        return;
    case API_INT:
    case API_LONG:
    case API_TIME:
        crypto_hash_add(h, value, sizeof(int64_t));
        return;
    case API_FLOAT:
    case API_DOUBLE:
        crypto_hash_add(h, value, sizeof(double));
        return;
    case API_STRUCT:
        hash_members(h, service, shape, value);
        return;
    case API_LIST:
        assert(shape->first < service->n_members);
        element = api_shape(service, service->members[shape->first].shape);
        for (size_t i = 0; i < list->n; i++)
            hash_value(h, service, element, (const char *)list->v + i * shape->size);
        hash_text(h, S("]"));
        return;
    case API_MAP:
        assert(!"EC2 has no maps");
    }
}

struct str
ec2_request_hash(struct api_call *call, const void *req)
{
    uint8_t digest[SHA256_LEN];
    struct crypto_hash *h = crypto_hash_new(CRYPTO_SHA256);

    hash_members(h, call->service, api_shape(call->service, call->op->input), req);
    crypto_hash_end(h, digest);
    crypto_hash_free(h);
    return str_hex(call->arena, digest, sizeof(digest));
}
