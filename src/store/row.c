/*
 * Versions of rows, and the two other forms that a row takes: a record in the queue and in the
 * journal, and columns of SQLite.
 *
 * A version is one allocation, so freeing it is one call and its text lies beside its numbers.
 * The queue holds copies: the committer's thread must never see a version, which the loop may
 * free at any time.
 */
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

static bool
is_text(enum store_type type)
{
    return type == STORE_STR || type == STORE_BLOB || type == STORE_SECRET;
}

/* Bytes behind the row struct: arrays of lists first, for their alignment, then text. */
static bool
sizes(const struct store_table *t, const void *row, size_t *ret_lists, size_t *ret_text)
{
    size_t lists = 0, text = 0;

    for (unsigned i = 0; i < t->n_columns; i++) {
        const struct store_column *c = &t->columns[i];

        if (is_text(c->type)) {
            text += MIN(column_str(c, row)->n, (size_t)STORE_ROW_BYTES_MAX + 1);
        } else if (c->type == STORE_STRS) {
            const struct str_list *l = column_strs(c, row);

            if (l->n > STORE_ROW_BYTES_MAX / sizeof(*l->v))
                return false;
            lists += l->n * sizeof(*l->v);
            for (size_t j = 0; j < l->n; j++) {
                text += MIN(l->v[j].n, (size_t)STORE_ROW_BYTES_MAX + 1);
                if (text > STORE_ROW_BYTES_MAX)
                    return false;
            }
        }
    }
    *ret_lists = lists;
    *ret_text = text;
    return sizeof(struct version) + t->row_bytes + lists + text <= STORE_ROW_BYTES_MAX;
}

static struct str
pack(char **text, struct str s)
{
    struct str copy = {*text, s.n};

    assert(str_ok(s));
    if (s.n)
        memcpy(*text, s.p, s.n);
    *text += s.n;
    return copy;
}

struct version *
version_new(const struct store_table *t, const void *row, int64_t row_id)
{
    size_t n_lists, n_text, bytes;
    struct version *v;
    struct str *lists;
    char *text;

    assert(row_id > 0);
    assert(t->key < t->n_columns);
    if (!sizes(t, row, &n_lists, &n_text))
        return NULL;
    /* One byte more, so that an empty slice at the end points inside. */
    bytes = sizeof(*v) + t->row_bytes + n_lists + n_text + 1;
    v = store_alloc(bytes);
    *v = (struct version){.row_id = row_id, .bytes = (uint32_t)bytes};
    memcpy(v->row, row, t->row_bytes);
    lists = (struct str *)(v->row + t->row_bytes);
    text = (char *)lists + n_lists;
    for (unsigned i = 0; i < t->n_columns; i++) {
        const struct store_column *c = &t->columns[i];

        if (is_text(c->type)) {
            *column_str(c, v->row) = pack(&text, *column_str(c, row));
        } else if (c->type == STORE_STRS) {
            struct str_list from = *column_strs(c, row);

            for (size_t j = 0; j < from.n; j++)
                lists[j] = pack(&text, from.v[j]);
            *column_strs(c, v->row) = (struct str_list){from.n ? lists : NULL, from.n};
            lists += from.n;
        }
    }
    *text = '\0';
    assert(text + 1 == (char *)v + bytes);
    return v;
}

void
version_free(const struct store_table *t, struct version *v)
{
    if (v && t->has_secrets)
        explicit_bzero(v, v->bytes);
    free(v);
}

bool
row_equal(const struct store_table *t, const void *a, const void *b)
{
    assert(a && b);
    for (unsigned i = 0; i < t->n_columns; i++) {
        const struct store_column *c = &t->columns[i];
        bool same = false;

        switch (c->type) {
        case STORE_STR:
        case STORE_BLOB:
        case STORE_SECRET:
            same = str_eq(*column_str(c, a), *column_str(c, b));
            break;
        case STORE_INT:
            same = *column_int(c, a) == *column_int(c, b);
            break;
        case STORE_BOOL:
            same = *column_bool(c, a) == *column_bool(c, b);
            break;
        case STORE_STRS:
            same = str_list_eq(column_strs(c, a), column_strs(c, b));
            break;
        }
        if (!same)
            return false;
    }
    return true;
}

