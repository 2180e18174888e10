/*
 * Attributes of messages, and the digests that clients compare.  AWS's digest of attributes is MD5
 * over each name in order: its length, itself, likewise its type, a byte for what its value is, and
 * the value.
 */
#include "sqs/sqs.h"

#include "codec/crypto.h"

#include <stdlib.h>

enum { NAME_MAX_CHARS = 256, NODES_MAX = 200, IS_TEXT = 1, IS_BYTES = 2 };
#define KEPT_MAX ((size_t)2 << 20)

typedef struct sqs_MessageAttributeValueMapEntry entry_type;

static bool
is_of(struct str type, const char *base)
{
    return str_is(str_split(&type, '.'), base);
}

static int
bad(struct api_call *call, struct str name, const char *what)
{
    return api_fault(call, &SQS_ERR(InvalidParameterValue), "The message attribute '%.*s' %s",
                     STR_ARG(name), what);
}

static int
check(struct api_call *call, const entry_type *e)
{
    const struct sqs_MessageAttributeValue *v = e->value;
    bool ok = e->key.n > 0 && e->key.n <= NAME_MAX_CHARS;
    struct json number = {.kind = JSON_NUMBER};
    double f;

    for (size_t i = 0; i < e->key.n; i++) {
        char c = e->key.p[i];

        ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_' || c == '.');
    }
    if (!ok)
        return api_fault(call, &SQS_ERR(InvalidParameterValue),
                         "Message (user) attribute name can contain the following characters: A-Z, "
                         "a-z, 0-9, _, - and . and have at most 256 of them.");
    if (!v || !v->data_type.n)
        return bad(call, e->key, "must contain non-empty message attribute type.");
    if (v->string_list_values.n || v->binary_list_values.n)
        return api_fault(call, &SQS_ERR(UnsupportedOperation),
                         "Message attribute list values in SendMessage operation are not "
                         "supported.");
    bool bytes = is_of(v->data_type, "Binary");

    if (!bytes && !is_of(v->data_type, "String") && !is_of(v->data_type, "Number"))
        return bad(call, e->key,
                   "has an invalid message attribute type, the set of supported type "
                   "prefixes is Binary, Number, and String.");
    if (bytes ? !v->binary_value.n || v->string_value.p : !v->string_value.n || v->binary_value.p)
        return bad(call, e->key, "must contain a non-empty message attribute value of its type.");
    number.text = v->string_value;
    if (is_of(v->data_type, "Number") && !json_f64(&number, &f))
        return bad(call, e->key, "must contain a number as its value.");
    return 0;
}

int
sqs_content_read(struct api_call *call, const struct sqs_MessageAttributeValueMap *map,
                 struct str *ret, size_t *ret_bytes)
{
    struct buf buf;
    struct json_out o = {&buf};
    int r = 0;

    *ret = S("");
    *ret_bytes = 0;
    if (!map->n)
        return 0;
    if (map->n > SQS_ATTRIBUTES_MAX)
        return api_fault(call, &SQS_ERR(InvalidParameterValue),
                         "Number of message attributes [%zu] exceeds the allowed maximum [%d].",
                         map->n, SQS_ATTRIBUTES_MAX);
    buf_init(&buf, KEPT_MAX);
    json_open(&o, '[');
    for (size_t i = 0; i < map->n && r == 0; i++) {
        const entry_type *e = &map->v[i];

        r = check(call, e);
        if (r)
            break;
        bool bytes = e->value->binary_value.p != NULL;
        struct str value = bytes ? e->value->binary_value : e->value->string_value;

        *ret_bytes += e->key.n + e->value->data_type.n + value.n;
        if (*ret_bytes > SQS_MESSAGE_MAX)
            break; /* the caller will say that it is too long */
        json_str(&o, e->key);
        json_str(&o, e->value->data_type);
        json_str(&o, bytes ? str_base64(call->arena, value) : value);
    }
    json_close(&o, ']');
    if (r == 0 && *ret_bytes <= SQS_MESSAGE_MAX)
        *ret = str_dup(call->arena, buf_str(&buf));
    assert(r || !buf_failed(&buf) || *ret_bytes > SQS_MESSAGE_MAX);
    buf_wipe(&buf);
    buf_done(&buf);
    return r;
}

/* "All", ".*", a name, or a prefix that ends with ".*". */
static bool
is_asked(const struct str_list *names, struct str name)
{
    LIST_EACH(names, n) {
        if (str_is(*n, "All") || str_eq(*n, name) ||
            (str_ends(*n, S(".*")) && str_starts(name, str_cut(*n, 0, n->n - 2))))
            return true;
    }
    return false;
}

void
sqs_content_show(struct arena *a, struct str kept, const struct str_list *names,
                 struct sqs_MessageAttributeValueMap *ret)
{
    struct json list;
    size_t at;

    if (!kept.n || !names->n)
        return;
    bool ok = json_parse(a, kept, NODES_MAX, &list, &at);

    assert(ok && list.kind == JSON_ARRAY && list.n % 3 == 0);
    for (size_t i = 0; ok && i + 2 < list.n; i += 3) {
        struct sqs_MessageAttributeValue *v;

        if (!is_asked(names, list.v[i].text))
            continue;
        v = ARENA_NEW(a, struct sqs_MessageAttributeValue);
        v->data_type = list.v[i + 1].text;
        if (!is_of(v->data_type, "Binary"))
            v->string_value = list.v[i + 2].text;
        else
            str_unbase64(a, list.v[i + 2].text, &v->binary_value);
        *LIST_PUSH(a, ret) = (entry_type){.key = list.v[i].text, .value = v};
    }
}

/* ---- digests ---- */

struct str
sqs_md5(struct arena *a, struct str text)
{
    uint8_t digest[MD5_LEN];

    crypto_digest(CRYPTO_MD5, text.p, text.n, digest);
    return str_hex(a, digest, sizeof(digest));
}

static int
by_name(const void *x, const void *y)
{
    return str_cmp(((const entry_type *)x)->key, ((const entry_type *)y)->key);
}

static void
add_sized(struct crypto_hash *h, struct str s)
{
    const uint8_t n[4] = {(uint8_t)(s.n >> 24), (uint8_t)(s.n >> 16), (uint8_t)(s.n >> 8),
                          (uint8_t)s.n};

    crypto_hash_add(h, n, sizeof(n));
    crypto_hash_add(h, s.p, s.n);
}

struct str
sqs_md5_attributes(struct arena *a, const struct sqs_MessageAttributeValueMap *map)
{
    uint8_t digest[MD5_LEN];

    if (!map->n)
        return STR_NONE;
    entry_type *sorted = arena_dup(a, map->v, map->n * sizeof(*sorted));
    struct crypto_hash *h = crypto_hash_new(CRYPTO_MD5);

    qsort(sorted, map->n, sizeof(*sorted), by_name);
    for (size_t i = 0; i < map->n; i++) {
        const struct sqs_MessageAttributeValue *v = sorted[i].value;
        const uint8_t kind = v->binary_value.p ? IS_BYTES : IS_TEXT;

        add_sized(h, sorted[i].key);
        add_sized(h, v->data_type);
        crypto_hash_add(h, &kind, 1);
        add_sized(h, kind == IS_BYTES ? v->binary_value : v->string_value);
    }
    crypto_hash_end(h, digest);
    crypto_hash_free(h);
    return str_hex(a, digest, sizeof(digest));
}
