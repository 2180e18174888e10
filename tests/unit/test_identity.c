/* Identity documents: signed by us, verified by the openssl command line as AWS documents it. */
#include "codec/identity.h"

#include "harness/world.h"
#include "store/keys.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPENSSL "/usr/bin/openssl"
#define NOW_MS INT64_C(1795000000000)
#define DOCUMENT S("{\n  \"instanceId\" : \"i-0123456789abcdef0\"\n}")

static struct str keys, certificates;

static struct identity *
open_identity(void)
{
    struct identity *id;

    CHECK_INT(identity_make(test_arena(), NOW_MS, &keys, &certificates), 0);
    CHECK_INT(identity_open(&id, keys, certificates), 0);
    return id;
}

static void
write_file(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
    close(fd);
}

static struct str
read_file(const char *path)
{
    static char text[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;

    CHECK(n >= 0);
    close(fd);
    return str_dup(test_arena(), str_of(text, (size_t)n));
}

/* Runs `openssl WORDS` in the test's folder; whether it ended well. */
static bool
openssl(const char *words)
{
    char *argv[24] = {(char *)"openssl"};
    char *env[] = {NULL};
    struct str rest = str_from(words);
    posix_spawn_file_actions_t actions;
    size_t n = 1;
    int status;
    pid_t pid;

    if (access(OPENSSL, X_OK) != 0)
        SKIP("there is no %s", OPENSSL);
    while (rest.p && n + 1 < ARRAY_LEN(argv))
        argv[n++] = str_cstr(test_arena(), str_split(&rest, ' '));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, "errors", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(posix_spawn(&pid, OPENSSL, &actions, NULL, argv, env) == 0);
    posix_spawn_file_actions_destroy(&actions);
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The n-th certificate alone. */
static struct str
certificate(enum identity_kind kind)
{
    const struct str end = S("-----END CERTIFICATE-----\n");
    struct str rest = certificates, one = STR_NONE;

    for (unsigned i = 0; i <= (unsigned)kind; i++) {
        size_t at = str_find(rest, end);

        CHECK(at != SIZE_MAX);
        one = str_cut(rest, 0, at + end.n);
        rest = str_cut(rest, at + end.n, rest.n);
    }
    return one;
}

static void
enter_folder(void)
{
    static char folder[] = "/tmp/welkin-identity-XXXXXX";

    CHECK(mkdtemp(folder) && chdir(folder) == 0);
}

static void
leave_folder(void)
{
    static const char *const files[] = {"pkcs7", "certificate", "document", "signature",
                                        "key",   "out",         "errors"};
    char here[256];

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(files[i]);
    CHECK(getcwd(here, sizeof(here)) && chdir("/") == 0);
    rmdir(here);
}

/* AWS's steps for pkcs7 and rsa2048, to the letter. */
static void
verify_pkcs7(struct identity *id, enum identity_kind kind)
{
    struct str signature = identity_sign(id, test_arena(), kind, DOCUMENT, NOW_MS);

    CHECK(signature.n > 0 && signature.p[signature.n - 1] != '\n');
    write_file("pkcs7", str_fmt(test_arena(), "-----BEGIN PKCS7-----\n%.*s\n-----END PKCS7-----\n",
                                STR_ARG(signature)));
    write_file("certificate", certificate(kind));
    if (!openssl("smime -verify -in pkcs7 -inform PEM -certfile certificate -noverify -out out"))
        FAIL("%d: %.*s", kind, STR_ARG(read_file("errors")));
    CHECK(str_eq(read_file("out"), DOCUMENT));
    /* under another certificate it is worth nothing */
    write_file("certificate",
               certificate(kind == IDENTITY_PKCS7 ? IDENTITY_RSA2048 : IDENTITY_PKCS7));
    CHECK(!openssl("smime -verify -in pkcs7 -inform PEM -certfile certificate -noverify -out out"));
}

TEST(openssl_verifies_what_the_cloud_signed)
{
    struct identity *id = open_identity();
    struct str signature = identity_sign(id, test_arena(), IDENTITY_SIGNATURE, DOCUMENT, NOW_MS);
    struct str raw;

    enter_folder();
    verify_pkcs7(id, IDENTITY_PKCS7);
    verify_pkcs7(id, IDENTITY_RSA2048);
    CHECK(str_unbase64(test_arena(), signature, &raw));
    CHECK_INT(raw.n, 128);
    write_file("signature", raw);
    write_file("document", DOCUMENT);
    write_file("certificate", certificate(IDENTITY_SIGNATURE));
    CHECK(openssl("x509 -pubkey -noout -in certificate -out key"));
    CHECK(openssl("dgst -sha256 -verify key -signature signature -out out document"));
    write_file("document", S("{}"));
    CHECK(!openssl("dgst -sha256 -verify key -signature signature -out out document"));
    leave_folder();
    identity_free(id);
}

TEST(certificates_hold_from_the_clouds_time_on_and_never_end)
{
    struct identity *id = open_identity();

    enter_folder();
    for (enum identity_kind kind = 0; kind < IDENTITY_KINDS; kind++) {
        write_file("certificate", certificate(kind));
        CHECK(openssl("x509 -noout -text -in certificate -out out"));
        struct str text = read_file("out");
        CHECK(str_find(text, S("Not Before: Nov 18 11:06:40 2026 GMT")) != SIZE_MAX);
        CHECK(str_find(text, S("Not After : Dec 31 23:59:59 9999 GMT")) != SIZE_MAX);
        CHECK(str_find(text, S("O = Welkin")) != SIZE_MAX ||
              str_find(text, S("O=Welkin")) != SIZE_MAX);
    }
    leave_folder();
    identity_free(id);
}

TEST(a_signature_is_of_one_document_under_one_key)
{
    struct identity *id = open_identity(), *other;
    struct arena *a = test_arena();
    struct str signature = identity_sign(id, a, IDENTITY_SIGNATURE, DOCUMENT, NOW_MS);

    CHECK(identity_verify(id, a, DOCUMENT, signature));
    CHECK(str_eq(signature, identity_sign(id, a, IDENTITY_SIGNATURE, DOCUMENT, NOW_MS + 1)));
    /* CFN_V1 sends it in one line */
    struct str line = S("");
    for (struct str rest = signature; rest.p;)
        line = str_cat(a, line, str_split(&rest, '\n'));
    CHECK(line.n < signature.n && identity_verify(id, a, DOCUMENT, line));
    CHECK(!identity_verify(id, a, S("{\n  \"instanceId\" : \"i-0123456789abcdef1\"\n}"), line));
    CHECK(!identity_verify(id, a, S(""), line));
    CHECK(!identity_verify(id, a, DOCUMENT, S("")));
    CHECK(!identity_verify(id, a, DOCUMENT, S("no base64!")));
    CHECK(!identity_verify(id, a, DOCUMENT, str_cut(line, 0, line.n - 4)));
    char *changed = str_cstr(a, line);
    for (size_t i = 0; i + 2 < line.n; i += 7) {
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        CHECK(!identity_verify(id, a, DOCUMENT, str_of(changed, line.n)));
        changed[i] = line.p[i];
    }
    struct str more = str_fmt(a, "%.*s%*s", STR_ARG(line), 2000, "");
    CHECK(!identity_verify(id, a, DOCUMENT, more));
    other = open_identity();
    CHECK(!identity_verify(other, a, DOCUMENT, signature));
    identity_free(other);
    identity_free(id);
}

TEST(what_was_signed_once_is_given_again_and_not_mixed_up)
{
    struct identity *id = open_identity();
    struct arena *a = test_arena();
    struct str first = identity_sign(id, a, IDENTITY_PKCS7, DOCUMENT, NOW_MS);

    /* DSA is never twice the same by itself */
    CHECK(str_eq(identity_sign(id, a, IDENTITY_PKCS7, DOCUMENT, NOW_MS + 5000), first));
    CHECK(!str_eq(identity_sign(id, a, IDENTITY_RSA2048, DOCUMENT, NOW_MS), first));
    for (int i = 0; i < 3000; i++) {
        struct str document = str_fmt(a, "{\n  \"n\" : %d\n}", i);

        CHECK(identity_verify(id, a, document,
                              identity_sign(id, a, IDENTITY_SIGNATURE, document, NOW_MS)));
    }
    CHECK(identity_verify(id, a, DOCUMENT,
                          identity_sign(id, a, IDENTITY_SIGNATURE, DOCUMENT, NOW_MS)));
    identity_free(id);
}

TEST(keys_that_are_damaged_are_not_opened)
{
    struct identity *id = open_identity();
    struct str first_keys = keys, first_certificates = certificates;

    identity_free(id);
    CHECK_INT(identity_open(&id, S(""), S("")), -EBADMSG);
    CHECK_INT(identity_open(&id, first_keys, S("")), -EBADMSG);
    CHECK_INT(identity_open(&id, str_cut(first_keys, 0, first_keys.n / 2), certificates), -EBADMSG);
    CHECK_INT(identity_open(&id, first_keys, str_cut(certificates, 0, certificates.n / 2)),
              -EBADMSG);
    CHECK_INT(identity_open(&id, str_fmt(test_arena(), "%20000s", ""), certificates), -EBADMSG);
    /* keys of one cloud with the certificates of another */
    id = open_identity();
    identity_free(id);
    CHECK_INT(identity_open(&id, first_keys, certificates), -EBADMSG);
    CHECK_INT(identity_open(&id, keys, first_certificates), -EBADMSG);
}

TEST(the_cloud_keeps_what_it_signs_with)
{
    struct world *w = world_new();
    struct identity *id;

    CHECK_INT(store_identity_load(cloud_store(w->cloud), &w->env.env, &id), 0);
    struct str signature =
        identity_sign(id, test_arena(), IDENTITY_SIGNATURE, DOCUMENT, w->env.now_ms);
    struct txn *txn = world_begin(w);
    struct str made = str_dup(test_arena(), store_identity_certificates(txn));
    store_rollback(txn);
    CHECK(str_starts(made, S("-----BEGIN CERTIFICATE-----\n")));
    identity_free(id);
    world_flush(w);
    world_crash(w);
    CHECK_INT(store_identity_load(cloud_store(w->cloud), &w->env.env, &id), 0);
    CHECK(identity_verify(id, test_arena(), DOCUMENT, signature));
    identity_free(id);
    txn = world_begin(w);
    CHECK(str_eq(store_identity_certificates(txn), made));
    store_rollback(txn);
    world_free(w);
}
