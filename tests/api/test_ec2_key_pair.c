/* Key pairs: keys that OpenSSH reads, fingerprints that AWS shows. */
#include "codec/crypto.h"
#include "harness/world.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SSH_KEYGEN "/usr/bin/ssh-keygen"

static void
write_file(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0400);

    CHECK(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
    close(fd);
}

/* What `ssh-keygen ARGS` prints, its first line. */
static struct str
ssh_keygen(const char *const *args)
{
    static char out[4096];
    char *argv[16] = {(char *)"ssh-keygen"};
    char *env[] = {NULL};
    posix_spawn_file_actions_t actions;
    int fds[2], status;
    pid_t pid;
    size_t n = 0;
    ssize_t got;

    if (access(SSH_KEYGEN, X_OK) != 0)
        SKIP("there is no %s", SSH_KEYGEN);
    for (size_t i = 0; args[i]; i++)
        argv[i + 1] = (char *)args[i];
    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    CHECK(posix_spawn(&pid, SSH_KEYGEN, &actions, NULL, argv, env) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    while ((got = read(fds[0], out + n, sizeof(out) - n)) > 0)
        n += (size_t)got;
    close(fds[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        FAIL("ssh-keygen failed: %.*s", (int)n, out);
    return str_of(out, MIN(n, str_find_char(str_of(out, n), '\n')));
}

static struct str
describe(struct world *w, const char *name)
{
    return world_callf(w, "Action=DescribeKeyPairs&KeyName.1=%s&IncludePublicKey=true", name);
}

static struct str
import(struct world *w, const char *name, struct str material)
{
    struct str code = world_code(w, str_base64(test_arena(), material));

    return world_callf(w, "Action=ImportKeyPair&KeyName=%s&PublicKeyMaterial=%.*s", name,
                       STR_ARG(code));
}

/* The private key as ssh reads it has the public key that the cloud keeps. */
static void
check_readable(struct world *w, const char *name, struct str made)
{
    const char *path = test_fmt("%s/key", test_dir());
    struct str kept = xml_text(describe(w, name), "publicKey");

    write_file(path, xml_text(made, "keyMaterial"));
    struct str public = ssh_keygen((const char *const[]){"-y", "-f", path, NULL});
    struct str type = str_split(&public, ' '), blob = str_split(&public, ' ');

    CHECK(str_starts(kept,
                     str_fmt(test_arena(), "%.*s %.*s %s", STR_ARG(type), STR_ARG(blob), name)));
    unlink(path);
}

TEST(an_rsa_key_is_made_that_openssh_reads, "SSH-01")
{
    struct world *w = world_new();
    struct str made =
        world_ok(w, "Action=CreateKeyPair&KeyName=mine&"
                    "TagSpecification.1.ResourceType=key-pair&"
                    "TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=x");
    struct str fingerprint = xml_text(made, "keyFingerprint");

    CHECK(str_starts(xml_text(made, "keyPairId"), S("key-0")));
    CHECK(str_starts(xml_text(made, "keyMaterial"), S("-----BEGIN RSA PRIVATE KEY-----\n")));
    CHECK(str_ends(xml_text(made, "keyMaterial"), S("\n-----END RSA PRIVATE KEY-----")));
    CHECK_INT(fingerprint.n, 20 * 3 - 1);
    CHECK_STR(xml_text(xml_element(made, "tagSet"), "value"), "x");
    check_readable(w, "mine", made);
    struct str seen = describe(w, "mine");

    CHECK_STR(xml_text(seen, "keyType"), "rsa");
    CHECK(str_eq(xml_text(seen, "keyFingerprint"), fingerprint));
    CHECK(str_eq(xml_text(seen, "keyPairId"), xml_text(made, "keyPairId")));
    CHECK(!xml_text(world_ok(w, "Action=DescribeKeyPairs"), "publicKey").p);
    CHECK(str_starts(xml_text(seen, "createTime"), S("20")));
    world_free(w);
}

/* SHA-1 of the private key as PKCS#8: a fixed head for 2,048 bits, then the PKCS#1 of the PEM. */
TEST(the_fingerprint_of_a_made_rsa_key_is_that_of_its_pkcs8)
{
    struct world *w = world_new();
    struct str made = world_ok(w, "Action=CreateKeyPair&KeyName=mine");
    struct str pem = xml_text(made, "keyMaterial"), der;
    size_t head = strlen("-----BEGIN RSA PRIVATE KEY-----");
    size_t tail = strlen("-----END RSA PRIVATE KEY-----");
    uint8_t digest[SHA1_LEN];

    CHECK(str_unbase64(test_arena(), str_cut(pem, head, pem.n - tail), &der));
    CHECK(der.n > 1000 && der.n < 2000);
    struct str pkcs8;
    unsigned all = (unsigned)der.n + 22;

    CHECK(str_unhex(test_arena(),
                    str_fmt(test_arena(), "3082%04x020100300d06092a864886f70d01010105000482%04x",
                            all, (unsigned)der.n),
                    &pkcs8));
    pkcs8 = str_cat(test_arena(), pkcs8, der);
    crypto_digest(CRYPTO_SHA1, pkcs8.p, pkcs8.n, digest);
    struct str hex = str_hex(test_arena(), digest, sizeof(digest));
    struct str shown = xml_text(made, "keyFingerprint");

    for (size_t i = 0; i < sizeof(digest); i++)
        CHECK(str_eq(str_cut(shown, 3 * i, 3 * i + 2), str_cut(hex, 2 * i, 2 * i + 2)));
    world_free(w);
}

TEST(an_ed25519_key_is_made_that_openssh_reads, "SSH-01")
{
    struct world *w = world_new();
    struct str made = world_ok(w, "Action=CreateKeyPair&KeyName=ed&KeyType=ed25519");

    CHECK(str_starts(xml_text(made, "keyMaterial"), S("-----BEGIN OPENSSH PRIVATE KEY-----\n")));
    CHECK_INT(xml_text(made, "keyFingerprint").n, 44);
    CHECK(str_ends(xml_text(made, "keyFingerprint"), S("=")));
    check_readable(w, "ed", made);

    const char *path = test_fmt("%s/ed.pub", test_dir());

    write_file(path, xml_text(describe(w, "ed"), "publicKey"));
    /* "256 SHA256:… ed (ED25519)": without the padding. */
    struct str shown = ssh_keygen((const char *const[]){"-l", "-f", path, NULL});
    struct str want = str_fmt(test_arena(), "256 SHA256:%.*s ed (ED25519)", 43,
                              xml_text(made, "keyFingerprint").p);

    CHECK(str_eq(shown, want));
    unlink(path);
    world_free(w);
}

TEST(a_putty_key_has_both_halves_and_a_mac)
{
    struct world *w = world_new();
    struct str ed = xml_text(
        world_ok(w, "Action=CreateKeyPair&KeyName=p&KeyType=ed25519&KeyFormat=ppk"), "keyMaterial");
    struct str rsa =
        xml_text(world_ok(w, "Action=CreateKeyPair&KeyName=q&KeyFormat=ppk"), "keyMaterial");
    struct str kept = xml_text(describe(w, "p"), "publicKey");
    struct str type = str_split(&kept, ' '), blob = str_split(&kept, ' ');

    CHECK_STR(type, "ssh-ed25519");
    CHECK(str_starts(ed, S("PuTTY-User-Key-File-2: ssh-ed25519\r\nEncryption: none\r\n"
                           "Comment: p\r\nPublic-Lines: 2\r\n")));
    CHECK(str_find(ed, str_cut(blob, 0, 64)) != SIZE_MAX);
    CHECK(str_find(ed, S("\r\nPrivate-Lines: 1\r\n")) != SIZE_MAX);
    CHECK(str_find(rsa, S("PuTTY-User-Key-File-2: ssh-rsa\r\n")) == 0);
    CHECK(str_find(rsa, S("\r\nPrivate-Lines: 14\r\n")) != SIZE_MAX);
    CHECK_INT(str_cut(ed, str_find(ed, S("Private-MAC: ")), ed.n).n, 13 + 40 + 2);
    world_free(w);
}

/* Keys of ssh-keygen and openssl; the fingerprints are those of `openssl … | openssl md5 -c` and
 * `ssh-keygen -l`. */
#include "test_ec2_key_pair_vectors.h"

TEST(public_keys_are_imported_in_every_form, "SSH-01")
{
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(import_vectors); i++) {
        const char *name = test_fmt("k%zu", i);
        struct str made = import(w, name, str_from(import_vectors[i].material));

        if (w->http != 200)
            FAIL("%s: HTTP %d: %.*s", import_vectors[i].what, w->http, STR_ARG(made));
        CHECK_STR(xml_text(made, "keyFingerprint"), import_vectors[i].fingerprint);
        CHECK_STR(xml_text(made, "keyName"), name);
        struct str kept = xml_text(describe(w, name), "publicKey");

        CHECK(str_starts(kept, str_from(import_vectors[i].line)));
        CHECK(str_ends(kept, str_fmt(test_arena(), " %s", name)));
        CHECK_STR(xml_text(describe(w, name), "keyType"), import_vectors[i].type);
    }
    world_free(w);
}

TEST(what_is_no_public_key_is_refused)
{
    static const char *const bad[] = {
        "",
        "hello",
        "ssh-rsa",
        "ssh-rsa AAAA",
        "ssh-dss AAAAB3NzaC1kc3MAAACBAO==",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== short",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIKzvfE+qS09w+okgrO0gY7jryF0lSCxdEO/O0UaUhuZe name",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzvfE+qS09w+okgrO0gY7jryF0lSCxdEO/O0UaUhuZe\nssh-rsa",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n",
        /* ECDSA: EC2 does not take it. */
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==",
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str xml = import(w, "bad", str_from(bad[i]));

        if (!bad[i][0]) {
            CHECK(w->http == 400);
            continue;
        }
        CHECK_FAULT(w, xml, "InvalidKey.Format");
        CHECK_STR(xml_text(xml, "Message"), "Key is not in valid OpenSSH public key format");
    }
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeKeyPairs"), "keyName"), 0);
    world_free(w);
}

TEST(bad_calls_of_key_pairs_name_their_fault)
{
    static const struct {
        const char *form, *code, *message;
    } bad[] = {
        {"Action=CreateKeyPair&KeyName=a&KeyType=ed25519", "InvalidKeyPair.Duplicate",
         "The keypair already exists"},
        {"Action=CreateKeyPair", "MissingParameter", NULL},
        {"Action=CreateKeyPair&KeyName=%20a", "InvalidParameterValue", NULL},
        {"Action=CreateKeyPair&KeyName=a%0Ab", "InvalidParameterValue", NULL},
        {"Action=CreateKeyPair&KeyName=b&KeyType=dsa", "InvalidParameterValue", NULL},
        {"Action=CreateKeyPair&KeyName=b&KeyType=ed25519&KeyFormat=der", "InvalidParameterValue",
         NULL},
        {"Action=CreateKeyPair&KeyName=b&KeyType=ed25519&TagSpecification.1.ResourceType=instance&"
         "TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v",
         "InvalidParameterValue",
         "'instance' is not a valid taggable resource type for this operation."},
        {"Action=CreateKeyPair&KeyName=b&KeyType=ed25519&DryRun=true", "DryRunOperation", NULL},
        {"Action=DescribeKeyPairs&KeyName.1=zz", "InvalidKeyPair.NotFound",
         "The key pair 'zz' does not exist"},
        {"Action=DescribeKeyPairs&KeyPairId.1=key-0123456789abcdef0", "InvalidKeyPair.NotFound",
         NULL},
        {"Action=DescribeKeyPairs&Filter.1.Name=colour&Filter.1.Value.1=x", "InvalidParameterValue",
         NULL},
        {"Action=DeleteKeyPair", "MissingParameter", NULL},
        {"Action=DeleteKeyPair&KeyName=a&KeyPairId=key-0123456789abcdef0",
         "InvalidParameterCombination", NULL},
    };
    struct world *w = world_new();

    world_ok(w, "Action=CreateKeyPair&KeyName=a&KeyType=ed25519");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refused(w, bad[i].code, bad[i].message, bad[i].form);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeKeyPairs"), "keyName"), 1);
    world_free(w);
}

TEST(key_pairs_are_filtered)
{
    static const struct {
        const char *filter;
        size_t n;
    } rows[] = {
        {"Filter.1.Name=key-name&Filter.1.Value.1=a*", 1},
        {"Filter.1.Name=key-name&Filter.1.Value.1=*", 2},
        {"Filter.1.Name=key-pair-id&Filter.1.Value.1=key-*", 2},
        {"Filter.1.Name=fingerprint&Filter.1.Value.1=x", 0},
        {"Filter.1.Name=fingerprint&Filter.1.Value.1=*=", 2},
        {"Filter.1.Name=tag%3Ateam&Filter.1.Value.1=red", 1},
        {"Filter.1.Name=tag-key&Filter.1.Value.1=team", 1},
        {"KeyName.1=beta", 1},
        {"KeyName.1=beta&Filter.1.Name=key-name&Filter.1.Value.1=alpha", 0},
    };
    struct world *w = world_new();

    world_ok(w, "Action=CreateKeyPair&KeyName=alpha&KeyType=ed25519&"
                "TagSpecification.1.ResourceType=key-pair&TagSpecification.1.Tag.1.Key=team&"
                "TagSpecification.1.Tag.1.Value=red");
    world_ok(w, "Action=CreateKeyPair&KeyName=beta&KeyType=ed25519");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str xml = world_callf(w, "Action=DescribeKeyPairs&%s", rows[i].filter);

        if (w->http != 200 || xml_count(xml, "keyName") != rows[i].n)
            FAIL("%s: %.*s", rows[i].filter, STR_ARG(xml));
    }
    world_free(w);
}

TEST(key_pairs_belong_to_an_account_and_region_and_survive_a_crash, "REG-01 REG-03")
{
    struct world *w = world_new();
    struct str made = world_ok(w, "Action=CreateKeyPair&KeyName=mine&KeyType=ed25519");
    struct str id = xml_text(made, "keyPairId");

    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeKeyPairs"), "keyName"), 0);
    world_ok(w, "Action=CreateKeyPair&KeyName=mine&KeyType=ed25519");
    struct str xml = world_callf(w, "Action=DeleteKeyPair&KeyPairId=%.*s", STR_ARG(id));

    CHECK_STR(xml_text(xml, "return"), "true");
    CHECK(!xml_text(xml, "keyPairId").p);
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeKeyPairs"), "keyName"), 0);

    world_account(w, "000000000000", "us-east-1");
    world_crash(w);
    xml = describe(w, "mine");
    CHECK(str_eq(xml_text(xml, "keyFingerprint"), xml_text(made, "keyFingerprint")));
    xml = world_callf(w, "Action=DeleteKeyPair&KeyPairId=%.*s", STR_ARG(id));
    CHECK(str_eq(xml_text(xml, "keyPairId"), id));
    CHECK_STR(xml_text(world_ok(w, "Action=DeleteKeyPair&KeyName=mine"), "return"), "true");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeKeyPairs"), "keyName"), 0);
    world_free(w);
}
