/*
 * Opening: who may, which schemas, and secrets.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/store_fixture.h"

static char *
in_dir(const char *name)
{
    return str_cstr(test_arena(), str_fmt(test_arena(), "%s/%s", test_dir(), name));
}

/* Does to the database what a newer daemon, or a finger, might have done. */
static void
tamper(const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    CHECK_INT(sqlite3_open(in_dir("welkin.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        FAIL("%s: %s", sql, message);
    sqlite3_close(db);
}

static void
make_database(const struct store_config *config)
{
    struct store *store = fixture_open(config);
    struct st_thing_row row = thing("i-1", "1", 5);
    struct st_credential_row secret = {.id = S("ak-1"), .owner = S("me"),
                                       .secret = S("wJalrXUtnFEMI/K7MDENG")};
    struct txn *txn;

    row.token = S("t");
    put(store, &row);
    txn = store_begin(store);
    CHECK_INT(st_credential_insert(txn, &secret), 0);
    store_commit(txn);
    fixture_check(store);
    store_close(store);
}

static void
check_mode(const char *name, unsigned mode)
{
    struct stat st;

    CHECK_INT(stat(in_dir(name), &st), 0);
    CHECK_INT(st.st_mode & 07777, mode);
}

TEST(the_database_and_the_key_are_for_the_owner_only)
{
    struct store_config config = fixture_real(true);
    struct store *store;
    struct st_thing_row row = thing("i-1", "1", 1);

    umask(0);
    config.dir = in_dir("new");
    store = fixture_open(&config);
    put(store, &row);
    CHECK_INT(store_flush(store), 0);
    check_mode("new", 0700);
    check_mode("new/welkin.db", 0600);
    check_mode("new/welkin.db-wal", 0600);
    check_mode("new/journal.0", 0600);
    check_mode("new/journal.1", 0600);
    check_mode("new/root.key", 0600);
    check_mode("new/welkin.lock", 0600);
    store_close(store);
    CHECK_INT(chmod(in_dir("new/root.key"), 0640), 0);
    fixture_refused(&config, EPERM, "root.key may be read by others");
}

TEST(a_second_daemon_on_the_same_data_is_refused)
{
    struct store_config config = fixture_real(true);
    struct store *store = fixture_open(&config);
    int status;

    fixture_refused(&config, EBUSY,
                    str_cstr(test_arena(), str_fmt(test_arena(), "process %d", (int)getpid())));
    if (fork() == 0) {
        fixture_refused(&config, EBUSY, "another daemon");
        _exit(0);
    }
    wait(&status);
    CHECK_INT(status, 0);
    store_close(store);
    store = fixture_open(&config);
    store_close(store);
}

TEST(a_new_column_is_added_with_its_default)
{
    struct store_config config = fixture_real(false);
    struct store *store;
    struct txn *txn;
    const struct st_thing_row *row;

    make_database(&config);
    tamper("ALTER TABLE st_thing DROP COLUMN tags; ALTER TABLE st_thing DROP COLUMN state;"
           "ALTER TABLE st_thing DROP COLUMN data; ALTER TABLE st_thing DROP COLUMN region;"
           "ALTER TABLE st_credential DROP COLUMN secret");
    store = fixture_open(&config);
    txn = store_begin(store);
    row = st_thing_get(txn, S("i-1"));
    CHECK(row && row->tags.n == 0 && row->state == 0 && row->data.n == 0 && row->region.n == 0);
    CHECK_STR(row->token, "t");
    CHECK_INT(st_credential_get(txn, S("ak-1"))->secret.n, 0);
    store_rollback(txn);
    fixture_check(store);
    store_close(store);
}

TEST(a_table_that_is_new_is_made)
{
    struct store_config config = fixture_real(false);

    config.n_tables = 1;
    store_close(fixture_open(&config));
    config.n_tables = 2;
    make_database(&config);
}

TEST(what_a_newer_daemon_wrote_is_refused)
{
    struct store_config config = fixture_real(false);

    make_database(&config);
    tamper("ALTER TABLE st_thing ADD COLUMN colour TEXT");
    fixture_refused(&config, EPROTO, "newer Welkin: table st_thing has a column colour");
    tamper("ALTER TABLE st_thing DROP COLUMN colour");
    tamper("UPDATE welkin_meta SET version = 2 WHERE name = 'st_thing'");
    fixture_refused(&config, EPROTO, "newer Welkin: table st_thing has version 2");
    tamper("UPDATE welkin_meta SET version = 1");
    config.n_tables = 1;
    fixture_refused(&config, EPROTO, "newer Welkin: it has a table st_credential");
    config.n_tables = 2;
    store_close(fixture_open(&config));
}

static int
rename_states(sqlite3 *db)
{
    return sqlite3_exec(db, "UPDATE st_thing SET state = state + 100", NULL, NULL, NULL);
}

static int
break_down(sqlite3 *db)
{
    return sqlite3_exec(db, "UPDATE st_thing SET state = 1; SELECT no_such_column FROM st_thing",
                        NULL, NULL, NULL);
}

TEST(an_older_table_is_migrated_step_by_step_or_left_alone)
{
    struct store_config config = fixture_real(false);
    struct store_table newer = st_thing_table;
    const struct store_table *const tables[] = {&newer, &st_credential_table};
    struct store_migration migrations[] = {
        {"st_thing", 1, rename_states}, {"st_thing", 2, break_down}, {NULL, 0, NULL}};
    struct store *store;
    struct txn *txn;
    const struct st_thing_row *row;

    make_database(&config);
    config.tables = tables;
    newer.version = 3;
    fixture_refused(&config, EPROTO, "no way from version 1 of table st_thing to 2");
    config.migrations = migrations;
    fixture_refused(&config, EIO, "no_such_column"); /* all of it is undone */
    migrations[1].fn = rename_states;
    store = fixture_open(&config);
    txn = store_begin(store);
    row = store_get(txn, &newer, S("i-1"));
    CHECK(row && row->state == 200);
    store_rollback(txn);
    store_close(store);
    store = fixture_open(&config); /* once only */
    txn = store_begin(store);
    row = store_get(txn, &newer, S("i-1"));
    CHECK(row && row->state == 200);
    store_rollback(txn);
    store_close(store);
}

TEST(a_database_of_another_program_is_not_touched)
{
    struct store_config config = fixture_real(false);

    tamper("CREATE TABLE mine (a)");
    fixture_refused(&config, EPROTO, "another program");
    tamper("DROP TABLE mine; PRAGMA application_id = 77");
    fixture_refused(&config, EPROTO, "another program");
    tamper("PRAGMA application_id = 0; VACUUM");
    store_close(fixture_open(&config));
}

TEST(damage_is_named)
{
    struct store_config config = fixture_real(false);

    make_database(&config);
    tamper("UPDATE st_thing SET state = 'running'");
    fixture_refused(&config, EUCLEAN, "table st_thing, row 1, column state");
    tamper("UPDATE st_thing SET state = 1, tags = '[\"a\"'");
    fixture_refused(&config, EUCLEAN, "table st_thing, row 1, column tags");
    tamper("UPDATE st_thing SET tags = '[]', optimized = 2");
    fixture_refused(&config, EUCLEAN, "table st_thing, row 1, column optimized");
    tamper("UPDATE st_thing SET optimized = 0; INSERT INTO st_thing (id, account, token)"
           "VALUES ('i-2', '1', 't')");
    fixture_refused(&config, EUCLEAN, "row 2 is twice in by_token");
    tamper("UPDATE st_thing SET tags = ' [ \"a\" , \"\\u0041\\n\" ] ', token = id");
    store_close(fixture_open(&config));
    CHECK_INT(truncate(in_dir("welkin.db"), 5000), 0);
    fixture_refused(&config, EIO, "malformed");
}

static bool
on_disk(const char *text)
{
    static const char *const files[] = {"welkin.db", "welkin.db-wal", "journal.0", "journal.1"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct str all = STR_NONE;

        if (access(in_dir(files[i]), R_OK) == 0)
            all = test_read_file(in_dir(files[i]));
        if (str_find(all, str_from(text)) != SIZE_MAX)
            return true;
    }
    return false;
}

TEST(a_secret_is_never_on_disk_in_plain)
{
    struct store_config config = fixture_real(true);
    struct store *store = fixture_open(&config);
    struct st_credential_row row = {.id = S("ak-1"), .owner = S("a plain owner"),
                                    .secret = S("wJalrXUtnFEMI/K7MDENG/bPxRfiCY")};
    struct txn *txn = store_begin(store);

    CHECK_INT(st_credential_insert(txn, &row), 0);
    store_commit(txn);
    CHECK_INT(store_flush(store), 0);
    CHECK(on_disk("a plain owner"));
    CHECK(!on_disk("wJalrXUtnFEMI") && !on_disk("bPxRfiCY"));
    fixture_check(store);
    store_close(store);
    CHECK(on_disk("a plain owner"));
    CHECK(!on_disk("wJalrXUtnFEMI"));
    store = fixture_open(&config);
    txn = store_begin(store);
    CHECK_STR(st_credential_get(txn, S("ak-1"))->secret, "wJalrXUtnFEMI/K7MDENG/bPxRfiCY");
    store_commit(txn);
    store_close(store);
}

TEST(without_the_key_that_sealed_its_secrets_the_store_does_not_open)
{
    struct store_config config = fixture_real(false);
    uint8_t other[STORE_ROOT_KEY_BYTES] = {1};
    int fd;

    make_database(&config);
    CHECK_INT(rename(in_dir("root.key"), in_dir("kept.key")), 0);
    fixture_refused(&config, ENOKEY, "root.key is missing");
    CHECK_INT(access(in_dir("root.key"), F_OK), -1); /* and no new one is made */
    config.root_key = other;
    fixture_refused(&config, ENOKEY, "root.key is not the key");
    config.root_key = NULL;
    fd = open(in_dir("root.key"), O_WRONLY | O_CREAT, 0600);
    CHECK_INT(write(fd, "short", 5), 5);
    close(fd);
    fixture_refused(&config, EUCLEAN, "does not hold 32 bytes");
    CHECK_INT(rename(in_dir("kept.key"), in_dir("root.key")), 0);
    store_close(fixture_open(&config));
}

TEST(a_sealed_value_opens_in_its_own_row_only)
{
    struct store_config config = fixture_real(false);
    struct st_credential_row row = {.id = S("ak-2"), .owner = S("x"), .secret = S("another")};
    struct store *store;
    struct txn *txn;

    make_database(&config);
    store = fixture_open(&config);
    txn = store_begin(store);
    CHECK_INT(st_credential_insert(txn, &row), 0);
    store_commit(txn);
    store_close(store);
    tamper("UPDATE st_credential SET secret = (SELECT secret FROM st_credential WHERE id = 'ak-1')"
           "WHERE id = 'ak-2'");
    fixture_refused(&config, ENOKEY, "column secret of table st_credential (row 2)");
}

/* The generator stands beside the test binary, in tools/. */
static int
generate(const char *text, struct str *ret_said)
{
    char self[4096], said[1024];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 32);
    int fds[2], status;
    FILE *f;

    CHECK(n > 0);
    self[n] = '\0';
    snprintf(strrchr(self, '/'), 32, "/tools/tblgen");
    if (access(self, X_OK) < 0)
        SKIP("%s is not built", self);
    f = fopen(in_dir("x.tbl"), "w");
    CHECK(f && fputs(text, f) >= 0);
    fclose(f);
    CHECK_INT(pipe(fds), 0);
    if (fork() == 0) {
        dup2(fds[1], 2);
        if (chdir(test_dir()) == 0)
            execl(self, "tblgen", "x.tbl", ".", NULL);
        _exit(9);
    }
    close(fds[1]);
    f = fdopen(fds[0], "r");
    CHECK(f);
    n = (ssize_t)fread(said, 1, sizeof(said), f);
    fclose(f);
    wait(&status);
    *ret_said = str_dup(test_arena(), str_trim(str_of(said, (size_t)n)));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(the_generator_names_each_mistake_and_its_line)
{
    static const char *const bad[][2] = {
        {"id str key\n", "x.tbl:1: the first word must be table"},
        {"table a\n  x int\n", "x.tbl:1: table a has no key"},
        {"table a\n id str key\n id int\n", "x.tbl:3: column id is there twice"},
        {"table a\n id int key\n", "x.tbl:2: a key must be str"},
        {"table a\n id str key\n b str key\n", "x.tbl:3: a second key"},
        {"table a\n id text key\n",
         "x.tbl:2: text is no type: str int bool strs blob secret"},
        {"table a\n id str key # x\n index by_b b\n", "x.tbl:3: no column b above this line"},
        {"table a\n id str key\n t strs\n index by_t t\n",
         "x.tbl:4: t is strs: only str, int and bool have an order"},
        {"table a\n id str key\n\n unique by_id id\n",
         "x.tbl:1: unique by_id holds the key, which is unique alone"},
        {"table a\n id str key\n index by_key id\n", "x.tbl:3: by_key is there by itself"},
        {"table A\n", "x.tbl:1: A is no name: small letters, digits and _ only"},
        {"table a\n while str key\n", "x.tbl:2: while is a word of C or of this grammar"},
        {"table a\n id str key more\n", "x.tbl:2: unexpected more"},
        {"table a\n id str key\ntable a\n", "x.tbl:3: table a is there twice"},
        {"table welkin_meta\n", "x.tbl:1: names that begin with sqlite_ or welkin_ are taken"},
        {"table a\n version 0\n", "x.tbl:2: a version is a number from 1 on"},
    };
    struct str said;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_INT(generate(bad[i][0], &said), 1);
        CHECK_STR(said, bad[i][1]);
    }
    CHECK_INT(access(in_dir("x_rows.c"), F_OK), -1);
    CHECK_INT(generate("table a # */ x\n id str key\n", &said), 0);
    CHECK_STR(said, "");
    CHECK(str_find(test_read_file(in_dir("x_rows.h")), S("/* * x */")) != SIZE_MAX);
}