enum { JSON_BYTES_MAX = 6 }; /* of a byte: "\\u0000" */

static char *
string_write(char *to, struct str s)
{
    static const char digits[] = "0123456789abcdef";

    *to++ = '"';
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x20) {
            memcpy(to, "\\u00", 4);
            to[4] = digits[c >> 4];
            to[5] = digits[c & 15];
            to += 6;
            continue;
        }
        if (c == '"' || c == '\\')
            *to++ = '\\';
        *to++ = (char)c;
    }
    *to++ = '"';
    return to;
}

/* Cuts n bytes off; absent when there are fewer. */
static struct str
take(struct str *s, size_t n)
{
    struct str piece = str_cut(*s, 0, n);

    assert(str_ok(*s));
    if (piece.n != n)
        return STR_NONE;
    *s = str_cut(*s, n, s->n);
    return piece;
}

/* A length and so many bytes. */
static struct str
take_counted(struct str *s)
{
    struct str head = take(s, sizeof(uint32_t));
    uint32_t n;

    if (!head.p)
        return STR_NONE;
    memcpy(&n, head.p, sizeof(n));
    return take(s, n);
}

void
strs_pack(struct buf *b, const struct str_list *list)
{
    assert(list->v || list->n == 0);
    for (size_t i = 0; i < list->n; i++) {
        uint32_t n = (uint32_t)list->v[i].n;

        buf_add(b, &n, sizeof(n));
        buf_add_str(b, list->v[i]);
    }
}

bool
strs_json(struct buf *b, struct str packed)
{
    /* The length of a text takes four bytes, its quotes and comma three. */
    size_t max = packed.n * JSON_BYTES_MAX + 2;
    char *to;

    if (!buf_reserve(b, max))
        return false;
    to = b->p + b->n;
    *to++ = '[';
    for (bool first = true; packed.n; first = false) {
        struct str text = take_counted(&packed);

        if (!text.p)
            return false;
        if (!first)
            *to++ = ',';
        to = string_write(to, text);
    }
    *to++ = ']';
    assert((size_t)(to - b->p) <= b->n + max);
    b->n = (size_t)(to - b->p);
    return true;
}

/* One string, from behind its quote on; *at is left behind the closing one. */
static bool
read_string(struct arena *a, struct str json, size_t *at, struct str *ret)
{
    size_t i = *at, n = 0;
    char *text;

    assert(*at <= json.n);
    while (i < json.n && json.p[i] != '"')
        i += json.p[i] == '\\' ? 2 : 1;
    if (i >= json.n)
        return false;
    text = arena_alloc_raw(a, i - *at + 1);
    for (size_t j = *at; j < i; j++) {
        char c = json.p[j];

        if ((unsigned char)c < 0x20)
            return false;
        if (c == '\\') {
            static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
            const char *known;
            struct str byte;

            c = json.p[++j];
            if (c == 'u') {
                /* Only what strs_json() writes: other characters stand for themselves. */
                if (j + 4 >= i || json.p[j + 1] != '0' || json.p[j + 2] != '0' ||
                    !str_unhex(a, str_cut(json, j + 3, j + 5), &byte) || byte.p[0] & 0x80)
                    return false;
                c = byte.p[0];
                j += 4;
            } else {
                known = c ? strchr(from, c) : NULL;
                if (!known)
                    return false;
                c = to[known - from];
            }
        }
        text[n++] = c;
    }
    *at = i + 1;
    *ret = str_of(text, n);
    return true;
}

static void
skip_blanks(struct str json, size_t *at)
{
    assert(*at <= json.n);
    while (*at < json.n && strchr(" \t\r\n", json.p[*at]) && json.p[*at])
        ++*at;
}

bool
strs_read(struct arena *a, struct str json, struct str_list *ret)
{
    struct str_list list = {NULL, 0};
    size_t at = 0, cap = 0;

    assert(str_ok(json));
    skip_blanks(json, &at);
    if (at == json.n || json.p[at++] != '[')
        return false;
    for (skip_blanks(json, &at); at < json.n && json.p[at] != ']'; skip_blanks(json, &at)) {
        if (list.n && json.p[at++] != ',')
            return false;
        skip_blanks(json, &at);
        if (at == json.n || json.p[at++] != '"')
            return false;
        if (list.n == cap) {
            list.v =
                arena_grow(a, list.v, cap * sizeof(*list.v), MAX(cap * 2, 8) * sizeof(*list.v));
            cap = MAX(cap * 2, 8);
        }
        if (!read_string(a, json, &at, &list.v[list.n++]))
            return false;
    }
    if (at++ >= json.n)
        return false;
    skip_blanks(json, &at);
    if (at != json.n)
        return false;
    *ret = list;
    return true;
}

