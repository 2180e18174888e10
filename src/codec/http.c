/*
 * One pass over the bytes, no copy, no allocation.  The parser keeps no state between calls:
 * nearly every head comes whole in one segment, and one that does not is parsed again when its
 * end has come (http_head_may_end()).
 */
#include "codec/http.h"

enum {
    TOKEN = 1,  /* RFC 9110 tchar: methods and header names */
    TARGET = 2, /* what may be in a target: visible, and bytes of UTF-8 that a client left raw */
    VALUE = 4,  /* what may be in a header's value */
    HOST = 8,   /* what may be in an authority; '@' (user information) may not */
};

#define ALNUM (TOKEN | TARGET | VALUE | HOST)
static const uint8_t class[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = ALNUM,
    ['"'] = TARGET | VALUE,
    ['#'] = TOKEN | VALUE,
    ['$' ... '\''] = ALNUM,
    ['('] = TARGET | VALUE | HOST,
    [')'] = TARGET | VALUE | HOST,
    ['*' ... '+'] = ALNUM,
    [','] = TARGET | VALUE,
    ['-' ... '.'] = ALNUM,
    ['/'] = TARGET | VALUE,
    ['0' ... '9'] = ALNUM,
    [':' ... ';'] = TARGET | VALUE | HOST,
    ['<'] = TARGET | VALUE,
    ['='] = TARGET | VALUE | HOST,
    ['>' ... '@'] = TARGET | VALUE,
    ['A' ... 'Z'] = ALNUM,
    ['['] = TARGET | VALUE | HOST,
    ['\\'] = TARGET | VALUE,
    [']'] = TARGET | VALUE | HOST,
    ['^'] = TOKEN | TARGET | VALUE,
    ['_'] = ALNUM,
    ['`'] = TOKEN | TARGET | VALUE,
    ['a' ... 'z'] = ALNUM,
    ['{'] = TARGET | VALUE,
    ['|'] = TOKEN | TARGET | VALUE,
    ['}'] = TARGET | VALUE,
    ['~'] = ALNUM,
    [0x80 ... 0xff] = TARGET | VALUE,
};

static const struct str method_names[] = {
    [HTTP_GET] = S_INIT("GET"),       [HTTP_HEAD] = S_INIT("HEAD"),
    [HTTP_POST] = S_INIT("POST"),     [HTTP_PUT] = S_INIT("PUT"),
    [HTTP_DELETE] = S_INIT("DELETE"), [HTTP_PATCH] = S_INIT("PATCH"),
    [HTTP_OPTIONS] = S_INIT("OPTIONS"),
};

static const struct str known_names[HTTP_N_KNOWN] = {
    [HTTP_HOST] = S_INIT("host"),
    [HTTP_AUTHORIZATION] = S_INIT("authorization"),
    [HTTP_CONTENT_LENGTH] = S_INIT("content-length"),
    [HTTP_CONTENT_TYPE] = S_INIT("content-type"),
    [HTTP_CONTENT_ENCODING] = S_INIT("content-encoding"),
    [HTTP_TRANSFER_ENCODING] = S_INIT("transfer-encoding"),
    [HTTP_CONNECTION] = S_INIT("connection"),
    [HTTP_EXPECT] = S_INIT("expect"),
    [HTTP_DATE] = S_INIT("date"),
    [HTTP_X_AMZ_DATE] = S_INIT("x-amz-date"),
    [HTTP_X_AMZ_TARGET] = S_INIT("x-amz-target"),
    [HTTP_X_AMZ_CONTENT_SHA256] = S_INIT("x-amz-content-sha256"),
    [HTTP_X_AMZ_SECURITY_TOKEN] = S_INIT("x-amz-security-token"),
    [HTTP_X_FORWARDED_FOR] = S_INIT("x-forwarded-for"),
};

/* Known headers by length: at most two share one.  0 stands for Host too, which is harmless: it
 * has another length wherever it is the filler. */
