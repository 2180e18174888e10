/*
 * Both inputs are read and checked before anything is written, and a file is written beside its
 * name and then renamed: a failed run leaves the old output, never half of a new one.
 */
#include "apigen.h"

#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX_BYTES ((size_t)16 << 20)
#define OUTPUT_MAX_BYTES ((size_t)64 << 20)

static struct str
read_file(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    struct buf b;
    char chunk[1 << 16];
    size_t n;

    if (!f)
        die_at(path, 0, "cannot be opened: %s", strerror(errno));
    buf_init(&b, INPUT_MAX_BYTES);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_add(&b, chunk, n);
    if (ferror(f) || buf_failed(&b))
        die_at(path, 0, "cannot be read");
    fclose(f);
    struct str text = str_dup(a, buf_str(&b));

    buf_done(&b);
    return text;
}

static void
write_file(struct arena *a, const char *dir, struct str name, const char *suffix,
           const struct buf *b)
{
    char *path = str_cstr(a, str_fmt(a, "%s/%.*s%s", dir, STR_ARG(name), suffix));
    char *fresh = str_cstr(a, str_fmt(a, "%s.new", path));
    FILE *f = fopen(fresh, "wb");

    if (buf_failed(b))
        die_at(path, 0, "would be too large");
    if (!f || fwrite(b->p, 1, b->n, f) != b->n || fclose(f) != 0 || rename(fresh, path) != 0)
        die_at(path, 0, "cannot be written: %s", strerror(errno));
}

int
main(int argc, char **argv)
{
    struct gen g = {0};
    struct buf header, tables;

    if (argc != 4) {
        fprintf(stderr, "usage: apigen SERVICE.api SERVICE.ops OUTDIR\n");
        return 2;
    }
    arena_init(&g.arena, (size_t)1 << 30);
    parse_api(&g, argv[1], read_file(&g.arena, argv[1]));
    name_all(&g);
    parse_ops(&g, argv[2], read_file(&g.arena, argv[2]));
    keep_used(&g);
    g.file = argv[1];
    buf_init(&header, OUTPUT_MAX_BYTES);
    buf_init(&tables, OUTPUT_MAX_BYTES);
    emit_header(&g, &header);
    emit_tables(&g, &tables);
    write_file(&g.arena, argv[3], g.name, ".h", &header);
    write_file(&g.arena, argv[3], g.name, ".c", &tables);
    buf_done(&header);
    buf_done(&tables);
    arena_done(&g.arena);
    return 0;
}
