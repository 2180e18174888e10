/*
 * An archive is somebody's program, so nothing in it is believed: offsets and sizes are compared
 * with what is there in arithmetic that cannot wrap, and names are walked part by part.
 */
#include "codec/zip.h"

#include <stdio.h>
#include <zlib.h>

enum {
    END_BYTES = 22,
    HEAD_BYTES = 46,
    LOCAL_BYTES = 30,
    COMMENT_MAX = 65535,
    STORED = 0,
    DEFLATED = 8,
    MADE_BY_UNIX = 3,
    TAR_BLOCK = 512,
};
#define END_MAGIC 0x06054b50u
#define HEAD_MAGIC 0x02014b50u
#define LOCAL_MAGIC 0x04034b50u
#define KIND_MASK 0170000u
#define KIND_FOLDER 0040000u
#define KIND_LINK 0120000u
#define FLAG_ENCRYPTED 1u

static uint32_t
get16(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;

    return (uint32_t)b[0] | (uint32_t)b[1] << 8;
}

static uint32_t
get32(const char *p)
{
    return get16(p) | get16(p + 2) << 16;
}

/* ---- reading ---- */

static const char *
find_end(struct str archive)
{
    assert(str_ok(archive));
    if (archive.n < END_BYTES)
        return NULL;
    size_t last = archive.n - END_BYTES, first = last > COMMENT_MAX ? last - COMMENT_MAX : 0;

    for (size_t at = last + 1; at-- > first;)
        if (get32(archive.p + at) == END_MAGIC &&
            get16(archive.p + at + 20) == archive.n - at - END_BYTES)
            return archive.p + at;
    return NULL;
}

/* Whether a name leads to somewhere in the archive's own folder. */
static bool
name_ok(struct str name)
{
    struct str rest = name;

    if (!name.n || name.n > ZIP_NAME_MAX || name.p[0] == '/')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!name.p[i] || name.p[i] == '\\')
            return false;
    while (rest.p) {
        struct str part = str_split(&rest, '/');

        if (!part.n || str_is(part, "..") || str_is(part, "."))
            return false;
    }
    return true;
}

static bool
read_head(struct str archive, const char *head, struct zip_entry *ret)
{
    uint32_t made_by = get16(head + 4) >> 8, kind = get32(head + 38) >> 16;
    size_t name_n = get16(head + 28), local = get32(head + 42);

    *ret = (struct zip_entry){.name = str_of(head + HEAD_BYTES, name_n),
                              .method = (uint16_t)get16(head + 10),
                              .crc = get32(head + 16),
                              .packed_bytes = get32(head + 20),
                              .bytes = get32(head + 24)};
    if (name_n && ret->name.p[name_n - 1] == '/') {
        ret->folder = true;
        ret->name.n--;
    }
    if (made_by == MADE_BY_UNIX) {
        ret->mode = kind & 07777;
        ret->link = (kind & KIND_MASK) == KIND_LINK;
        ret->folder |= (kind & KIND_MASK) == KIND_FOLDER;
    } else {
        ret->mode = ret->folder ? 0755 : 0644;
    }
    if (!name_ok(ret->name) || (get16(head + 8) & FLAG_ENCRYPTED) ||
        (ret->method != STORED && ret->method != DEFLATED) || (ret->folder && ret->link) ||
        (ret->folder && ret->bytes) || (ret->method == STORED && ret->packed_bytes != ret->bytes) ||
        (ret->link && ret->bytes > ZIP_NAME_MAX))
        return false;
    if (local > archive.n || archive.n - local < LOCAL_BYTES ||
        get32(archive.p + local) != LOCAL_MAGIC)
        return false;
    ret->at = local + LOCAL_BYTES + get16(archive.p + local + 26) + get16(archive.p + local + 28);
    return ret->at <= archive.n && archive.n - ret->at >= ret->packed_bytes;
}

bool
zip_open(struct arena *a, struct str archive, struct zip *ret)
{
    const char *end = find_end(archive);

    *ret = (struct zip){.archive = archive};
    if (!end)
        return false;
    size_t n = get16(end + 10), at = get32(end + 16), stop = (size_t)(end - archive.p);

    if (n > ZIP_ENTRIES_MAX || get16(end + 4) || get16(end + 6) || get16(end + 8) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct zip_entry entry;

        if (at > stop || stop - at < HEAD_BYTES || get32(archive.p + at) != HEAD_MAGIC)
            return false;
        size_t more =
            get16(archive.p + at + 28) + get16(archive.p + at + 30) + get16(archive.p + at + 32);

        if (stop - at - HEAD_BYTES < more || !read_head(archive, archive.p + at, &entry))
            return false;
        *LIST_PUSH(a, ret) = entry;
        ret->bytes += entry.bytes;
        at += HEAD_BYTES + more;
    }
    assert(ret->n == n);
    return true;
}

