/*
 * Unit tests of the guest's pure parts, table by table.
 *
 * A program of its own, as the guest is: it shares nothing with the daemon's harness.
 */
#include "accounts.h"
#include "connect.h"
#include "http.h"
#include "mime.h"
#include "node.h"
#include "userdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_passed, n_failed;
static struct arena arena = {.max_bytes = 256 << 20};

static void
check(bool good, const char *what, const char *detail)
{
    if (good) {
        n_passed++;
        return;
    }
    n_failed++;
    printf("FAILED %s: %s\n", what, detail);
}

static void
check_str(struct str got, const char *want, const char *what)
{
    struct str said = arena_fmt(&arena, "'%.*s' is not '%s'", STR_ARG(got), want);

    check(str_eq(got, str_c(want)), what, said.p);
}

static void
base64_is_decoded_as_python_does(void)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } rows[] = {
        {"aGVsbG8=", "hello"}, {"aGVs\nbG8=\n", "hello"}, {"aGVsbG8h", "hello!"}, {"", ""},
        {"aGVsbG8", NULL},     {"a", NULL},               {"!!aGVsbG8h", "hello!"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str got = S("");
        bool ok = base64_decode(&arena, str_c(rows[i].in), &got);

        check(ok == (rows[i].out != NULL), "base64 accepts", rows[i].in);
        if (ok && rows[i].out)
            check_str(got, rows[i].out, "base64");
    }
}

