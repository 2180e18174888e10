/*
 * Reading a claim, checking it, and the cache of signing keys.
 *
 * A key costs four HMACs under fresh keys (3.6 µs) and is good for one access key, day, region
 * and service; a request costs two digests.  Hence the cache, which remembers the secret as well:
 * one that was replaced must not verify any more.
 */
#include "codec/sigv4.h"

#include "base/timefmt.h"
#include "codec/sigv4_text.h"
#include "codec/uri.h"

#include <stdlib.h>

#define STS_PRESIGNED_S 900

unsigned
sigv4_flags(struct str service)
{
    assert(str_ok(service));
    return str_is(service, "s3") || str_is(service, "s3express") ||
                   str_is(service, "s3-outposts") || str_is(service, "s3-object-lambda")
               ? SIGV4_S3
               : 0;
}

static struct str
header(const struct sigv4_request *req, struct str name)
{
    assert(name.n > 0);
    for (size_t i = 0; i < req->n_headers; i++)
        if (req->headers[i].name.n == name.n && str_eq_nocase(req->headers[i].name, name))
            return req->headers[i].value;
    return STR_NONE;
}

void
sigv4_stamp(char out[16], int64_t ms)
{
    struct civil c = time_civil(ms);
    const int v[6] = {c.year, c.month, c.day, c.hour, c.minute, c.second};
    static const uint8_t at[6] = {4, 6, 8, 11, 13, 15};

    assert(c.year >= 0 && c.year <= 9999);
    for (int i = 0; i < 6; i++) {
        int rest = v[i];
        for (int k = 1; k <= (i ? 2 : 4); k++, rest /= 10)
            out[at[i] - k] = (char)('0' + rest % 10);
    }
    out[8] = 'T';
    out[15] = 'Z';
}

static int
read_date(struct sigv4_claim *claim, struct str text)
{
    assert(str_ok(text));
    if (text.n == sizeof(claim->stamp) && time_parse_compact(text, &claim->date_ms)) {
        memcpy(claim->stamp, text.p, sizeof(claim->stamp));
        return SIGV4_OK;
    }
    if (!time_parse_http(text, &claim->date_ms) || claim->date_ms < 0 ||
        claim->date_ms >= 253402300800000)
        return SIGV4_BAD_DATE;
    sigv4_stamp(claim->stamp, claim->date_ms);
    return SIGV4_OK;
}

static int
read_credential(struct sigv4_claim *claim, struct str credential)
{
    struct str rest = credential, part[5];
    size_t n = 0;

    assert(str_ok(credential));
    while (rest.p && n < 5)
        part[n++] = str_split(&rest, '/');
    if (n < 5 || rest.p || part[0].n == 0)
        return SIGV4_BAD_CREDENTIAL;
    claim->access_key = part[0];
    claim->date = part[1];
    claim->region = part[2];
    claim->service = part[3];
    claim->terminator = part[4];
    claim->scope = str_cut(credential, part[0].n + 1, credential.n);
    return claim->scope.n > SIGV4_SCOPE_MAX_BYTES ? SIGV4_BAD_CREDENTIAL : SIGV4_OK;
}

/* Cuts the next piece of an Authorization value; p is NULL at the end.  AWS writes ", " between
 * pieces, s3cmd ",", others only blanks. */
static struct str
next_piece(struct str *rest)
{
    size_t i = 0;

    assert(rest->p);
    while (i < rest->n && (rest->p[i] == ',' || rest->p[i] == ' '))
        i++;
    struct str from = str_cut(*rest, i, rest->n);
    struct str piece = str_cut(from, 0, str_find_char(from, ','));
    piece = str_cut(piece, 0, str_find_char(piece, ' '));
    *rest = str_cut(from, piece.n, from.n);
    return piece.n ? piece : STR_NONE;
}