static size_t
begin_record(struct buf *b, const struct table *t, enum record_kind kind, int64_t row_id)
{
    struct record head = {.table = (uint16_t)t->number, .kind = (uint8_t)kind, .row_id = row_id};
    size_t at = b->n;

    assert(t->number <= UINT16_MAX && row_id > 0);
    buf_add(b, &head, sizeof(head));
    return at;
}

static void
end_record(struct buf *b, size_t at)
{
    uint32_t bytes = (uint32_t)(b->n - at);

    assert(b->failed || at + sizeof(struct record) <= b->n);
    if (!buf_failed(b))
        memcpy(b->p + at + offsetof(struct record, bytes), &bytes, sizeof(bytes));
}

static void
put_length(struct buf *b, size_t at)
{
    uint32_t n = (uint32_t)(b->n - at - sizeof(n));

    assert(b->failed || at + sizeof(n) <= b->n);
    if (!buf_failed(b))
        memcpy(b->p + at, &n, sizeof(n));
}

bool
record_put(struct buf *b, const struct table *table, const struct version *v, struct seal *seal,
           struct env *env)
{
    const struct store_table *t = table->desc;
    size_t at = begin_record(b, table, RECORD_PUT, v->row_id);
    bool ok = true;

    assert(v->row_id > 0);
    for (unsigned i = 0; i < t->n_columns && ok; i++) {
        const struct store_column *c = &t->columns[i];
        size_t length_at = b->n;
        int64_t number;

        if (c->type == STORE_INT || c->type == STORE_BOOL) {
            number = c->type == STORE_INT ? *column_int(c, v->row) : *column_bool(c, v->row);
            buf_add(b, &number, sizeof(number));
            continue;
        }
        buf_add(b, "\0\0\0", 4);
        if (c->type == STORE_STRS)
            strs_pack(b, column_strs(c, v->row));
        else if (c->type == STORE_SECRET)
            ok = seal_close(seal, env, t, c, row_key(t, v->row), *column_str(c, v->row), b);
        else
            buf_add_str(b, *column_str(c, v->row));
        put_length(b, length_at);
    }
    end_record(b, at);
    return ok;
}

void
record_delete(struct buf *b, const struct table *table, int64_t row_id)
{
    assert(row_id > 0);
    end_record(b, begin_record(b, table, RECORD_DELETE, row_id));
}

bool
record_next(struct str *records, struct record *ret_head, struct str *ret_columns)
{
    struct str head = take(records, sizeof(*ret_head));

    if (!head.p)
        return false;
    memcpy(ret_head, head.p, sizeof(*ret_head));
    if (ret_head->bytes < sizeof(*ret_head) || ret_head->row_id <= 0 ||
        (ret_head->kind != RECORD_PUT && ret_head->kind != RECORD_DELETE))
        return false;
    *ret_columns = take(records, ret_head->bytes - sizeof(*ret_head));
    return ret_columns->p;
}

char *
record_kinds(const struct store_table *t)
{
    static const char letters[] = {[STORE_STR] = 't',  [STORE_INT] = 'i',  [STORE_BOOL] = 'i',
                                   [STORE_STRS] = 'l', [STORE_BLOB] = 'b', [STORE_SECRET] = 'b'};
    char *kinds = store_alloc(t->n_columns + 1);

    for (unsigned i = 0; i < t->n_columns; i++) {
        assert(t->columns[i].type < ARRAY_LEN(letters));
        kinds[i] = letters[t->columns[i].type];
    }
    kinds[t->n_columns] = '\0';
    return kinds;
}

static int
bind_bytes(char kind, struct str bytes, sqlite3_stmt *stmt, int place)
{
    assert(bytes.p && bytes.n <= INT32_MAX);
    if (kind == 'b')
        return sqlite3_bind_blob(stmt, place, bytes.p, (int)bytes.n, SQLITE_STATIC);
    return sqlite3_bind_text(stmt, place, bytes.p, (int)bytes.n, SQLITE_STATIC);
}

