/*
 * The canonical request: method, path, query, headers, list of headers, payload hash, each in
 * the one spelling on which client and server agree.
 *
 * It is written into a small room on the stack and hashed from there; nearly all fit, and one
 * that does not goes on in pieces.  So there is no limit to choose and nothing to allocate.
 */
#include "codec/sigv4_text.h"
#include "base/buf.h"
#include "codec/uri.h"

#include <stdlib.h>

struct sink {
    char room[4096];
    size_t n;
    struct crypto_hash *hash; /* once the room was full */
    struct buf *out;          /* or: the text itself is wanted */
};

static void
spill(struct sink *s)
{
    assert(s->n <= sizeof(s->room));
    if (s->out) {
        buf_add(s->out, s->room, s->n);
    } else {
        if (!s->hash)
            s->hash = crypto_hash_new(CRYPTO_SHA256);
        crypto_hash_add(s->hash, s->room, s->n);
    }
    s->n = 0;
}

static void
add_str(struct sink *s, struct str text)
{
    assert(s->n <= sizeof(s->room) && str_ok(text));
    while (text.n > sizeof(s->room) - s->n) {
        size_t k = sizeof(s->room) - s->n;
        memcpy(s->room + s->n, text.p, k);
        s->n += k;
        text = str_cut(text, k, text.n);
        spill(s);
    }
    if (text.n)
        memcpy(s->room + s->n, text.p, text.n);
    s->n += text.n;
}

static inline void
add_char(struct sink *s, char c)
{
    assert(s->n <= sizeof(s->room));
    if (s->n == sizeof(s->room))
        spill(s);
    s->room[s->n++] = c;
}

static inline bool
is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

static void
add_coded(struct sink *s, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";

    if (is_plain(c)) {
        add_char(s, (char)c);
    } else {
        add_char(s, '%');
        add_char(s, hex[c >> 4]);
        add_char(s, hex[c & 15]);
    }
}

/* The next byte of a percent-coded text, decoded; moves *i behind it. */
static unsigned char
decoded(struct str s, size_t *i, bool plus_is_blank)
{
    char c = s.p[*i];

    assert(*i < s.n);
    if (c == '%') {
        int byte = uri_decode_one(s, *i);
        if (byte >= 0) {
            *i += 3;
            return (unsigned char)byte;
        }
    }
    *i += 1;
    return c == '+' && plus_is_blank ? ' ' : (unsigned char)c;
}

static void
add_recoded(struct sink *s, struct str coded, bool keep_slash, bool plus_is_blank)
{
    assert(str_ok(coded));
    for (size_t i = 0; i < coded.n;) {
        unsigned char c = decoded(coded, &i, plus_is_blank);
        if (c == '/' && keep_slash)
            add_char(s, '/');
        else
            add_coded(s, c);
    }
}

static bool
is_normal(struct str path)
{
    assert(str_ok(path));
    if (path.n == 0 || path.p[0] != '/')
        return false;
    return path.n == 1 ||
           (str_find(path, S("//")) == SIZE_MAX && str_find(path, S("/.")) == SIZE_MAX);
}

static void
add_path(struct sink *s, struct str path, unsigned flags)
{
    char *normal = NULL;

    assert(str_ok(path));
    if (path.n == 0)
        path = S("/");
    if (!(flags & SIGV4_RAW_PATH) && !is_normal(path)) {
        normal = malloc(path.n + 1);
        if (!normal)
            abort();
        path = str_of(normal, uri_normalize_to(normal, path));
    }
    if (flags & SIGV4_CODED_ONCE) {
        add_recoded(s, path, true, false);
    } else {
        for (size_t i = 0; i < path.n; i++) {
            if (path.p[i] == '/')
                add_char(s, '/');
            else
                add_coded(s, (unsigned char)path.p[i]);
        }
    }
    free(normal);
}

struct param {
    struct str name, value;
};

/* Orders two coded texts as their canonical codings: those begin with '%', which comes before
 * every byte that stays as it is, and among themselves they are in the order of the bytes. */
