/*
 * Reader and writer.  What the protocol does not have is refused rather than guessed at: bignums
 * and decimals, names of maps that are no text, and simple values but false, true, null and
 * undefined.  Tags other than a time's are read over.
 */
#include "codec/cbor.h"

#include "codec/doc.h"

#include <math.h>

enum major { UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

#define INDEFINITE 31
#define BREAK 0xff
#define TAGS_MAX 4 /* around one value */
#define CHUNKS_MAX 10000

/* ---- reading ---- */

struct head {
    enum major major;
    unsigned info; /* the low five bits */
    uint64_t n;
};

static bool
read_head(struct doc_in *in, struct head *ret)
{
    assert(in->at <= in->text.n);
    if (in->at == in->text.n)
        return false;
    unsigned char first = (unsigned char)in->text.p[in->at++];
    unsigned size;

    *ret = (struct head){.major = (enum major)(first >> 5), .info = first & 31};
    if (ret->info < 24) {
        ret->n = ret->info;
        return true;
    }
    if (ret->info > 27)
        return ret->info == INDEFINITE;
    size = 1u << (ret->info - 24);
    if (in->text.n - in->at < size)
        return false;
    for (unsigned i = 0; i < size; i++)
        ret->n = ret->n << 8 | (unsigned char)in->text.p[in->at++];
    return true;
}

static bool
read_piece(struct doc_in *in, uint64_t n, struct str *ret)
{
    assert(in->at <= in->text.n);
    if (n > in->text.n - in->at)
        return false;
    *ret = str_cut(in->text, in->at, in->at + (size_t)n);
    in->at += (size_t)n;
    return true;
}

static bool
at_break(struct doc_in *in)
{
    assert(in->at <= in->text.n);
    if (in->at == in->text.n || (unsigned char)in->text.p[in->at] != BREAK)
        return false;
    in->at++;
    return true;
}

/* Text or bytes in pieces: their lengths are added up before memory is asked for. */
static bool
read_pieces(struct doc_in *in, enum major major, struct str *ret)
{
    size_t from = in->at, total = 0, pieces = 0;
    struct str piece;
    struct head h;

    assert(major == TEXT || major == BYTES);
    while (!at_break(in)) {
        if (++pieces > CHUNKS_MAX || !read_head(in, &h) || h.major != major ||
            h.info == INDEFINITE || !read_piece(in, h.n, &piece))
            return false;
        total += piece.n;
    }
    char *p = arena_alloc_raw(in->arena, total), *w = p;

    in->at = from;
    while (!at_break(in)) {
        if (!read_head(in, &h) || !read_piece(in, h.n, &piece))
            return false;
        memcpy(w, piece.p, piece.n);
        w += piece.n;
    }
    assert(w == p + total);
    *ret = str_of(p, total);
    return true;
}

static bool
read_string(struct doc_in *in, const struct head *h, struct str *ret)
{
    bool ok = h->info == INDEFINITE ? read_pieces(in, h->major, ret) : read_piece(in, h->n, ret);

    assert(h->major == TEXT || h->major == BYTES);
    if (!ok || (h->major == TEXT && !str_is_utf8(*ret)))
        return false;
    if (!ret->p)
        *ret = S("");
    return true;
}

static double
half(unsigned v)
{
    int exponent = (int)(v >> 10 & 31);
    double mantissa = v & 0x3ff, f;

    assert(v <= 0xffff);
    if (exponent == 0)
        f = ldexp(mantissa, -24);
    else if (exponent < 31)
        f = ldexp(mantissa + 1024, exponent - 25);
    else
        f = mantissa == 0 ? (double)INFINITY : (double)NAN;
    return v & 0x8000 ? -f : f;
}

static bool
read_simple(const struct head *h, struct doc_value *ret)
{
    union {
        uint32_t bits;
        float f;
    } single = {.bits = (uint32_t)h->n};
    union {
        uint64_t bits;
        double f;
    } whole = {.bits = h->n};

    assert(h->major == SIMPLE);
    ret->kind = DOC_FLOAT;
    switch (h->info) {
    case 20:
    case 21:
        ret->kind = DOC_BOOL;
        ret->truth = h->info == 21;
        return true;
    case 22:
    case 23: /* undefined */
        ret->kind = DOC_NULL;
        return true;
    case 25:
        ret->f = half((unsigned)h->n);
        return true;
    case 26:
        ret->f = (double)single.f;
        return true;
    case 27:
        ret->f = whole.f;
        return true;
    default:
        return false;
    }
}

static bool
read_int(const struct head *h, struct doc_value *ret)
{
    assert(h->major == UINT || h->major == NEGATIVE);
    if (h->info == INDEFINITE || h->n > INT64_MAX)
        return false;
    ret->kind = DOC_INT;
    ret->i = h->major == UINT ? (int64_t)h->n : -1 - (int64_t)h->n;
    return true;
}

static bool
open_container(struct doc_in *in, const struct head *h, struct doc_value *ret)
{
    assert(h->major == ARRAY || h->major == MAP);
    if (in->depth == DOC_DEPTH_MAX)
        return false;
    in->depth++;
    ret->kind = h->major == MAP ? DOC_MAP : DOC_LIST;
    ret->counted = h->info != INDEFINITE;
    ret->left = h->n;
    return true;
}

static bool
read_item(struct doc_in *in, struct doc_value *ret)
{
    struct head h;

    if (!read_head(in, &h))
        return false;
    for (unsigned tags = 0; h.major == TAG; tags++) {
        /* 2 and 3 are bignums, 4 decimals: numbers that would be taken for something else */
        if (tags == TAGS_MAX || h.info == INDEFINITE || (h.n >= 2 && h.n <= 4))
            return false;
        ret->is_time |= h.n == 1;
        if (!read_head(in, &h))
            return false;
    }
    switch (h.major) {
    case UINT:
    case NEGATIVE:
        return read_int(&h, ret);
    case BYTES:
    case TEXT:
        ret->kind = h.major == TEXT ? DOC_TEXT : DOC_BYTES;
        return read_string(in, &h, &ret->text);
    case ARRAY:
    case MAP:
        return open_container(in, &h, ret);
    case SIMPLE:
        return read_simple(&h, ret);
    case TAG:
        break;
    }
    return false;
}

static bool
cbor_next(struct doc_in *in, struct doc_value *ret)
{
    assert(in->depth <= DOC_DEPTH_MAX);
    *ret = (struct doc_value){.kind = DOC_NULL};
    if (in->failed)
        return false;
    if (in->values_left == 0)
        return doc_fail(in);
    in->values_left--;
    return read_item(in, ret) || doc_fail(in);
}

static bool
cbor_more(struct doc_in *in, struct doc_value *container, struct str *ret_name)
{
    bool map = container->kind == DOC_MAP, end;
    struct head h;

    assert(map || container->kind == DOC_LIST);
    if (in->failed)
        return false;
    assert(in->depth > 0);
    end = container->counted ? container->left == 0 : at_break(in);
    if (end) {
        in->depth--;
        return false;
    }
    container->left -= container->counted;
    if (map && (!read_head(in, &h) || h.major != TEXT || !read_string(in, &h, ret_name)))
        return doc_fail(in);
    return true;
}

const struct doc_format doc_cbor = {cbor_next, cbor_more};

/* ---- writing ---- */

static void
write_head(struct buf *b, enum major major, uint64_t n)
{
    unsigned size = n < 24 ? 0 : n <= UINT8_MAX ? 1 : n <= UINT16_MAX ? 2 : n <= UINT32_MAX ? 4 : 8;
    unsigned info = size == 0 ? (unsigned)n : size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;

    assert(major <= SIMPLE);
    buf_add_char(b, (char)((unsigned)major << 5 | info));
    while (size > 0)
        buf_add_char(b, (char)(n >> 8 * --size));
}

void
cbor_open_map(struct buf *b)
{
    buf_add_char(b, (char)(MAP << 5 | INDEFINITE));
}

void
cbor_open_list(struct buf *b)
{
    buf_add_char(b, (char)(ARRAY << 5 | INDEFINITE));
}

void
cbor_close(struct buf *b)
{
    buf_add_char(b, (char)BREAK);
}

void
cbor_text(struct buf *b, struct str s)
{
    assert(str_ok(s));
    write_head(b, TEXT, s.n);
    buf_add_str(b, s);
}

void
cbor_bytes(struct buf *b, struct str s)
{
    assert(str_ok(s));
    write_head(b, BYTES, s.n);
    buf_add_str(b, s);
}

void
cbor_int(struct buf *b, int64_t v)
{
    if (v < 0)
        write_head(b, NEGATIVE, (uint64_t)(-1 - v));
    else
        write_head(b, UINT, (uint64_t)v);
}

void
cbor_float(struct buf *b, double v)
{
    union {
        float f;
        uint32_t bits;
    } single = {.f = (float)v};
    union {
        double f;
        uint64_t bits;
    } whole = {.f = v};
    bool fits = isnan(v) || (double)single.f == v;
    uint64_t bits = fits ? single.bits : whole.bits;

    buf_add_char(b, (char)(SIMPLE << 5 | (fits ? 26 : 27)));
    for (unsigned size = fits ? 4 : 8; size > 0;)
        buf_add_char(b, (char)(bits >> 8 * --size));
}

void
cbor_bool(struct buf *b, bool v)
{
    buf_add_char(b, (char)(SIMPLE << 5 | (v ? 21 : 20)));
}

void
cbor_null(struct buf *b)
{
    buf_add_char(b, (char)(SIMPLE << 5 | 22));
}

void
cbor_tag(struct buf *b, uint64_t tag)
{
    write_head(b, TAG, tag);
}
