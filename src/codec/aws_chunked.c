/*
 * A line is gathered before it is understood, and has a maximum; data is passed on as it is.
 * Chunks and trailers are signed in a chain: each text to sign has the signature before it.
 */
#include "codec/aws_chunked.h"

#include <stdio.h>

enum state { SIZE_LINE, DATA, DATA_CR, DATA_LF, TRAILER_LINE, FINISHED };

static const char EMPTY_SHA256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

void
aws_chunked_begin(struct aws_chunked *c, const struct sigv4_key *key, struct str stamp,
                  struct str scope, struct str seed)
{
    *c = (struct aws_chunked){.key = key, .stamp = stamp, .scope = scope, .state = SIZE_LINE};
    if (!key)
        return;
    memcpy(c->signature, seed.p, MIN(seed.n, sizeof(c->signature)));
    c->hash = crypto_hash_new(CRYPTO_SHA256);
}

void
aws_chunked_done(struct aws_chunked *c)
{
    c->hash = crypto_hash_free(c->hash);
}

/* Compares with the chain's next signature, and goes on from there. */
static int
check(struct aws_chunked *c, const char *algorithm, bool trailer, struct str claimed)
{
    char text[512], good[2 * SHA256_LEN], hex[2 * SHA256_LEN];
    uint8_t digest[SHA256_LEN];
    int n;

    crypto_hash_end(c->hash, digest);
    crypto_hex(hex, digest, sizeof(digest));
    n = snprintf(text, sizeof(text), "%s\n%.*s\n%.*s\n%.64s\n%s%s%.64s", algorithm,
                 STR_ARG(c->stamp), STR_ARG(c->scope), c->signature, trailer ? "" : EMPTY_SHA256,
                 trailer ? "" : "\n", hex);
    if (n < 0 || (size_t)n >= sizeof(text))
        return AWS_CHUNKED_MALFORMED;
    sigv4_mac(c->key, str_of(text, (size_t)n), good);
    if (!str_eq_consttime(claimed, str_of(good, sizeof(good))))
        return AWS_CHUNKED_WRONG_SIGNATURE;
    memcpy(c->signature, good, sizeof(good));
    return AWS_CHUNKED_OK;
}

static int
end_chunk(struct aws_chunked *c)
{
    return c->key
               ? check(c, "AWS4-HMAC-SHA256-PAYLOAD", false, str_of(c->claimed, sizeof(c->claimed)))
               : AWS_CHUNKED_OK;
}

static int
hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* "400;chunk-signature=…" */
static int
size_line(struct aws_chunked *c, struct str line)
{
    struct str extension = line, size = str_split(&extension, ';');

    if (!size.n || size.n > 15)
        return AWS_CHUNKED_MALFORMED;
    c->left = 0;
    for (size_t i = 0; i < size.n; i++) {
        int digit = hex_digit(size.p[i]);

        if (digit < 0)
            return AWS_CHUNKED_MALFORMED;
        c->left = c->left << 4 | (unsigned)digit;
    }
    if (c->key) {
        struct str name = str_split(&extension, '=');

        if (!str_is(name, "chunk-signature"))
            return AWS_CHUNKED_MALFORMED;
        if (extension.n != sizeof(c->claimed))
            return AWS_CHUNKED_WRONG_SIGNATURE;
        memcpy(c->claimed, extension.p, sizeof(c->claimed));
    }
    if (c->left) {
        c->state = DATA;
        return AWS_CHUNKED_OK;
    }
    c->state = TRAILER_LINE;
    return end_chunk(c);
}

