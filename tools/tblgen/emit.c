/*
 * Prints the C of tables: row structs, descriptors with offsets and SQL, typed wrappers.
 *
 * Wrappers are static inline and one line each: they add types, not code.
 */
#include "tblgen.h"


static const char *const c_types[N_TYPES] = {
    "struct str ", "int64_t ", "bool ", "struct str_list ", "struct str ", "struct str ",
};

static const char *const enum_names[N_TYPES] = {
    "STORE_STR", "STORE_INT", "STORE_BOOL", "STORE_STRS", "STORE_BLOB", "STORE_SECRET",
};

static const char *const sql_types[N_TYPES] = {
    "TEXT NOT NULL DEFAULT ''",    "INTEGER NOT NULL DEFAULT 0", "INTEGER NOT NULL DEFAULT 0",
    "TEXT NOT NULL DEFAULT '[]'", "BLOB NOT NULL DEFAULT x''",  "BLOB NOT NULL DEFAULT x''",
};

/* A comment in a .tbl file must not end one in C. */
static void
add_comment(FILE *f, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (i == 0 || !((text[i] == '/' && text[i - 1] == '*') ||
                        (text[i] == '*' && text[i - 1] == '/')))
            fputc(text[i], f);
}

static void
emit_row(FILE *f, const struct tbl_table *t)
{
    if (t->comment[0]) {
        fputs("/* ", f);
        add_comment(f, t->comment);
        fputs(" */\n", f);
    }
    fprintf(f, "struct %s_row {\n", t->name);
    for (unsigned i = 0; i < t->n_columns; i++) {
        const struct tbl_column *c = &t->columns[i];

        fprintf(f, "    %s%s;", c_types[c->type], c->name);
        if (c->comment[0]) {
            fputs(" /* ", f);
            add_comment(f, c->comment);
            fputs(" */", f);
        }
        fputc('\n', f);
    }
    fputs("};\n\n", f);
}

static void
emit_wrappers(FILE *f, const struct tbl_table *t)
{
    fprintf(f, "extern const struct store_table %s_table;\n\n", t->name);
    fprintf(f,
                "static inline const struct %s_row *\n"
                "%s_get(struct txn *txn, struct str key)\n"
                "{\n"
                "    return store_get(txn, &%s_table, key);\n"
                "}\n\n",
                t->name, t->name, t->name);
    for (int i = 0; i < 2; i++)
        fprintf(f,
                    "MUST_USE static inline int\n"
                    "%s_%s(struct txn *txn, const struct %s_row *row)\n"
                    "{\n"
                    "    return store_%s(txn, &%s_table, row);\n"
                    "}\n\n",
                    t->name, i ? "update" : "insert", t->name, i ? "update" : "insert", t->name);
    fprintf(f,
                "MUST_USE static inline int\n"
                "%s_delete(struct txn *txn, struct str key)\n"
                "{\n"
                "    return store_delete(txn, &%s_table, key);\n"
                "}\n\n",
                t->name, t->name);
}

static void
emit_index_wrappers(FILE *f, const struct tbl_table *t, const char *index)
{
    fprintf(f, "extern const struct store_index %s_%s;\n\n", t->name, index);
    fprintf(f,
                "static inline const struct %s_row *\n"
                "%s_%s_next(struct store_cursor *cursor)\n"
                "{\n"
                "    return store_next(cursor);\n"
                "}\n\n",
                t->name, t->name, index);
}

static void
emit_unique_get(FILE *f, const struct tbl_table *t, const struct tbl_index *x)
{
    fprintf(f,
                "static inline const struct %s_row *\n"
                "%s_%s_get(struct txn *txn",
                t->name, t->name, x->name);
    for (unsigned i = 0; i < x->n_columns; i++) {
        const struct tbl_column *c = &t->columns[x->columns[i]];

        fprintf(f, ", %s%s_", c_types[c->type], c->name);
    }
    fprintf(f, ")\n{\n    return store_get_unique(txn, &%s_%s, STORE_KEYS(", t->name,
                x->name);
    for (unsigned i = 0; i < x->n_columns; i++)
        fprintf(f, "%s%s_", i ? ", " : "", t->columns[x->columns[i]].name);
    fputs("));\n}\n\n", f);
}

void
emit_header(FILE *f, const struct tbl_file *file)
{
    fprintf(f, "/* Made by tblgen from %s.tbl. */\n#pragma once\n\n", file->name);
    fputs("#include \"store/store.h\"\n\n", f);
    for (unsigned i = 0; i < file->n_tables; i++) {
        const struct tbl_table *t = &file->tables[i];

        emit_row(f, t);
        emit_wrappers(f, t);
        emit_index_wrappers(f, t, "by_key");
        for (unsigned j = 0; j < t->n_indexes; j++) {
            emit_index_wrappers(f, t, t->indexes[j].name);
            if (t->indexes[j].unique)
                emit_unique_get(f, t, &t->indexes[j]);
        }
    }
}