static const uint8_t known_by_len[21][2] = {
    [4] = {HTTP_HOST, HTTP_DATE},
    [6] = {HTTP_EXPECT},
    [10] = {HTTP_CONNECTION, HTTP_X_AMZ_DATE},
    [12] = {HTTP_CONTENT_TYPE, HTTP_X_AMZ_TARGET},
    [13] = {HTTP_AUTHORIZATION},
    [14] = {HTTP_CONTENT_LENGTH},
    [15] = {HTTP_X_FORWARDED_FOR},
    [16] = {HTTP_CONTENT_ENCODING},
    [17] = {HTTP_TRANSFER_ENCODING},
    [20] = {HTTP_X_AMZ_CONTENT_SHA256, HTTP_X_AMZ_SECURITY_TOKEN},
};

struct cursor {
    const char *p, *end;
};

/* Takes the run of bytes of a class. */
static struct str
take(struct cursor *c, unsigned wanted)
{
    const char *start = c->p;

    assert(c->p <= c->end);
    while (c->p < c->end && (class[(unsigned char)*c->p] & wanted))
        c->p++;
    return str_of(start, (size_t)(c->p - start));
}

/* Takes one byte that must come now. */
static int
take_byte(struct cursor *c, char wanted)
{
    assert(c->p <= c->end);
    if (c->p == c->end)
        return HTTP_MORE;
    return *c->p++ == wanted ? 0 : 400;
}

static int
take_crlf(struct cursor *c)
{
    int r = take_byte(c, '\r');

    return r ? r : take_byte(c, '\n');
}

static void
set_path(struct http_head *head, struct str target)
{
    size_t mark = str_find_char(target, '?');

    assert(str_ok(target));
    head->path = str_cut(target, 0, mark);
    head->query = mark == SIZE_MAX ? STR_NONE : str_cut(target, mark + 1, target.n);
    if (head->path.n == 0)
        head->path = S("/");
}

static int
check_host(struct str host)
{
    assert(str_ok(host));
    for (size_t i = 0; i < host.n; i++)
        if (!(class[(unsigned char)host.p[i]] & HOST))
            return 400;
    return 0;
}

static int
split_target(struct http_head *head)
{
    struct str t = head->target;
    size_t scheme = str_starts(t, S("http://")) ? 7 : str_starts(t, S("https://")) ? 8 : 0;

    assert(head->target.n > 0);
    if (t.n && *t.p == '/') {
        set_path(head, t);
        return 0;
    }
    if (str_eq(t, S("*")) && head->method == HTTP_OPTIONS) {
        head->path = t;
        return 0;
    }
    if (!scheme)
        return 400;

    struct str rest = str_cut(t, scheme, t.n);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    head->host = str_cut(rest, 0, n);
    set_path(head, str_cut(rest, n, rest.n));
    return n ? check_host(head->host) : 400;
}

static int
take_request_line(struct cursor *c, struct http_head *head)
{
    struct str method = take(c, TOKEN);
    int r = method.n > HTTP_METHOD_MAX_BYTES ? 400 : take_byte(c, ' ');

    assert(c->p <= c->end);
    if (r || method.n == 0)
        return r ? r : 400;
    head->method_name = method;
    for (unsigned i = HTTP_GET; i < ARRAY_LEN(method_names); i++)
        if (str_eq(method, method_names[i]))
            head->method = (enum http_method)i;

    struct str target = take(c, TARGET);
    r = take_byte(c, ' ');
    if (r || target.n == 0)
        return r ? r : 400;
    head->target = target;

    if (c->end - c->p < 10)
        return HTTP_MORE;
    if (memcmp(c->p, "HTTP/", 5) != 0)
        return 400;
    if (memcmp(c->p + 5, "1.", 2) != 0 || (c->p[7] != '0' && c->p[7] != '1'))
        return 505;
    head->minor = (unsigned)(c->p[7] - '0');
    c->p += 8;
    r = take_crlf(c);
    return r ? r : split_target(head);
}

static int
known_header(struct str name)
{
    assert(str_ok(name));
    if (name.n >= ARRAY_LEN(known_by_len))
        return -1;
    for (int i = 0; i < 2; i++) {
        int known = known_by_len[name.n][i];
        if (name.n == known_names[known].n && str_eq_nocase(name, known_names[known]))
            return known;
    }
    return -1;
}