static int
parse_header_form(const struct sigv4_request *req, struct str rest, struct sigv4_claim *claim)
{
    struct str algorithm = next_piece(&rest), credential = STR_NONE, piece;

    assert(str_ok(rest));
    claim->kind = SIGV4_HEADER;
    while ((piece = next_piece(&rest)).p) {
        struct str name = str_split(&piece, '=');
        if (!piece.p)
            return SIGV4_BAD_PAIR;
        if (str_is(name, "Credential"))
            credential = piece;
        else if (str_is(name, "SignedHeaders"))
            claim->signed_headers = piece;
        else if (str_is(name, "Signature"))
            claim->signature = piece;
    }
    claim->token = header(req, S("x-amz-security-token"));
    claim->content_sha256 = header(req, S("x-amz-content-sha256"));
    struct str date = header(req, S("x-amz-date"));
    if (!date.p)
        date = header(req, S("date"));
    if (!credential.n || !claim->signed_headers.n || !claim->signature.n || !date.p)
        return SIGV4_INCOMPLETE;
    int r = read_date(claim, date);
    if (r)
        return r;
    if (!str_is(algorithm, SIGV4_ALGORITHM))
        return SIGV4_BAD_ALGORITHM;
    return read_credential(claim, credential);
}

static int
read_expires(struct sigv4_claim *claim, struct str text)
{
    int64_t s;

    assert(str_ok(text));
    if (!text.p) {
        claim->expires_s = SIGV4_SKEW_MS / 1000;
        return SIGV4_OK;
    }
    if (!str_to_i64(text, &s) || s < 0 || s > SIGV4_EXPIRES_MAX_S)
        return SIGV4_BAD_EXPIRES;
    claim->expires_s = s;
    return SIGV4_OK;
}

static int
parse_presigned(struct arena *a, const struct sigv4_request *req, struct sigv4_claim *claim)
{
    struct str algorithm = STR_NONE, credential = STR_NONE, date = STR_NONE, expires = STR_NONE;
    const struct {
        struct str name, *to;
    } wanted[] = {
        {S_INIT("X-Amz-Algorithm"), &algorithm},
        {S_INIT("X-Amz-Credential"), &credential},
        {S_INIT("X-Amz-Date"), &date},
        {S_INIT("X-Amz-Expires"), &expires},
        {S_INIT("X-Amz-SignedHeaders"), &claim->signed_headers},
        {S_INIT("X-Amz-Signature"), &claim->signature},
        {S_INIT("X-Amz-Security-Token"), &claim->token},
        {S_INIT("X-Amz-Content-Sha256"), &claim->content_sha256},
    };
    struct str query = req->query, name, value;

    claim->kind = SIGV4_PRESIGNED;
    while (uri_query_next(&query, &name, &value)) {
        for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
            if (!wanted[i].to->p && str_eq(name, wanted[i].name) && value.p &&
                !uri_decode(a, value, 0, wanted[i].to))
                return SIGV4_INCOMPLETE;
    }
    if (!claim->content_sha256.p)
        claim->content_sha256 = header(req, S("x-amz-content-sha256"));
    if (!algorithm.n || !credential.n || !date.n || !claim->signed_headers.n ||
        !claim->signature.n)
        return SIGV4_INCOMPLETE;
    int r = read_date(claim, date);
    if (!r && !str_is(algorithm, SIGV4_ALGORITHM))
        r = SIGV4_BAD_ALGORITHM;
    if (!r)
        r = read_credential(claim, credential);
    return r ? r : read_expires(claim, expires);
}

int
sigv4_parse(struct arena *a, const struct sigv4_request *req, struct sigv4_claim *ret)
{
    struct str authorization = header(req, S("authorization"));
    bool presigned = req->query.n && str_find(req->query, S("X-Amz-Algorithm=")) != SIZE_MAX;

    assert(req->headers || req->n_headers == 0);
    assert(str_ok(req->query) && str_ok(req->body));
    *ret = (struct sigv4_claim){0};
    if (authorization.p && presigned)
        return SIGV4_TWO_FORMS;
    if (presigned)
        return parse_presigned(a, req, ret);
    if (!str_starts(authorization, S("AWS4-")))
        return SIGV4_MISSING_AUTH;
    return parse_header_form(req, authorization, ret);
}

bool
sigv4_is_signed(struct str signed_headers, struct str name)
{
    assert(str_ok(signed_headers) && name.n > 0);
    while (signed_headers.p) {
        struct str one = str_split(&signed_headers, ';');
        if (one.n == name.n && str_eq_nocase(one, name))
            return true;
    }
    return false;
}

bool
sigv4_must_be_signed(struct str name)
{
    assert(name.n > 0);
    /* A token proves itself: some clients add it after signing. */
    return name.n > 6 && (*name.p | 0x20) == 'x' &&
           str_eq_nocase(str_cut(name, 0, 6), S("x-amz-")) &&
           !str_eq_nocase(name, S("x-amz-security-token"));
}