static bool
inflate_entry(const struct zip_entry *entry, const char *packed,
              bool (*put)(void *ctx, const void *p, size_t n), void *ctx, uint32_t *ret_crc)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed, .avail_in = entry->packed_bytes};
    uint8_t room[16 << 10];
    uint64_t n = 0;
    int r = inflateInit2(&z, -MAX_WBITS);
    bool ok = r == Z_OK;

    while (ok && r != Z_STREAM_END) {
        z.next_out = room;
        z.avail_out = sizeof(room);
        r = inflate(&z, Z_NO_FLUSH);
        size_t got = sizeof(room) - z.avail_out;

        n += got;
        *ret_crc = (uint32_t)crc32(*ret_crc, room, (uInt)got);
        ok = (r == Z_OK || r == Z_STREAM_END) && n <= entry->bytes && put(ctx, room, got);
        if (ok && r == Z_OK && !z.avail_in && !got)
            ok = false; /* it ends in the middle */
    }
    inflateEnd(&z);
    return ok && n == entry->bytes;
}

bool
zip_read(const struct zip *zip, const struct zip_entry *entry,
         bool (*put)(void *ctx, const void *p, size_t n), void *ctx)
{
    const char *packed = zip->archive.p + entry->at;
    uint32_t crc = 0;

    assert(entry->at <= zip->archive.n && zip->archive.n - entry->at >= entry->packed_bytes);
    if (entry->method == DEFLATED)
        return inflate_entry(entry, packed, put, ctx, &crc) && crc == entry->crc;
    assert(entry->method == STORED && entry->bytes == entry->packed_bytes);
    crc = (uint32_t)crc32(0, (const Bytef *)packed, entry->bytes);
    return crc == entry->crc && put(ctx, packed, entry->bytes);
}

/* ---- making ---- */

static void
put16(struct buf *b, uint32_t v)
{
    const uint8_t bytes[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

    assert(v <= UINT16_MAX);
    buf_add(b, bytes, sizeof(bytes));
}

static void
put32(struct buf *b, uint32_t v)
{
    put16(b, v & 0xffff);
    put16(b, v >> 16);
}

/* What a file's two headers have in common, from the version to the length of its name. */
static void
put_common(struct buf *b, const struct zip_file *file)
{
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)file->bytes.p, (uInt)file->bytes.n);

    put16(b, 20); /* version that is needed */
    put16(b, 0);
    put16(b, STORED);
    put16(b, 0);
    put16(b, 0x21); /* 1 January 1980: the same files are the same archive */
    put32(b, crc);
    put32(b, (uint32_t)file->bytes.n);
    put32(b, (uint32_t)file->bytes.n);
    put16(b, (uint32_t)file->name.n);
    put16(b, 0);
}

struct str
zip_make(struct arena *a, const struct zip_file *files, size_t n)
{
    size_t *ats = ARENA_ARRAY(a, size_t, n);
    struct buf b;

    assert(n > 0 && n <= 100);
    buf_init(&b, (size_t)64 << 20);
    for (size_t i = 0; i < n; i++) {
        assert(name_ok(files[i].name));
        ats[i] = b.n;
        put32(&b, LOCAL_MAGIC);
        put_common(&b, &files[i]);
        buf_add_str(&b, files[i].name);
        buf_add_str(&b, files[i].bytes);
    }
    size_t directory = b.n;

    for (size_t i = 0; i < n; i++) {
        put32(&b, HEAD_MAGIC);
        put16(&b, MADE_BY_UNIX << 8 | 20);
        put_common(&b, &files[i]);
        put16(&b, 0); /* comment, disk, attributes */
        put16(&b, 0);
        put16(&b, 0);
        put32(&b, 0100644u << 16);
        put32(&b, (uint32_t)ats[i]);
        buf_add_str(&b, files[i].name);
    }
    size_t end = b.n;

    put32(&b, END_MAGIC);
    put32(&b, 0);
    put16(&b, (uint32_t)n);
    put16(&b, (uint32_t)n);
    put32(&b, (uint32_t)(end - directory));
    put32(&b, (uint32_t)directory);
    put16(&b, 0);
    assert(!buf_failed(&b)); /* the callers' files have maxima */
    struct str archive = str_dup(a, buf_str(&b));

    buf_done(&b);
    return archive;
}