/* What a second header of that name means. */
static int
note_again(const struct http_head *head, int known, struct str value)
{
    assert(known >= 0 && known < HTTP_N_KNOWN && head->known[known].p);
    switch (known) {
    case HTTP_HOST:
    case HTTP_TRANSFER_ENCODING:
    case HTTP_AUTHORIZATION:
        return 400;
    case HTTP_CONTENT_LENGTH:
        return str_eq(head->known[known], value) ? 0 : 400;
    default:
        return 0;
    }
}

static int
note_known(struct http_head *head, int known, struct str value)
{
    assert(known >= 0 && known < HTTP_N_KNOWN);
    if (known == HTTP_CONNECTION) {
        if (http_has_token(value, S("close")))
            head->keep_alive = false;
        else if (head->minor == 0 && http_has_token(value, S("keep-alive")))
            head->keep_alive = true;
    }
    if (head->known[known].p)
        return note_again(head, known, value);
    head->known[known] = value;
    return 0;
}

static int
take_header(struct cursor *c, struct http_head *head)
{
    struct str name = take(c, TOKEN);
    int r = take_byte(c, ':');

    assert(head->n_headers <= HTTP_HEADERS_MAX);
    if (r || name.n == 0)
        return r ? r : 400;
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
    struct str value = take(c, VALUE);
    r = take_crlf(c);
    if (r)
        return r;
    while (value.n && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
        value.n--;
    if (head->n_headers == HTTP_HEADERS_MAX)
        return 431;
    head->headers[head->n_headers++] = (struct http_header){name, value};

    int known = known_header(name);
    return known < 0 ? 0 : note_known(head, known, value);
}

static int
check_length(struct http_head *head)
{
    struct str length = head->known[HTTP_CONTENT_LENGTH];
    struct str coding = head->known[HTTP_TRANSFER_ENCODING];

    if (coding.p) {
        if (length.p || head->minor == 0)
            return 400;
        if (!str_eq_nocase(coding, S("chunked")))
            return 501;
        head->chunked = true;
    }
    if (!length.p)
        return 0;
    if (length.n == 0 || length.n > 18)
        return 400;
    int64_t n = 0;
    for (size_t i = 0; i < length.n; i++) {
        if (length.p[i] < '0' || length.p[i] > '9')
            return 400;
        n = n * 10 + (length.p[i] - '0');
    }
    head->content_length = n;
    return 0;
}

static int
check_head(struct http_head *head)
{
    struct str host = head->known[HTTP_HOST], expect = head->known[HTTP_EXPECT];

    if ((!host.p && head->minor == 1) || check_host(host))
        return 400;
    if (!head->host.p)
        head->host = host;
    int r = check_length(head);
    if (r)
        return r;
    if (expect.p && head->minor == 1) {
        if (!str_eq_nocase(expect, S("100-continue")))
            return 417;
        head->expect_continue = true;
    }
    return 0;
}

/* To the empty line behind them. */
static int
take_headers(struct cursor *c, struct http_head *head)
{
    assert(head->n_headers == 0);
    head->keep_alive = head->minor == 1;
    for (;;) {
        if (c->p == c->end)
            return HTTP_MORE;
        if (*c->p == '\r')
            return take_crlf(c);
        int r = take_header(c, head);
        if (r)
            return r;
    }
}

/* The reason phrase says nothing and may be empty; some leave out the blank before it as well. */
static int
take_status_line(struct cursor *c, struct http_head *head, unsigned *ret)
{
    if (c->end - c->p < 12)
        return HTTP_MORE;
    if (memcmp(c->p, "HTTP/1.", 7) != 0 || (c->p[7] != '0' && c->p[7] != '1') || c->p[8] != ' ')
        return 400;
    head->minor = (unsigned)(c->p[7] - '0');
    *ret = 0;
    for (int i = 9; i < 12; i++) {
        if (c->p[i] < '0' || c->p[i] > '9')
            return 400;
        *ret = *ret * 10 + (unsigned)(c->p[i] - '0');
    }
    c->p += 12;
    if (*ret < 100 || *ret > 599 || (c->p < c->end && *c->p != ' ' && *c->p != '\r'))
        return 400;
    take(c, VALUE);
    return take_crlf(c);
}

int
http_parse_answer(struct str in, struct http_head *head, unsigned *ret_status, size_t *ret_bytes)
{
    struct cursor c = {in.p, in.p + in.n};
    unsigned status = 0;

    assert(str_ok(in));
    memset(head, 0, offsetof(struct http_head, headers));
    head->content_length = -1;
    int r = take_status_line(&c, head, &status);

    if (!r)
        r = take_headers(&c, head);
    if (!r)
        r = check_length(head);
    if (r)
        return r;
    *ret_status = status;
    *ret_bytes = (size_t)(c.p - in.p);
    assert(*ret_bytes <= in.n);
    return HTTP_COMPLETE;
}

int
http_parse_head(struct str in, struct http_head *head, size_t *ret_bytes)
{
    struct cursor c = {in.p, in.p + in.n};
    int r;

    assert(str_ok(in));
    /* All but the array of headers, which is large and bounded by n_headers. */
    memset(head, 0, offsetof(struct http_head, headers));
    head->content_length = -1;

    while (c.end - c.p >= 2 && c.p[0] == '\r' && c.p[1] == '\n')
        c.p += 2;
    if (c.end - c.p == 1 && *c.p == '\r')
        return HTTP_MORE;
    r = take_request_line(&c, head);
    if (r)
        return r;
    r = take_headers(&c, head);
    if (r)
        return r;
    r = check_head(head);
    if (r)
        return r;
    *ret_bytes = (size_t)(c.p - in.p);
    return HTTP_COMPLETE;
}

bool
http_head_may_end(struct str in, size_t seen)
{
    struct str fresh = str_cut(in, seen > 3 ? seen - 3 : 0, in.n);

    assert(str_ok(in));
    /* "\n\n" ends nothing, but whoever sends it waits for an answer: let the parser refuse. */
    return memmem(fresh.p, fresh.n, "\n\r\n", 3) || memmem(fresh.p, fresh.n, "\n\n", 2);
}

struct str
http_header_next(const struct http_head *head, struct str name, size_t *place)
{
    assert(*place <= head->n_headers);
    while (*place < head->n_headers) {
        const struct http_header *h = &head->headers[(*place)++];
        if (h->name.n == name.n && str_eq_nocase(h->name, name))
            return h->value;
    }
    return STR_NONE;
}

struct str
http_header_get(const struct http_head *head, struct str name)
{
    size_t place = 0;

    return http_header_next(head, name, &place);
}

bool
http_has_token(struct str value, struct str token)
{
    assert(str_ok(value) && token.n > 0);
    while (value.p)
        if (str_eq_nocase(str_trim(str_split(&value, ',')), token))
            return true;
    return false;
}

struct str
http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        struct str reason;
    } reasons[] = {
        {200, S_INIT("OK")},
        {100, S_INIT("Continue")},
        {101, S_INIT("Switching Protocols")},
        {201, S_INIT("Created")},
        {202, S_INIT("Accepted")},
        {204, S_INIT("No Content")},
        {206, S_INIT("Partial Content")},
        {301, S_INIT("Moved Permanently")},
        {302, S_INIT("Found")},
        {303, S_INIT("See Other")},
        {304, S_INIT("Not Modified")},
        {307, S_INIT("Temporary Redirect")},
        {308, S_INIT("Permanent Redirect")},
        {400, S_INIT("Bad Request")},
        {401, S_INIT("Unauthorized")},
        {403, S_INIT("Forbidden")},
        {404, S_INIT("Not Found")},
        {405, S_INIT("Method Not Allowed")},
        {406, S_INIT("Not Acceptable")},
        {408, S_INIT("Request Timeout")},
        {409, S_INIT("Conflict")},
        {410, S_INIT("Gone")},
        {411, S_INIT("Length Required")},
        {412, S_INIT("Precondition Failed")},
        {413, S_INIT("Content Too Large")},
        {414, S_INIT("URI Too Long")},
        {415, S_INIT("Unsupported Media Type")},
        {416, S_INIT("Range Not Satisfiable")},
        {417, S_INIT("Expectation Failed")},
        {424, S_INIT("Failed Dependency")},
        {429, S_INIT("Too Many Requests")},
        {431, S_INIT("Request Header Fields Too Large")},
        {500, S_INIT("Internal Server Error")},
        {501, S_INIT("Not Implemented")},
        {502, S_INIT("Bad Gateway")},
        {503, S_INIT("Service Unavailable")},
        {504, S_INIT("Gateway Timeout")},
        {505, S_INIT("HTTP Version Not Supported")},
        {507, S_INIT("Insufficient Storage")},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return S("");
}