int
record_bind(const char *kinds, struct str columns, struct buf *scratch, sqlite3_stmt *stmt)
{
    int rc = SQLITE_OK;

    assert(str_ok(columns));
    buf_reset(scratch);
    if (!buf_reserve(scratch, columns.n * JSON_BYTES_MAX + 2 * strlen(kinds)))
        return SQLITE_NOMEM; /* and so the lists that are made will not move */
    for (int i = 0; kinds[i] && rc == SQLITE_OK; i++) {
        int place = i + 2; /* ?1 is the row id */
        size_t at = scratch->n;
        struct str piece;
        int64_t number;

        if (kinds[i] == 'i') {
            piece = take(&columns, sizeof(number));
            if (!piece.p)
                return SQLITE_CORRUPT;
            memcpy(&number, piece.p, sizeof(number));
            rc = sqlite3_bind_int64(stmt, place, number);
            continue;
        }
        piece = take_counted(&columns);
        if (!piece.p || (kinds[i] == 'l' && !strs_json(scratch, piece)))
            return SQLITE_CORRUPT;
        if (kinds[i] == 'l')
            piece = str_cut(buf_str(scratch), at, scratch->n);
        rc = bind_bytes(kinds[i], piece, stmt, place);
    }
    return rc != SQLITE_OK ? rc : columns.n ? SQLITE_CORRUPT : SQLITE_OK;
}

static struct str
sql_bytes(sqlite3_stmt *stmt, int place, int type)
{
    assert(place >= 0);
    /* The pointer first: sqlite3_column_bytes() speaks of the form that was asked for last. */
    const void *p = type == SQLITE_BLOB ? sqlite3_column_blob(stmt, place)
                                        : (const void *)sqlite3_column_text(stmt, place);

    return str_of(p ? p : "", (size_t)sqlite3_column_bytes(stmt, place));
}

static int
column_from_sql(const struct store_table *t, const struct store_column *c, sqlite3_stmt *stmt,
                struct seal *seal, struct arena *a, void *row)
{
    static const int want[] = {
        [STORE_STR] = SQLITE_TEXT,  [STORE_INT] = SQLITE_INTEGER, [STORE_BOOL] = SQLITE_INTEGER,
        [STORE_STRS] = SQLITE_TEXT, [STORE_BLOB] = SQLITE_BLOB,   [STORE_SECRET] = SQLITE_BLOB,
    };
    int place = (int)(c - t->columns) + 1;
    int64_t number;

    assert(c >= t->columns && c < t->columns + t->n_columns);
    if (sqlite3_column_type(stmt, place) != want[c->type])
        return -EUCLEAN;
    switch (c->type) {
    case STORE_INT:
        *column_int(c, row) = sqlite3_column_int64(stmt, place);
        return 0;
    case STORE_BOOL:
        number = sqlite3_column_int64(stmt, place);
        *column_bool(c, row) = number != 0;
        return number == 0 || number == 1 ? 0 : -EUCLEAN;
    case STORE_STR:
    case STORE_BLOB:
        *column_str(c, row) = sql_bytes(stmt, place, want[c->type]);
        return 0;
    case STORE_STRS:
        return strs_read(a, sql_bytes(stmt, place, SQLITE_TEXT), column_strs(c, row)) ? 0
                                                                                      : -EUCLEAN;
    case STORE_SECRET:
        return seal_open(seal, a, t, c, sql_bytes(stmt, (int)t->key + 1, SQLITE_TEXT),
                         sql_bytes(stmt, place, SQLITE_BLOB), column_str(c, row))
                   ? 0
                   : -ENOKEY;
    }
    return -EUCLEAN;
}

int
row_from_sql(const struct store_table *t, sqlite3_stmt *stmt, struct seal *seal, struct arena *a,
             void *row, const char **ret_column)
{
    assert(row && t->n_columns > 0);
    memset(row, 0, t->row_bytes);
    for (unsigned i = 0; i < t->n_columns; i++) {
        int r = column_from_sql(t, &t->columns[i], stmt, seal, a, row);

        if (r < 0) {
            *ret_column = t->columns[i].name;
            return r;
        }
    }
    return 0;
}