static void
first_bytes_say_the_type(void)
{
    static const struct {
        const char *in, *type;
    } rows[] = {
        {"#!/bin/sh\n", "text/x-shellscript"},
        {"\n  #!/bin/sh\n", "text/x-shellscript"},
        {"#cloud-config\na: 1", "text/cloud-config"},
        {"#Cloud-Config\n", "text/cloud-config"},
        {"#cloud-config-archive\n- a", "text/cloud-config-archive"},
        {"#cloud-config-jsonp\n[]", "text/cloud-config-jsonp"},
        {"#cloud-boothook\n", "text/cloud-boothook"},
        {"#include http://x", "text/x-include-url"},
        {"#include-once\nhttp://x", "text/x-include-once-url"},
        {"#part-handler\n", "text/part-handler"},
        {"## template: jinja\n", "text/jinja2"},
        {"replicate-every=1min | replicate-every=5min", "application/octet-stream"},
        {"", "application/octet-stream"},
        {"#!\xff\xfe", "application/octet-stream"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_str(part_type_name(part_sniff(str_c(rows[i].in))), rows[i].type, rows[i].in);
}

static struct buf notes;

static void
on_note(void *ctx, bool warn, struct str text)
{
    (void)ctx;
    buf_fmt(&notes, "%s%.*s;", warn ? "!" : "", STR_ARG(text));
}

static bool
on_fetch(void *ctx, struct str url, bool once, struct str *ret)
{
    (void)ctx;
    if (str_eq(url, S("http://self/")))
        *ret = S("#include http://self/\nhttp://script/");
    else if (str_eq(url, S("http://script/")))
        *ret = once ? S("#!once") : S("#!fetched");
    else
        return false;
    return true;
}

/* The parts as "type name payload-length;". */
static struct str
parts_of(struct str in)
{
    struct userdata u;
    struct buf b = buf_new(&arena, 65536);

    notes = buf_new(&arena, 65536);
    userdata_init(&u, &arena);
    u.note = on_note;
    u.fetch = on_fetch;
    userdata_parse(&u, in);
    for (const struct part *p = u.first; p; p = p->next)
        buf_fmt(&b, "%.*s %.*s %zu;", STR_ARG(p->content_type), STR_ARG(p->filename),
                p->payload.n);
    return buf_str(&b);
}

#define MIXED "Content-Type: multipart/mixed; boundary=\"XX\"\nMIME-Version: 1.0\n\n"

static void
user_data_is_taken_apart(void)
{
    static const struct {
        const char *in, *parts;
    } rows[] = {
        {"", ""},
        {"#!/bin/sh\necho", "text/x-shellscript part-001 14;"},
        {"a=b | c", "text/x-not-multipart part-001 7;"},
        {"#include\nhttp://script/\n# no\n\nhttp://gone/", "text/x-shellscript part-001 9;"},
        {"#include-once http://script/", "text/x-shellscript part-001 6;"},
        {MIXED "--XX\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n"
               "Content-Disposition: attachment; filename=\"a.sh\"\n\n#!/bin/sh\n--XX\n"
               "Content-Type: text/cloud-config\n\n#cloud-config\na: 1\n\n--XX--\n",
         "text/x-shellscript a.sh 9;text/cloud-config part-002 19;"},
        {MIXED "--XX\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
               "IyEvYmluL3NoCmVjaG8K\n--XX--\n", "text/x-shellscript part-001 15;"},
        {MIXED "--XX\nContent-Type: text/x-shellscript-per-boot\n\n#!x\n--XX--",
         "text/x-shellscript-per-boot part-001 3;"},
        {MIXED "--XX\nContent-Type: text/cloud-boothook\nContent-Transfer-Encoding: "
               "quoted-printable\n\na=3Db=\nc\n--XX--", "text/cloud-boothook part-001 4;"},
        {MIXED "--XX\nContent-Type: multipart/mixed; boundary=YY\n\n--YY\n\n#!a\n--YY--\n--XX\n\n"
               "#!bb\n--XX--", "text/x-shellscript part-001 3;text/x-shellscript part-002 4;"},
        {MIXED "no delimiter at all", ""},
        {MIXED "--XX\nContent-Type: image/png\n\nx\n--XX--", "image/png part-001 1;"},
        {"#cloud-config-archive\n- \"#!/bin/sh\"\n- {type: text/cloud-config, content: \"a: 1\", "
         "filename: f}\n- [x]\n- plain", "text/x-shellscript part-001 9;text/cloud-config f 4;"
         "text/cloud-config part-003 5;"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_str(parts_of(str_c(rows[i].in)), rows[i].parts, rows[i].in);
}

static void
what_includes_itself_ends(void)
{
    struct str parts = parts_of(S("#include http://self/"));

    check(parts.n > 0 && parts.n < 65536, "self include ends", "");
    check(str_find(buf_str(&notes), S("includes itself"), 0) != SIZE_MAX, "and is noted", "");
}

static void
gzip_is_inflated_up_to_a_limit(void)
{
    static const char hello[] = "\x1f\x8b\x08\0\0\0\0\0\x02\xff\x53\x54\x4e\x55\xd0\x4d\xcd\x2b"
                                "\x53\x30\xe4\xe2\x02\0\0\0\0\0";
    struct str out;

    check(!gunzip(&arena, (struct str){hello, sizeof(hello) - 1}, 100, &out), "corrupt gzip", "");
    check(str_eq(parts_of((struct str){hello, 12}), S("text/x-not-multipart part-001 12;")),
          "corrupt gzip is unknown user data", "");
    check(str_find(buf_str(&notes), S("!User data looks like gzip"), 0) == 0, "and is noted", "");
}

static void
cloud_config_becomes_a_tree(void)
{
    static const struct {
        const char *yaml, *json; /* NULL: refused */
    } rows[] = {
        {"a: 1\nb: [x, 'y', null, ~]\n", "{\"a\": 1, \"b\": [\"x\", \"y\", null, null]}"},
        {"a: &x {p: 1}\nb: *x\n", "{\"a\": {\"p\": 1}, \"b\": {\"p\": 1}}"},
        {"a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n",
         "{\"a\": {\"p\": 1, \"q\": 2}, \"b\": {\"q\": 3, \"p\": 1}}"},
        {"a: 1\na: 2\n", "{\"a\": 2}"},
        {"a: !!binary aGk=\n", "{\"a\": \"hi\"}"},
        {"a: |\n  x\n  y\n", "{\"a\": \"x\\ny\\n\"}"},
        {"p: 0644\nq: '0644'\n", "{\"p\": \"0644\", \"q\": \"0644\"}"},
        {"a: &x [*x]\n", NULL},
        {"a: *nobody\n", NULL},
        {"a: [1\n", NULL},
        {"a: 1\n---\nb: 2\n", NULL},
        {"", NULL},
        {"? [a]\n: 1\n", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b = buf_new(&arena, 65536);
        struct str why = S("");
        const struct node *n = node_parse(&arena, str_c(rows[i].yaml), &why);

        check((n != NULL) == (rows[i].json != NULL), rows[i].yaml, n ? "accepted" : why.p);
        if (!n)
            check(why.n > 0, "a refusal has a reason", rows[i].yaml);
        if (!n || !rows[i].json)
            continue;
        node_json(&b, n);
        check_str(buf_str(&b), rows[i].json, "yaml");
    }
}

static void
later_keys_replace_earlier_ones(void)
{
    struct str why;
    struct node *a = node_parse(&arena, S("runcmd: [a]\nx: {p: 1}\n"), &why);
    struct node *b = node_parse(&arena, S("runcmd: [b]\nx: {q: 1}\ny: 2\n"), &why);
    struct buf out = buf_new(&arena, 4096);

    node_merge(&arena, a, b);
    node_json(&out, a);
    check_str(buf_str(&out), "{\"runcmd\": [\"b\"], \"x\": {\"q\": 1}, \"y\": 2}", "merge");
}

static void
responses_are_parsed(void)
{
    static const struct {
        const char *in;
        bool closed;
        enum http_parsed r;
        unsigned status;
        const char *body;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, HTTP_DONE, 200, "hi"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", false, HTTP_MORE, 0, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", true, HTTP_BAD, 0, ""},
        {"HTTP/1.0 404 No\r\n\r\ngone", true, HTTP_DONE, 404, "gone"},
        {"HTTP/1.0 404 No\r\n\r\ngone", false, HTTP_MORE, 0, ""},
        {"HTTP/1.1 204 No\r\n\r\n", false, HTTP_DONE, 204, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\n\r\n",
         false, HTTP_DONE, 200, "hi!"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", false, HTTP_MORE, 0,
         ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, HTTP_BAD, 0, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, HTTP_BAD, 0, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", false, HTTP_BAD, 0, ""},
        {"SSH-2.0-OpenSSH\r\n\r\n", false, HTTP_BAD, 0, ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_response res = {0};
        enum http_parsed r = http_parse(&arena, str_c(rows[i].in), rows[i].closed, &res);

        check(r == rows[i].r && res.status == rows[i].status, "http", rows[i].in);
        check_str(res.body, rows[i].body, rows[i].in);
    }
}

static void
urls_are_parsed(void)
{
    static const struct {
        const char *in, *host, *path; /* NULL: refused */
        unsigned port;
    } rows[] = {
        {"http://a.b/c?d", "a.b", "/c?d", 80},  {"http://a", "a", "/", 80},
        {"https://a:8443/x#f", "a", "/x", 8443}, {"file:///etc/x", "", "/etc/x", 80},
        {"http://u:p@a/", NULL, NULL, 0},        {"http://a:0/", NULL, NULL, 0},
        {"http://a b/", NULL, NULL, 0},          {"a.b/c", NULL, NULL, 0},
        {"http:///x", NULL, NULL, 0},            {"http://a:99999/", NULL, NULL, 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct url u = {0};
        bool ok = url_parse(str_c(rows[i].in), &u);

        check(ok == (rows[i].host != NULL), "url", rows[i].in);
        if (!ok || !rows[i].host)
            continue;
        check_str(u.host, rows[i].host, rows[i].in);
        check_str(u.path, rows[i].path, rows[i].in);
        check(u.port == rows[i].port, "port", rows[i].in);
    }
}

static void
names_are_asked_and_answered(void)
{
    struct str q = dns_query(&arena, S("a.example.com"), 0x1234);
    struct buf answer = buf_new(&arena, 512);
    uint8_t ip[4] = {0};

    check(q.n == 12 + 15 + 4, "query length", "");
    check(dns_query(&arena, S("a..b"), 1).n == 0, "empty label", "");
    buf_add(&answer, q);
    buf_add(&answer, (struct str){"\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c", 14});
    buf_add(&answer, (struct str){"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x0a\0\0\5", 16});
    answer.p[2] = (char)0x81;
    answer.p[7] = 2;
    check(dns_answer(buf_str(&answer), 0x1234, ip) == DNS_ADDRESS && ip[0] == 10 && ip[3] == 5,
          "answer behind a CNAME", "");
    check(dns_answer(buf_str(&answer), 0x1235, ip) == DNS_BAD, "wrong id", "");
    for (size_t n = 0; n < answer.n; n++)
        check(dns_answer(str_cut(buf_str(&answer), 0, n), 0x1234, ip) == DNS_BAD, "cut answer", "");
    answer.p[3] |= 3;
    check(dns_answer(buf_str(&answer), 0x1234, ip) == DNS_NONE, "NXDOMAIN", "");
    answer.p[2] |= 2;
    check(dns_answer(buf_str(&answer), 0x1234, ip) == DNS_TRUNCATED, "truncated", "");
}

static void
account_files_are_edited(void)
{
    struct str passwd = S("root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:\n");
    struct str group = S("root:x:0:\nwheel:x:10:a\nempty:x:11:");

    check_str(account_field(account_line(passwd, S("bob")), 5), "/home/bob", "field");
    check(account_line(passwd, S("bo")).n == 0, "a prefix is no name", "");
    check(account_line(passwd, S("root:x")).n == 0, "a name has no colon", "");
    check(account_free_id(passwd, 1000) == 1001, "free id", "");
    check_str(account_set(&arena, passwd, S("bob"), 2, S("7")),
              "root:x:0:0:root:/root:/bin/sh\nbob:x:7:1000::/home/bob:\n", "set");
    check_str(account_set(&arena, passwd, S("root"), 6, S("")),
              "root:x:0:0:root:/root:\nbob:x:1000:1000::/home/bob:\n", "set the last");
    check_str(account_join(&arena, group, S("wheel"), S("b")),
              "root:x:0:\nwheel:x:10:a,b\nempty:x:11:", "join");
    check_str(account_join(&arena, group, S("wheel"), S("a")), group.p, "join again");
    check_str(account_join(&arena, group, S("empty"), S("b")),
              "root:x:0:\nwheel:x:10:a\nempty:x:11:b", "join an empty group");
    check_str(account_append(&arena, group, S("n:x:1:")),
              "root:x:0:\nwheel:x:10:a\nempty:x:11:\nn:x:1:\n", "append");
    check(account_name_ok(S("ec2-user")) && !account_name_ok(S("a:b")) &&
              !account_name_ok(S("-a")) && !account_name_ok(S("../x")), "names", "");
}

static void
only_keys_reach_sshd(void)
{
    static const char *const bad[] = {"", ".", "..", "-x", "a/b", "a b", "a\n", "a%2f",
                                      "abcdefghijklmnopqrstuvwxyz0123456789"};
    static const char *const good[] = {"ec2-user", "_apt", "svc$", "a.b@c", "Debian"};
    struct str text = S("#Timestamp=1\n#Instance=i-1\r\nssh-ed25519 AAAA me\r\n"
                        "command=\"x\" ssh-rsa AAAA\n\nssh-rsa BBBB\nMIIsignature==\nssh-rsa");

    check_str(connect_keys(&arena, text), "ssh-ed25519 AAAA me\nssh-rsa BBBB\n", "keys");
    check_str(connect_keys(&arena, S("")), "", "no keys");
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check(!connect_user_ok(str_c(bad[i])), "a user's name", bad[i]);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        check(connect_user_ok(str_c(good[i])), "a user's name", good[i]);
}

static void
small_texts(void)
{
    char stamp[DATE_LOG_BYTES];

    date_log(stamp, 1795224980123);
    check_str(str_c(stamp), "2026-11-21 01:36:20,123", "date");
    check_str(date_text(&arena, 1795224980123, DATE_RFC2822), "Sat, 21 Nov 2026 01:36:20 +0000",
              "date");
    check_str(date_text(&arena, 951782400000, DATE_ISO), "2000-02-29T00:00:00Z", "leap day");
    check_str(date_text(&arena, 0, DATE_RFC2822), "Thu, 01 Jan 1970 00:00:00 +0000", "epoch");
    check_str(part_excerpt(&arena, S("a\\b'\x01\nrest")), "a\\\\b\\'\\x01", "excerpt");
    check_str(clean_filename(&arena, S("../a b/c.sh")), ".._ab_c.sh", "file name");
    check_str(clean_filename(&arena, S("..")), "part", "file name");
    check_str(dos2unix(&arena, S("a\r\nb\r\n")), "a\nb\n", "dos2unix");
    check_str(dos2unix(&arena, S("a\nb\r\n")), "a\nb\r\n", "dos2unix is decided by line one");
}

int
main(void)
{
    base64_is_decoded_as_python_does();
    first_bytes_say_the_type();
    user_data_is_taken_apart();
    what_includes_itself_ends();
    gzip_is_inflated_up_to_a_limit();
    cloud_config_becomes_a_tree();
    later_keys_replace_earlier_ones();
    responses_are_parsed();
    urls_are_parsed();
    names_are_asked_and_answered();
    account_files_are_edited();
    only_keys_reach_sshd();
    small_texts();
    arena_done(&arena);
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed != 0;
}