/*
 * The chunked body: SIZE [;extension] CRLF data CRLF … 0 CRLF trailers CRLF.
 */
enum chunk_state {
    SIZE_FIRST,    /* the first digit of a size must come */
    SIZE,          /* more digits may */
    EXTENSION,     /* to the end of the size line */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST, /* a trailer's name, or the CR of the last line */
    TRAILER,
    TRAILER_LF,
    LAST_LF,
    DONE,
};

static int
chunk_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* A byte of the size line; answers the next state or -1. */
static int
size_byte(struct http_chunked *c, char ch)
{
    int digit = chunk_digit(ch);

    assert(c->line_bytes <= HTTP_CHUNK_LINE_MAX_BYTES);
    if (c->state != EXTENSION && digit >= 0) {
        if (c->left >> 56)
            return -1;
        c->left = c->left << 4 | (unsigned)digit;
        return SIZE;
    }
    if (c->state == SIZE_FIRST || ++c->line_bytes > HTTP_CHUNK_LINE_MAX_BYTES)
        return -1;
    if (ch == '\r')
        return SIZE_LF;
    if (c->state == SIZE && ch != ';' && ch != ' ' && ch != '\t')
        return -1;
    return class[(unsigned char)ch] & VALUE ? EXTENSION : -1;
}