/* "x-amz-checksum-crc32:AAAAAA==", an empty line is the end. */
static int
trailer_line(struct aws_chunked *c, struct str line)
{
    struct str value = line, name = str_trim(str_split(&value, ':'));

    if (!line.n) {
        if (c->key && c->n_trailers && !c->has_claimed)
            return AWS_CHUNKED_WRONG_SIGNATURE;
        c->state = FINISHED;
        c->done = true;
        return AWS_CHUNKED_OK;
    }
    if (!value.p || !name.n || c->has_claimed)
        return AWS_CHUNKED_MALFORMED;
    value = str_trim(value);
    if (str_eq_nocase(name, S("x-amz-trailer-signature"))) {
        c->has_claimed = true;
        return c->key ? check(c, "AWS4-HMAC-SHA256-TRAILER", true, value) : AWS_CHUNKED_OK;
    }
    if (c->n_trailers == AWS_CHUNKED_TRAILERS_MAX)
        return AWS_CHUNKED_MALFORMED;
    char *text = c->trailers[c->n_trailers].text;

    for (size_t i = 0; i < name.n; i++)
        text[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
    if (value.n)
        memcpy(text + name.n, value.p, value.n);
    c->trailers[c->n_trailers].name_n = name.n;
    c->trailers[c->n_trailers++].value_n = value.n;
    if (c->key) { /* "name:value\n" of each */
        crypto_hash_add(c->hash, text, name.n);
        crypto_hash_add(c->hash, ":", 1);
        crypto_hash_add(c->hash, value.p, value.n);
        crypto_hash_add(c->hash, "\n", 1);
    }
    return AWS_CHUNKED_OK;
}

/* One byte of a line. */
static int
line_byte(struct aws_chunked *c, char byte)
{
    struct str line;

    if (byte != '\n') {
        if (c->line_n == sizeof(c->line))
            return AWS_CHUNKED_MALFORMED;
        c->line[c->line_n++] = byte;
        return AWS_CHUNKED_OK;
    }
    if (c->line_n && c->line[c->line_n - 1] == '\r')
        c->line_n--;
    line = str_of(c->line, c->line_n);
    c->line_n = 0;
    return c->state == SIZE_LINE ? size_line(c, line) : trailer_line(c, line);
}

int
aws_chunked_add(struct aws_chunked *c, struct str in, int (*out)(void *ctx, struct str data),
                void *ctx)
{
    int r = 0;

    while (in.n && r == 0) {
        size_t n = 1;

        switch ((enum state)c->state) {
        case SIZE_LINE:
        case TRAILER_LINE:
            r = line_byte(c, in.p[0]);
            break;
        case DATA:
            n = (size_t)MIN((uint64_t)in.n, c->left);
            if (c->key)
                crypto_hash_add(c->hash, in.p, n);
            c->left -= n;
            c->total += n;
            if (c->left == 0)
                c->state = DATA_CR;
            r = out(ctx, str_cut(in, 0, n));
            break;
        case DATA_CR:
            r = in.p[0] == '\r' ? AWS_CHUNKED_OK : AWS_CHUNKED_MALFORMED;
            c->state = DATA_LF;
            break;
        case DATA_LF:
            r = in.p[0] == '\n' ? end_chunk(c) : AWS_CHUNKED_MALFORMED;
            c->state = SIZE_LINE;
            break;
        case FINISHED:
            return AWS_CHUNKED_MALFORMED;
        }
        in = str_cut(in, n, in.n);
    }
    return r;
}

int
aws_chunked_end(struct aws_chunked *c)
{
    /* some clients leave the empty line behind the last chunk out */
    if (!c->done && c->state == TRAILER_LINE && c->line_n == 0 && c->n_trailers == 0)
        c->done = true;
    return c->done ? AWS_CHUNKED_OK : AWS_CHUNKED_CUT_SHORT;
}

struct str
aws_chunked_trailer(const struct aws_chunked *c, struct str name)
{
    for (size_t i = 0; i < c->n_trailers; i++)
        if (str_eq(str_of(c->trailers[i].text, c->trailers[i].name_n), name))
            return str_of(c->trailers[i].text + c->trailers[i].name_n, c->trailers[i].value_n);
    return STR_NONE;
}