static int
check_time(const struct sigv4_claim *claim, int64_t now_ms)
{
    /* STS lets a presigned URL live for 15 minutes whatever it says; EKS depends on that. */
    int64_t life_s = str_is(claim->service, "sts") ? STS_PRESIGNED_S : claim->expires_s;

    if (claim->date_ms > now_ms + SIGV4_SKEW_MS)
        return SIGV4_TOO_EARLY;
    if (claim->kind == SIGV4_PRESIGNED)
        return now_ms > claim->date_ms + life_s * 1000 ? SIGV4_URL_EXPIRED : SIGV4_OK;
    return now_ms > claim->date_ms + SIGV4_SKEW_MS ? SIGV4_TOO_LATE : SIGV4_OK;
}

int
sigv4_admit(const struct sigv4_request *req, const struct sigv4_claim *claim,
            const struct sigv4_expect *expect, int64_t now_ms)
{
    int r = check_time(claim, now_ms);

    assert(expect);
    if (r)
        return r;
    if (!sigv4_is_signed(claim->signed_headers, S("host")))
        return SIGV4_HOST_NOT_SIGNED;
    for (size_t i = 0; i < req->n_headers; i++) {
        struct str name = req->headers[i].name;
        if (sigv4_must_be_signed(name) && !sigv4_is_signed(claim->signed_headers, name))
            return SIGV4_HEADERS_NOT_SIGNED;
    }
    if (!str_eq(claim->date, str_of(claim->stamp, 8)) ||
        !str_is(claim->terminator, SIGV4_TERMINATOR) ||
        (expect->region.p && !str_eq(claim->region, expect->region)) ||
        (expect->service.p && !str_eq(claim->service, expect->service)))
        return SIGV4_WRONG_SCOPE;
    return SIGV4_OK;
}

void
sigv4_mac(const struct sigv4_key *key, struct str text, char ret[2 * SHA256_LEN])
{
    uint8_t mac[SHA256_LEN];

    assert(key && str_ok(text));
    crypto_hmac(&key->hmac, text.p, text.n, mac);
    crypto_hex(ret, mac, SHA256_LEN);
}

int
sigv4_verify(const struct sigv4_request *req, const struct sigv4_claim *claim, unsigned flags,
             const struct sigv4_key *key)
{
    char hex[2 * SHA256_LEN], text[SIGV4_TO_SIGN_MAX_BYTES];
    uint8_t canonical[SHA256_LEN];
    struct str payload;
    int r = sigv4_payload(req, claim, flags, hex, &payload);

    if (r)
        return r;
    if (!sigv4_canonical_hash(req, claim, flags, payload, canonical))
        return SIGV4_MISMATCH;
    sigv4_mac(key, str_of(text, sigv4_to_sign(text, claim, canonical)), hex);
    return str_eq_consttime(claim->signature, str_of(hex, sizeof(hex))) ? SIGV4_OK
                                                                         : SIGV4_MISMATCH;
}

void
sigv4_derive(struct crypto_hmac *key, struct str secret, struct str date, struct str region,
             struct str service)
{
    struct str steps[] = {date, region, service, S(SIGV4_TERMINATOR)};
    char first[4 + SIGV4_SECRET_MAX_BYTES];
    uint8_t k[SHA256_LEN];

    assert(str_ok(secret) && date.n > 0);
    assert(secret.n <= SIGV4_SECRET_MAX_BYTES);
    memcpy(first, "AWS4", 4);
    if (secret.n)
        memcpy(first + 4, secret.p, secret.n);
    crypto_hmac_sha256(first, 4 + secret.n, date.p, date.n, k);
    for (size_t i = 1; i < ARRAY_LEN(steps); i++)
        crypto_hmac_sha256(k, sizeof(k), steps[i].p, steps[i].n, k);
    crypto_hmac_key(key, k, sizeof(k));
    explicit_bzero(first, sizeof(first));
    explicit_bzero(k, sizeof(k));
}

struct sigv4_key *
sigv4_key_new(const struct sigv4_claim *claim, struct str secret)
{
    struct sigv4_key *key = calloc(1, sizeof(*key));

    if (!key)
        abort();
    sigv4_derive(&key->hmac, secret, claim->date, claim->region, claim->service);
    return key;
}

struct sigv4_key *
sigv4_key_free(struct sigv4_key *key)
{
    if (!key)
        return NULL;
    crypto_hmac_done(&key->hmac);
    free(key);
    return NULL;
}

