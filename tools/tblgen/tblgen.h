/*
 * What a .tbl file says, between its parser (tblgen.c) and its printer (emit.c).  Tools are built
 * before everything else and use nothing but libc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum tbl_type { TYPE_STR, TYPE_INT, TYPE_BOOL, TYPE_STRS, TYPE_BLOB, TYPE_SECRET, N_TYPES };

/* COLUMNS_MAX and INDEX_COLUMNS_MAX are those of store.h: emit.c makes the C compiler check it. */
enum {
    NAME_BYTES_MAX = 48,
    COLUMNS_MAX = 96,
    INDEXES_MAX = 12,
    INDEX_COLUMNS_MAX = 6,
    TABLES_MAX = 128, /* in a file */
};

struct tbl_column {
    const char *name, *comment;
    enum tbl_type type;
};

struct tbl_index {
    const char *name;
    bool unique;
    unsigned n_columns;
    int columns[INDEX_COLUMNS_MAX];
};

struct tbl_table {
    const char *name, *comment;
    unsigned line;
    int version, key;
    unsigned n_columns, n_indexes;
    struct tbl_column columns[COLUMNS_MAX];
    struct tbl_index indexes[INDEXES_MAX];
};

struct tbl_file {
    const char *path;
    const char *name; /* without folder and .tbl */
    unsigned line;
    unsigned n_tables;
    struct tbl_table *tables; /* TABLES_MAX */
};

void emit_header(FILE *f, const struct tbl_file *file);
void emit_source(FILE *f, const struct tbl_file *file);