static void
emit_columns(FILE *f, const struct tbl_table *t)
{
    fprintf(f, "static const struct store_column %s_columns[] = {\n", t->name);
    for (unsigned i = 0; i < t->n_columns; i++) {
        const struct tbl_column *c = &t->columns[i];

        fprintf(f,
                    "    {\"%s\", %s, offsetof(struct %s_row, %s),\n"
                    "     \"ALTER TABLE \\\"%s\\\" ADD COLUMN \\\"%s\\\" %s\"},\n",
                    c->name, enum_names[c->type], t->name, c->name, t->name, c->name,
                    sql_types[c->type]);
    }
    fputs("};\n\n", f);
}

/* The key comes first among the indexes, as by_key. */
static void
emit_index(FILE *f, const struct tbl_table *t, unsigned number)
{
    const struct tbl_index by_key = {.name = "by_key", .n_columns = 1, .columns = {t->key}};
    const struct tbl_index *x = number ? &t->indexes[number - 1] : &by_key;
    bool has_key = false;

    fprintf(f,
                "const struct store_index %s_%s = {\n"
                "    .name = \"%s\", .table = &%s_table, .number = %u, .unique = %s,\n"
                "    .n_columns = %u, .columns = {",
                t->name, x->name, x->name, t->name, number, x->unique ? "true" : "false",
                x->n_columns);
    for (unsigned i = 0; i < x->n_columns; i++) {
        fprintf(f, "%s%d", i ? ", " : "", x->columns[i]);
        has_key |= x->columns[i] == t->key;
    }
    if (!has_key)
        fprintf(f, ", %d", t->key);
    fprintf(f, "}, .n_sorted = %u,\n};\n\n", x->n_columns + !has_key);
}

static void
emit_sql(FILE *f, const struct tbl_table *t)
{
    fprintf(f, "    .sql_create = \"CREATE TABLE \\\"%s\\\" (_row INTEGER PRIMARY KEY\"",
                t->name);
    for (unsigned i = 0; i < t->n_columns; i++) {
        const struct tbl_column *c = &t->columns[i];

        fprintf(f, "\n        \", \\\"%s\\\" %s\"", c->name,
                    (int)i == t->key ? "TEXT NOT NULL" : sql_types[c->type]);
    }
    fprintf(f, "\n        \")\",\n    .sql_put = \"INSERT INTO \\\"%s\\\" (_row", t->name);
    for (unsigned i = 0; i < t->n_columns; i++)
        fprintf(f, ", \\\"%s\\\"", t->columns[i].name);
    fputs(") VALUES (?", f);
    for (unsigned i = 0; i < t->n_columns; i++)
        fputs(", ?", f);
    /* The key of a row never changes; older databases have a UNIQUE index of it. */
    fputs(")\"\n        \" ON CONFLICT (_row) DO ", f);
    for (unsigned i = 0, n = 0; i < t->n_columns; i++)
        if ((int)i != t->key)
            fprintf(f, "%s\\\"%s\\\" = excluded.\\\"%s\\\"", n++ ? ", " : "UPDATE SET ",
                        t->columns[i].name, t->columns[i].name);
    fprintf(f, "%s\",\n    .sql_delete = \"DELETE FROM \\\"%s\\\" WHERE _row = ?\",\n",
                t->n_columns == 1 ? "NOTHING" : "", t->name);
    fputs("    .sql_load = \"SELECT _row", f);
    for (unsigned i = 0; i < t->n_columns; i++)
        fprintf(f, ", \\\"%s\\\"", t->columns[i].name);
    fprintf(f, " FROM \\\"%s\\\" ORDER BY _row\",\n", t->name);
}

static void
emit_table(FILE *f, const struct tbl_table *t)
{
    bool has_secrets = false;

    for (unsigned i = 0; i < t->n_columns; i++)
        has_secrets |= t->columns[i].type == TYPE_SECRET;
    emit_columns(f, t);
    for (unsigned i = 0; i <= t->n_indexes; i++)
        emit_index(f, t, i);
    fprintf(f, "static const struct store_index *const %s_indexes[] = {\n    &%s_by_key,\n",
                t->name, t->name);
    for (unsigned i = 0; i < t->n_indexes; i++)
        fprintf(f, "    &%s_%s,\n", t->name, t->indexes[i].name);
    fprintf(f,
                "};\n\n"
                "const struct store_table %s_table = {\n"
                "    .name = \"%s\", .version = %d, .key = %d,\n"
                "    .n_columns = %u, .columns = %s_columns,\n"
                "    .n_indexes = %u, .indexes = %s_indexes,\n"
                "    .row_bytes = sizeof(struct %s_row), .has_secrets = %s,\n",
                t->name, t->name, t->version, t->key, t->n_columns, t->name, t->n_indexes + 1,
                t->name, t->name, has_secrets ? "true" : "false");
    emit_sql(f, t);
    fputs("};\n\n", f);
}

void
emit_source(FILE *f, const struct tbl_file *file)
{
    fprintf(f,
                "/* Made by tblgen from %s.tbl. */\n"
                "#include \"%s_rows.h\"\n\n"
                "_Static_assert(STORE_COLUMNS_MAX >= %d && STORE_INDEX_COLUMNS_MAX >= %d,\n"
                "               \"tblgen allows more than the store\");\n\n",
                file->name, file->name, COLUMNS_MAX, INDEX_COLUMNS_MAX);
    for (unsigned i = 0; i < file->n_tables; i++)
        emit_table(f, &file->tables[i]);
}
