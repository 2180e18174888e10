/*
 * Token: base64url of version (1 byte), MAC (16 bytes), key of the last row.  The MAC covers the
 * scope's parts with their lengths, so that no two scopes can be confused.
 */
#include "api/page.h"

#include "base/buf.h"
#include "codec/crypto.h"

#define VERSION 1
#define MAC_BYTES 16
#define TOKEN_CHARS_MAX 2048

/* ---- base64url without padding ---- */

static struct str
url_encode(struct arena *a, struct str bytes)
{
    struct str s = str_base64(a, bytes);
    char *p = (char *)s.p;

    assert(str_ok(bytes));
    while (s.n && p[s.n - 1] == '=')
        s.n--;
    for (size_t i = 0; i < s.n; i++)
        p[i] = p[i] == '+' ? '-' : p[i] == '/' ? '_' : p[i];
    return s;
}

static bool
url_decode(struct arena *a, struct str text, struct str *ret)
{
    size_t padded = (text.n + 3) / 4 * 4;
    char *p = arena_alloc_raw(a, padded);

    assert(str_ok(text));
    for (size_t i = 0; i < padded; i++) {
        char c = i < text.n ? text.p[i] : '=';

        if (i < text.n && (c == '=' || c == '+' || c == '/' || c == ' ' || c == '\n' ||
                           c == '\r' || c == '\t'))
            return false;
        p[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    return str_unbase64(a, str_of(p, padded), ret);
}

static struct str
turned(struct arena *a, struct str token, const char from[2], const char to[2])
{
    struct str out = token.p ? str_dup(a, token) : token;

    for (size_t i = 0; i < out.n; i++)
        for (size_t k = 0; k < 2; k++)
            if (token.p[i] == from[k])
                ((char *)out.p)[i] = to[k];
    return out;
}

struct str
api_page_to_plain(struct arena *arena, struct str token)
{
    return turned(arena, token, "-_", "+/");
}

struct str
api_page_from_plain(struct arena *arena, struct str token)
{
    return turned(arena, token, "+/", "-_");
}

/* ---- tokens ---- */

static void
add_part(struct buf *b, struct str part)
{
    assert(str_ok(part));
    buf_add_i64(b, (int64_t)part.n);
    buf_add_char(b, ':');
    buf_add_str(b, part);
}

static struct str
mac(struct arena *a, const struct api_page_scope *scope, struct str row)
{
    uint8_t digest[SHA256_LEN];
    struct buf b;

    buf_init(&b, 1 << 16);
    add_part(&b, scope->operation);
    add_part(&b, scope->account);
    add_part(&b, scope->region);
    add_part(&b, row);
    assert(!buf_failed(&b));
    crypto_hmac_sha256(scope->key, API_PAGE_KEY_BYTES, b.p, b.n, digest);
    buf_done(&b);
    return str_of(arena_dup(a, digest, MAC_BYTES), MAC_BYTES);
}

static bool
read_token(struct arena *a, const struct api_page_scope *scope, struct str token, struct str *ret)
{
    struct str bytes;

    assert(str_ok(token));
    if (token.n > TOKEN_CHARS_MAX || !url_decode(a, token, &bytes))
        return false;
    if (bytes.n <= 1 + MAC_BYTES || bytes.p[0] != VERSION)
        return false;
    struct str row = str_cut(bytes, 1 + MAC_BYTES, bytes.n);

    if (!str_eq_consttime(str_cut(bytes, 1, 1 + MAC_BYTES), mac(a, scope, row)))
        return false;
    *ret = row;
    return true;
}

struct str
api_page_next(struct arena *arena, const struct api_page_scope *scope,
              const struct api_page *page)
{
    static const char version = VERSION;

    if (!page->more)
        return STR_NONE;
    assert(page->last.n > 0);
    struct str head = str_cat(arena, str_of(&version, 1), mac(arena, scope, page->last));

    return url_encode(arena, str_cat(arena, head, page->last));
}

/* ---- a page ---- */

static int
bad_token(struct arena *arena, const struct api_page_scope *scope, struct api_fault *fault)
{
    if (scope->protocol == API_EC2)
        return api_refuse(fault, arena, "InvalidParameterValue",
                          "Unable to parse pagination token.");
    return api_refuse(fault, arena, "ValidationError", "Invalid Marker.");
}

/* The limits of query services are in their descriptions and were checked before. */
static int
check_size(struct arena *arena, const struct api_page_rule *rule, int64_t *size,
           struct api_fault *fault)
{
    assert(size);
    if (*size > rule->max && rule->clamp)
        *size = rule->max;
    if (*size >= rule->min && *size <= rule->max)
        return 0;
    return api_refuse(fault, arena, "InvalidParameterValue",
                      "Value ( %lld ) for parameter maxResults is invalid. "
                      "Expecting a value %s than %lld.",
                      (long long)*size, *size < rule->min ? "greater" : "less",
                      (long long)(*size < rule->min ? rule->min : rule->max));
}

int
api_page_open(struct arena *arena, const struct api_page_scope *scope,
              const struct api_page_rule *rule, struct str token, struct opt_i64 max_results,
              bool has_ids, struct api_page *ret, struct api_fault *fault)
{
    struct api_page page = {.left = rule->otherwise ? rule->otherwise : INT64_MAX};
    int r;

    assert(rule->min <= rule->max && rule->otherwise >= 0);
    if (has_ids && rule->ids && max_results.set)
        return api_refuse(fault, arena, "InvalidParameterCombination",
                          "The parameter %s cannot be used with the parameter maxResults",
                          rule->ids);
    if (has_ids && rule->ids && token.n)
        return api_refuse(fault, arena, "InvalidParameterCombination",
                          "The parameter %s cannot be used with the parameter nextToken",
                          rule->ids);
    if (max_results.set) {
        page.left = max_results.v;
        r = check_size(arena, rule, &page.left, fault);
        if (r)
            return r;
    }
    if (token.n && !read_token(arena, scope, token, &page.after))
        return bad_token(arena, scope, fault);
    *ret = page;
    return 0;
}

bool
api_page_take(struct api_page *page, struct str key)
{
    assert(key.n > 0);
    assert(!page->last.p || str_cmp(page->last, key) < 0);
    if (page->more || (page->after.p && str_cmp(key, page->after) <= 0))
        return false;
    if (page->left == 0) {
        page->more = true;
        return false;
    }
    page->left--;
    page->last = key;
    return true;
}

void
api_page_stop(struct api_page *page, struct str key)
{
    assert(key.n > 0 && !page->more);
    assert(!page->last.p || str_cmp(page->last, key) <= 0);
    page->last = key;
    page->more = true;
}