/* The cache: a hash table whose entries also hang in a ring, most recently used first. */

#define ID_MAX_BYTES (128 + SIGV4_SCOPE_MAX_BYTES)

struct entry {
    struct sigv4_key key; /* first */
    struct entry *next_hashed;
    struct entry *newer, *older;
    uint64_t hash;
    size_t id_n, secret_n;
    char id[ID_MAX_BYTES]; /* access key, '/', date, '/', region, '/', service */
    char secret[SIGV4_SECRET_MAX_BYTES];
};

struct sigv4_keys {
    size_t n, max, n_buckets;
    struct entry ring; /* ring.older is the newest, ring.newer the oldest */
    struct entry *buckets[];
};

struct sigv4_keys *
sigv4_keys_new(size_t max_keys)
{
    size_t n_buckets = 16;

    assert(max_keys > 0);
    while (n_buckets < max_keys)
        n_buckets *= 2;
    struct sigv4_keys *keys = calloc(1, sizeof(*keys) + n_buckets * sizeof(keys->buckets[0]));
    if (!keys)
        abort();
    keys->max = max_keys;
    keys->n_buckets = n_buckets;
    keys->ring.older = keys->ring.newer = &keys->ring;
    return keys;
}

struct sigv4_keys *
sigv4_keys_free(struct sigv4_keys *keys)
{
    if (!keys)
        return NULL;
    for (struct entry *e = keys->ring.older, *next; e != &keys->ring; e = next) {
        next = e->older;
        crypto_hmac_done(&e->key.hmac);
        explicit_bzero(e, sizeof(*e));
        free(e);
    }
    free(keys);
    return NULL;
}

static void
ring_out(struct entry *e)
{
    assert(e->newer->older == e && e->older->newer == e);
    e->newer->older = e->older;
    e->older->newer = e->newer;
}

static void
ring_in(struct sigv4_keys *keys, struct entry *e)
{
    e->newer = &keys->ring;
    e->older = keys->ring.older;
    e->older->newer = e;
    keys->ring.older = e;
}

/* An entry to fill: a new one, or the one that was not used for longest. */
static struct entry *
entry_take(struct sigv4_keys *keys)
{
    if (keys->n < keys->max) {
        struct entry *e = calloc(1, sizeof(*e));
        if (!e)
            abort();
        keys->n++;
        return e;
    }
    struct entry *e = keys->ring.newer;
    struct entry **link = &keys->buckets[e->hash % keys->n_buckets];
    while (*link != e)
        link = &(*link)->next_hashed;
    *link = e->next_hashed;
    ring_out(e);
    return e;
}

static void
entry_derive(struct entry *e, const struct sigv4_claim *claim, struct str secret)
{
    assert(secret.n > 0);
    explicit_bzero(e->secret, sizeof(e->secret));
    if (secret.n)
        memcpy(e->secret, secret.p, secret.n);
    e->secret_n = secret.n;
    sigv4_derive(&e->key.hmac, secret, claim->date, claim->region, claim->service);
}

const struct sigv4_key *
sigv4_keys_get(struct sigv4_keys *keys, const struct sigv4_claim *claim, struct str secret)
{
    char text[ID_MAX_BYTES];
    struct str scope = str_cut(claim->scope, 0, claim->scope.n - claim->terminator.n);

    assert(claim->access_key.n > 0 && str_ok(secret));
    if (claim->access_key.n >= 128 || secret.n > SIGV4_SECRET_MAX_BYTES)
        return NULL;
    char *w = mempcpy(text, claim->access_key.p, claim->access_key.n);
    *w++ = '/';
    w = mempcpy(w, scope.p, scope.n);
    struct str id = str_of(text, (size_t)(w - text));

    uint64_t hash = str_hash(id, 0);
    struct entry **bucket = &keys->buckets[hash % keys->n_buckets], *e = *bucket;
    while (e && !(e->hash == hash && str_eq(str_of(e->id, e->id_n), id)))
        e = e->next_hashed;
    if (!e) {
        e = entry_take(keys);
        e->hash = hash;
        e->id_n = id.n;
        memcpy(e->id, id.p, id.n);
        e->next_hashed = *bucket;
        *bucket = e;
        entry_derive(e, claim, secret);
    } else {
        ring_out(e);
        if (!str_eq_consttime(str_of(e->secret, e->secret_n), secret))
            entry_derive(e, claim, secret);
    }
    ring_in(keys, e);
    return &e->key;
}