static int
compare_coded(struct str a, struct str b)
{
    size_t i = 0, j = 0;

    assert(str_ok(a) && str_ok(b));
    while (i < a.n && j < b.n) {
        unsigned char x = decoded(a, &i, true), y = decoded(b, &j, true);
        if (x != y) {
            int px = is_plain(x) << 8 | x, py = is_plain(y) << 8 | y;
            return px < py ? -1 : 1;
        }
    }
    return (i < a.n) - (j < b.n);
}

static int
compare_params(const void *x, const void *y)
{
    const struct param *a = x, *b = y;
    int r = compare_coded(a->name, b->name);

    return r ? r : compare_coded(a->value, b->value);
}

static bool
add_query(struct sink *s, struct str query, const struct sigv4_claim *claim, unsigned flags)
{
    struct param params[SIGV4_PARAMS_MAX], p;
    size_t n = 0;
    bool sorted = true;

    assert(str_ok(query));
    while (uri_query_next(&query, &p.name, &p.value)) {
        if (claim->kind == SIGV4_PRESIGNED &&
            (str_eq(p.name, S("X-Amz-Signature")) ||
             (flags & SIGV4_TOKEN_UNSIGNED && str_eq(p.name, S("X-Amz-Security-Token")))))
            continue;
        if (n == SIGV4_PARAMS_MAX)
            return false;
        params[n++] = p;
        sorted = sorted && (n == 1 || compare_params(&params[n - 2], &params[n - 1]) <= 0);
    }
    if (!sorted)
        qsort(params, n, sizeof(params[0]), compare_params);
    for (size_t i = 0; i < n; i++) {
        if (i)
            add_char(s, '&');
        add_recoded(s, params[i].name, false, true);
        add_char(s, '=');
        add_recoded(s, params[i].value, false, true);
    }
    return true;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks at the ends, and with one for each run of them inside. */
static void
add_value(struct sink *s, struct str value)
{
    bool plain = true;

    assert(str_ok(value));
    value = str_trim(value);
    for (size_t i = 1; i < value.n && plain; i++)
        plain = !is_blank(value.p[i]) || (value.p[i] == ' ' && !is_blank(value.p[i - 1]));
    if (plain) {
        add_str(s, value);
        return;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (!is_blank(value.p[i]))
            add_char(s, value.p[i]);
        else if (!is_blank(value.p[i - 1]))
            add_char(s, ' ');
    }
}

static bool
add_headers(struct sink *s, const struct sigv4_request *req, struct str names)
{
    unsigned n_names = 0;

    assert(req->headers || req->n_headers == 0);
    while (names.p) {
        struct str name = str_split(&names, ';');
        bool first = true;

        if (n_names++ == SIGV4_SIGNED_MAX)
            return false;
        for (size_t i = 0; i < name.n; i++) {
            char c = name.p[i];
            add_char(s, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
        }
        add_char(s, ':');
        for (size_t i = 0; i < req->n_headers; i++) {
            const struct http_header *h = &req->headers[i];
            if (h->name.n != name.n || !str_eq_nocase(h->name, name))
                continue;
            if (!first)
                add_char(s, ',');
            first = false;
            add_value(s, h->value);
        }
        add_char(s, '\n');
    }
    return true;
}

static bool
add_request(struct sink *s, const struct sigv4_request *req, const struct sigv4_claim *claim,
            unsigned flags, struct str payload)
{
    add_str(s, req->method);
    add_char(s, '\n');
    add_path(s, req->path, flags);
    add_char(s, '\n');
    if (!add_query(s, req->query, claim, flags))
        return false;
    add_char(s, '\n');
    if (!add_headers(s, req, claim->signed_headers))
        return false;
    add_char(s, '\n');
    add_str(s, claim->signed_headers);
    add_char(s, '\n');
    add_str(s, payload);
    return true;
}

bool
sigv4_canonical_hash(const struct sigv4_request *req, const struct sigv4_claim *claim,
                     unsigned flags, struct str payload, uint8_t ret[SHA256_LEN])
{
    struct sink s;

    assert(payload.n > 0);
    s.n = 0;
    s.hash = NULL;
    s.out = NULL;
    bool ok = add_request(&s, req, claim, flags, payload);
    if (s.hash) {
        crypto_hash_add(s.hash, s.room, s.n);
        crypto_hash_end(s.hash, ret);
        crypto_hash_free(s.hash);
    } else if (ok) {
        crypto_sha256(s.room, s.n, ret);
    }
    return ok;
}

static bool
is_sha256(struct str s)
{
    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n == 2 * SHA256_LEN;
}

static bool
is_streaming(struct str s)
{
    return str_is(s, "STREAMING-UNSIGNED-PAYLOAD-TRAILER") ||
           str_is(s, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") ||
           str_is(s, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
}

int
sigv4_payload(const struct sigv4_request *req, const struct sigv4_claim *claim, unsigned flags,
              char hex[2 * SHA256_LEN], struct str *ret)
{
    struct str said = claim->content_sha256;
    uint8_t digest[SHA256_LEN];

    assert(ret);
    if (flags & SIGV4_UNSIGNED_BODY) {
        if (!said.p && claim->kind == SIGV4_PRESIGNED)
            said = S(SIGV4_UNSIGNED_PAYLOAD);
        if (str_is(said, SIGV4_UNSIGNED_PAYLOAD) || is_streaming(said)) {
            *ret = said;
            return SIGV4_OK;
        }
    }
    if (flags & SIGV4_WANT_SHA256) {
        if (!said.p)
            return SIGV4_NO_CONTENT_SHA256;
        if (!is_sha256(said))
            return SIGV4_BAD_CONTENT_SHA256;
    }
    if (req->body_apart && is_sha256(said)) {
        *ret = said;
        return SIGV4_OK;
    }
    crypto_sha256(req->body.p, req->body.n, digest);
    crypto_hex(hex, digest, SHA256_LEN);
    *ret = str_of(hex, 2 * SHA256_LEN);
    return said.p && !str_eq(said, *ret) ? SIGV4_WRONG_CONTENT_SHA256 : SIGV4_OK;
}

size_t
sigv4_to_sign(char out[SIGV4_TO_SIGN_MAX_BYTES], const struct sigv4_claim *claim,
              const uint8_t canonical[SHA256_LEN])
{
    char *w = out;

    assert(claim->scope.n <= SIGV4_SCOPE_MAX_BYTES);
    w = mempcpy(w, SIGV4_ALGORITHM "\n", sizeof(SIGV4_ALGORITHM));
    w = mempcpy(w, claim->stamp, sizeof(claim->stamp));
    *w++ = '\n';
    w = mempcpy(w, claim->scope.p, claim->scope.n);
    *w++ = '\n';
    crypto_hex(w, canonical, SHA256_LEN);
    return (size_t)(w - out) + 2 * SHA256_LEN;
}

/* For texts, a payload that verification would refuse is shown as the body's digest. */
static struct str
payload_shown(const struct sigv4_request *req, const struct sigv4_claim *claim, unsigned flags,
              char hex[2 * SHA256_LEN])
{
    struct str payload;
    uint8_t digest[SHA256_LEN];

    if (sigv4_payload(req, claim, flags, hex, &payload) == SIGV4_OK)
        return payload;
    crypto_sha256(req->body.p, req->body.n, digest);
    crypto_hex(hex, digest, SHA256_LEN);
    return str_of(hex, 2 * SHA256_LEN);
}

struct str
sigv4_canonical_request(struct arena *a, const struct sigv4_request *req,
                        const struct sigv4_claim *claim, unsigned flags)
{
    char hex[2 * SHA256_LEN];
    struct buf text;
    struct sink s = {.out = &text};

    buf_init(&text, (size_t)1 << 20);
    add_request(&s, req, claim, flags, payload_shown(req, claim, flags, hex));
    spill(&s);
    struct str copy = str_dup(a, buf_str(&text));
    buf_done(&text);
    return copy;
}

struct str
sigv4_string_to_sign(struct arena *a, const struct sigv4_request *req,
                     const struct sigv4_claim *claim, unsigned flags)
{
    char hex[2 * SHA256_LEN], text[SIGV4_TO_SIGN_MAX_BYTES];
    uint8_t canonical[SHA256_LEN];

    if (!sigv4_canonical_hash(req, claim, flags, payload_shown(req, claim, flags, hex), canonical))
        return STR_NONE;
    return str_dup(a, str_of(text, sigv4_to_sign(text, claim, canonical)));
}