/* ---- tar ---- */

struct tar_member {
    struct str folder, name;
    uint32_t mode;
    uint64_t bytes;
    char type; /* '0' a file, '2' a link, '5' a folder, 'L' the long name of the next */
    struct str link;
};

static void
tar_pad(struct buf *out, uint64_t bytes)
{
    static const char zeroes[TAR_BLOCK];

    if (bytes % TAR_BLOCK)
        buf_add(out, zeroes, TAR_BLOCK - (size_t)(bytes % TAR_BLOCK));
}

static void
tar_head(struct buf *out, const struct tar_member *m)
{
    char head[TAR_BLOCK] = {0}, text[ZIP_NAME_MAX + 64];
    uint32_t sum = 0;
    int n = snprintf(text, sizeof(text), "%.*s%s%.*s", STR_ARG(m->folder), m->folder.n ? "/" : "",
                     STR_ARG(m->name));

    assert(n > 0 && (size_t)n < sizeof(text) && m->bytes < UINT64_C(1) << 33);
    if (n > 99 && m->type != 'L') {
        const struct tar_member longer = {
            .name = S("././@LongLink"), .bytes = (uint64_t)n + 1, .type = 'L'};

        tar_head(out, &longer);
        buf_add(out, text, (size_t)n + 1);
        tar_pad(out, (uint64_t)n + 1);
    }
    memcpy(head, text, MIN((size_t)n, (size_t)99));
    snprintf(head + 100, 8, "%07o", m->mode & 07777);
    snprintf(head + 108, 8, "%07o", 0);
    snprintf(head + 116, 8, "%07o", 0);
    snprintf(head + 124, 12, "%011llo", (unsigned long long)m->bytes);
    snprintf(head + 136, 12, "%011o", 0);
    memset(head + 148, ' ', 8);
    head[156] = m->type;
    memcpy(head + 157, m->link.p ? m->link.p : "", MIN(m->link.n, (size_t)99));
    memcpy(head + 257, "ustar  ", 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (uint8_t)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    buf_add(out, head, sizeof(head));
}

void
tar_add(struct buf *out, const char *name, struct str bytes)
{
    const struct tar_member m = {
        .name = str_from(name), .mode = 0644, .bytes = bytes.n, .type = '0'};

    tar_head(out, &m);
    buf_add_str(out, bytes);
    tar_pad(out, bytes.n);
}

void
tar_end(struct buf *out)
{
    static const char zeroes[2 * TAR_BLOCK];

    buf_add(out, zeroes, sizeof(zeroes));
}

static bool
put_buf(void *ctx, const void *p, size_t n)
{
    struct buf *out = ctx;

    buf_add(out, p, n);
    return !buf_failed(out);
}

struct link_text {
    char p[ZIP_NAME_MAX];
    size_t n;
};

static bool
put_link(void *ctx, const void *p, size_t n)
{
    struct link_text *to = ctx;

    if (n > sizeof(to->p) - to->n)
        return false;
    memcpy(to->p + to->n, p, n);
    to->n += n;
    return true;
}

static bool
add_entry(const struct zip *zip, const struct zip_entry *entry, const char *folder, struct buf *out)
{
    struct link_text to = {.n = 0};
    struct tar_member m = {.folder = str_from(folder),
                           .name = entry->name,
                           .mode = entry->mode | 0444,
                           .bytes = entry->bytes,
                           .type = entry->folder ? '5'
                                   : entry->link ? '2'
                                                 : '0'};

    if (entry->folder)
        m.mode |= 0111;
    if (entry->link) {
        if (!zip_read(zip, entry, put_link, &to) || !to.n || to.n > 99)
            return false;
        m.link = str_of(to.p, to.n);
        m.bytes = 0;
    }
    tar_head(out, &m);
    if (m.type != '0')
        return true;
    bool ok = zip_read(zip, entry, put_buf, out);

    tar_pad(out, entry->bytes);
    return ok;
}

bool
zip_to_tar(const struct zip *zip, const char *folder, struct buf *out)
{
    const struct tar_member root = {.name = str_from(folder), .mode = 0755, .type = '5'};
    bool ok = true;

    assert(folder[0] && folder[0] != '/');
    tar_head(out, &root);
    for (size_t i = 0; i < zip->n && ok; i++)
        ok = add_entry(zip, &zip->v[i], folder, out);
    return ok && !buf_failed(out);
}