static int
trailer_byte(struct http_chunked *c, char ch)
{
    assert(c->line_bytes <= HTTP_TRAILERS_MAX_BYTES);
    if (++c->line_bytes > HTTP_TRAILERS_MAX_BYTES)
        return -1;
    if (ch == '\r')
        return c->state == TRAILER_FIRST ? LAST_LF : TRAILER_LF;
    return class[(unsigned char)ch] & (c->state == TRAILER_FIRST ? TOKEN : VALUE) ? TRAILER : -1;
}

/* Any byte that is not data. */
static int
frame_byte(struct http_chunked *c, char ch)
{
    switch ((enum chunk_state)c->state) {
    case SIZE_FIRST:
    case SIZE:
    case EXTENSION:
        return size_byte(c, ch);
    case SIZE_LF:
        c->line_bytes = 0;
        return ch != '\n' ? -1 : c->left ? DATA : TRAILER_FIRST;
    case DATA_CR:
        return ch == '\r' ? DATA_LF : -1;
    case DATA_LF:
        return ch == '\n' ? SIZE_FIRST : -1;
    case TRAILER_FIRST:
    case TRAILER:
        return trailer_byte(c, ch);
    case TRAILER_LF:
        return ch == '\n' ? TRAILER_FIRST : -1;
    case LAST_LF:
        return ch == '\n' ? DONE : -1;
    case DATA:
    case DONE:
        break;
    }
    return -1;
}

int
http_chunked_decode(struct http_chunked *c, const char *p, size_t n, char *out, size_t *ret_used,
                    size_t *ret_out)
{
    size_t used = 0, made = 0;

    assert(p || n == 0);
    while (used < n && c->state != DONE) {
        if (c->state == DATA) {
            size_t k = MIN(c->left, n - used);
            memmove(out + made, p + used, k);
            made += k;
            used += k;
            c->left -= k;
            if (c->left == 0)
                c->state = DATA_CR;
            continue;
        }
        int next = frame_byte(c, p[used++]);
        if (next < 0)
            return 400;
        c->state = next;
    }
    assert(made <= used && used <= n);
    *ret_used = used;
    *ret_out = made;
    return c->state == DONE ? HTTP_COMPLETE : HTTP_MORE;
}
