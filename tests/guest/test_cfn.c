/*
 * Unit tests of the pure parts of CloudFormation's helpers, table by table.
 *
 *   test-guest-cfn [SIGV4_VECTORS]
 */
#include "cfn/ini.h"
#include "cfn/json.h"
#include "cfn/mustache.h"
#include "cfn/options.h"
#include "cfn/plan.h"
#include "cfn/sign.h"

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

static struct node *
parse(const char *text)
{
    struct str why;

    return json_parse(&arena, str_c(text), &why);
}

static struct str
dump(const struct node *n, int indent)
{
    struct buf b = buf_new(&arena, 1 << 20);

    json_dump(&b, n, indent);
    return buf_str(&b);
}

static void
json_is_read_and_written_as_python_does(void)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } rows[] = {
        {" {\"a\" : [1,\t-2.5e3, true,null],\r\n\"b\":{}} ",
         "{\"a\": [1, -2.5e3, true, null], \"b\": {}}"},
        {"\"\\u00e9\\ud83d\\ude00\\/\\n\\\"\\\\\"", "\"\\u00e9\\ud83d\\ude00/\\n\\\"\\\\\""},
        {"\"\xc3\xa9\"", "\"\\u00e9\""},
        {"{\"a\":1,\"a\":2}", "{\"a\": 2}"},
        {"\"\\ud83d\"", NULL},
        {"\"\\u0000\"", NULL},
        {"\"\\x\"", NULL},
        {"01", NULL},
        {"1.", NULL},
        {"[1,]", NULL},
        {"{\"a\":}", NULL},
        {"{a:1}", NULL},
        {"\"a\nb\"", NULL},
        {"[1] 2", NULL},
        {"", NULL},
        {"nul", NULL},
        {"[", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct node *n = parse(rows[i].in);

        check((n != NULL) == (rows[i].out != NULL), "JSON is taken or refused", rows[i].in);
        if (n && rows[i].out)
            check_str(dump(n, -1), rows[i].out, "JSON");
    }
    check_str(dump(parse("{\"a\":[1,{}],\"b\":[]}"), 4),
              "{\n    \"a\": [\n        1,\n        {}\n    ],\n    \"b\": []\n}", "indented");
    char deep[256];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    check(!parse(deep), "depth", "is limited");
}

static void
digests_are_the_standards(void)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t d[32];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        sha256(str_c(rows[i].in), d);
        check_str(hex_text(&arena, d, 32), rows[i].out, "SHA-256");
    }
    /* RFC 4231, cases 2 and 6. */
    hmac_sha256(S("Jefe"), S("what do ya want for nothing?"), d);
    check_str(hex_text(&arena, d, 32),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "HMAC");
    char key[131];
    memset(key, 0xaa, sizeof(key));
    hmac_sha256((struct str){key, sizeof(key)},
                S("Test Using Larger Than Block-Size Key - Hash Key First"), d);
    check_str(hex_text(&arena, d, 32),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", "HMAC");
    check_str(base64_encode(&arena, S("hello!")), "aGVsbG8h", "base64");
    check_str(base64_encode(&arena, S("hell")), "aGVsbA==", "base64");
    check_str(percent_encode(&arena, S("a b/~\xc3\xa9")), "a%20b%2F~%C3%A9", "percent");
    check_str(sign_cfn_v1(&arena, S("{\"a\"}"), S("AB\nCD=\n")), "CFN_V1 eyJhIn0=:ABCD=", "CFN_V1");
    check_str(sign_stamp(&arena, 1440938160000), "20150830T123600Z", "stamp");
}

static struct str
vector_file(const char *dir, const char *name, const char *file)
{
    char path[4096], text[16384];

    snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
    FILE *f = fopen(path, "r");
    if (!f)
        return S("");
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    return str_trim(arena_dup(&arena, (struct str){text, n}));
}

/* AWS's own vectors: requests of a few lines, whose headers we take as they are. */
static void
requests_are_signed_as_in_the_vectors(const char *dir)
{
    static const char *const names[] = {
        "get-vanilla",
        "get-vanilla-query-order-encoded",
        "get-vanilla-query-order-key-case",
        "get-vanilla-query-unreserved",
        "post-vanilla",
        "post-header-key-sort",
        "post-x-www-form-urlencoded",
        "get-vanilla-with-session-token",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct str in = vector_file(dir, names[i], "header-signed-request.txt"), line, word;
        struct signing s = {
            .region = S("us-east-1"),
            .service = S("service"),
            .query = S(""),
            .who = {S("AKIDEXAMPLE"), S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), S("")}};

        if (!str_line(&in, &line)) {
            check(false, "vector", names[i]);
            continue;
        }
        str_field(&line, ' ', &s.method);
        str_field(&line, ' ', &word);
        size_t q = str_find(word, S("?"), 0);
        s.path = str_cut(word, 0, q);
        s.query = q == SIZE_MAX ? S("") : str_cut(word, q + 1, word.n);
        while (str_line(&in, &line) && line.n) {
            struct str name = S("");

            str_field(&line, ':', &name);
            if (str_eq(name, S("X-Amz-Date")))
                s.stamp = str_trim(line);
            if (!str_eq(name, S("Authorization")) && s.n_headers < COUNT_OF(s.headers))
                s.headers[s.n_headers++] = (struct header){name, line};
        }
        s.body = in;
        struct str want = vector_file(dir, names[i], "header-canonical-request.txt");
        check_str(sign_v4_canonical(&arena, &s), arena_cstr(&arena, want), names[i]);
        struct str auth = sign_v4(&arena, &s);
        want = vector_file(dir, names[i], "header-signature.txt");
        check_str(str_cut(auth, auth.n - 64, auth.n), arena_cstr(&arena, want), names[i]);
    }
}

static void
options_are_read_as_optparse_reads_them(void)
{
    static const struct option_def defs[] = {
        {'s', "stack", OPTION_TEXT, "S", NULL},   {'r', "resource", OPTION_TEXT, "R", NULL},
        {0, "region", OPTION_TEXT, "Re", NULL},   {'e', "exit-code", OPTION_INT, "E", NULL},
        {'k', "success", OPTION_BOOL, "K", NULL}, {'v', "verbose", OPTION_FLAG, "V", NULL}};
    static const struct {
        const char *words; /* with a blank between */
        const char *out;   /* stack,resource,region,exit,verbose|args, or the mistake */
    } rows[] = {
        {"-s a -r b", "a,b,,0,0|"},
        {"-sa --resource=b --region c", "a,b,c,0,0|"},
        {"-vsa x", "a,,,0,1|x"},
        {"--stac a", "a,,,0,0|"},
        {"--re a", "ambiguous option: --re (--resource, --region?)"},
        {"x -s a y -- -v", "a,,,0,0|xy-v"},
        {"-e -1", ",,,-1,0|"},
        {"-e 0x10", ",,,16,0|"},
        {"-e x", "option -e: invalid integer value: 'x'"},
        {"--exit-code=", "option --exit-code: invalid integer value: ''"},
        {"-k no", "option -k: invalid choice: 'no' (choose from 'true', 'false')"},
        {"-z", "no such option: -z"},
        {"--zz", "no such option: --zz"},
        {"-s", "-s option requires 1 argument"},
        {"--verbose=1", "--verbose option does not take a value"},
        {"-", ",,,0,0|-"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct command_line line = {
            .program = "p", .usage = "u", .defs = defs, .n_defs = COUNT_OF(defs)};
        struct str rest = str_c(rows[i].words), word, why;
        char *argv[16] = {(char *)(uintptr_t) "p"};
        struct buf b = buf_new(&arena, 4096);
        int argc = 1;

        while (str_field(&rest, ' ', &word))
            argv[argc++] = arena_cstr(&arena, word);
        if (options_parse(&arena, &line, argc, argv, &why) != OPTIONS_READ) {
            check_str(why, rows[i].out, rows[i].words);
            continue;
        }
        buf_fmt(&b, "%.*s,%.*s,%.*s,%ld,%d|", STR_ARG(line.values[0].text),
                STR_ARG(line.values[1].text), STR_ARG(line.values[2].text), line.values[3].number,
                line.values[5].given);
        for (size_t k = 0; k < line.n_args; k++)
            buf_add(&b, str_c(line.args[k]));
        check_str(buf_str(&b), rows[i].out, rows[i].words);
    }
}

static void
templates_are_rendered(void)
{
    static const char context[] =
        "{\"a\":\"<&\\\"'>\",\"n\":1.5,\"t\":true,\"f\":false,\"e\":[],\"l\":[{\"x\":\"1\"},"
        "{\"x\":\"2\"}],\"s\":[\"p\",\"q\"],\"m\":{\"k\":{\"v\":\"deep\"}},\"z\":null}";
    static const struct {
        const char *in, *out; /* NULL: refused */
    } rows[] = {
        {"{{a}}|{{{a}}}|{{& a }}", "&lt;&amp;&quot;&#x27;&gt;|<&\"'>|<&\"'>"},
        {"{{n}}{{t}}{{none}}{{z}}", "1.5True"},
        {"{{#l}}({{x}}{{n}}){{/l}}", "(11.5)(21.5)"},
        {"{{#s}}{{.}},{{/s}}", "p,q,"},
        {"{{^e}}no{{/e}}{{^f}}f{{/f}}{{#f}}x{{/f}}{{^l}}y{{/l}}", "nof"},
        {"{{m.k.v}} {{#m.k}}{{v}}{{/m.k}}", "deep deep"},
        {"a\n{{#t}}\nb\n{{/t}}\nc\n", "a\nb\nc\n"},
        {"a {{! comment }}b\n  {{! alone }}\nc", "a b\nc"},
        {"{{=<% %>=}}<%n%> {{n}}<%={{ }}=%>{{n}}", "1.5 {{n}}1.5"},
        {"{{#l}}{{#t}}{{x}}{{/t}}{{/l}}", "12"},
        {"no tags", "no tags"},
        {"", ""},
        {"{{a", NULL},
        {"{{#l}}", NULL},
        {"{{/l}}", NULL},
        {"{{#l}}{{/t}}", NULL},
        {"{{> part}}", NULL},
        {"{{=x=}}", NULL},
    };
    const struct node *n = parse(context);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str out, why;
        bool good = mustache_render(&arena, str_c(rows[i].in), n, 1 << 20, &out, &why);

        check(good == (rows[i].out != NULL), "a template is taken or refused", rows[i].in);
        if (good && rows[i].out)
            check_str(out, rows[i].out, rows[i].in);
    }
}

/* "set/name,…" or the mistake. */
static struct str
planned(const char *init, const char *sets_text)
{
    struct str sets[8], rest = str_c(sets_text), why;
    struct buf b = buf_new(&arena, 65536);
    struct plan_step *steps;
    size_t n = 0, n_steps;

    while (str_field(&rest, ',', &sets[n]))
        n++;
    if (!plan_make(&arena, parse(init), sets, n, &steps, &n_steps, &why))
        return why;
    for (size_t i = 0; i < n_steps; i++)
        buf_fmt(&b, "%s%.*s/%.*s", i ? "," : "", STR_ARG(steps[i].set), STR_ARG(steps[i].name));
    return buf_str(&b);
}

static void
config_sets_are_unfolded(void)
{
    static const char docs[] = /* the example of the user guide */
        "{\"configSets\":{\"ascending\":[\"config1\",\"config2\"],\"descending\":[\"config2\","
        "\"config1\"],\"default\":[{\"ConfigSet\":\"ascending\"},\"config3\"],\"one\":\"config1\"},"
        "\"config1\":{},\"config2\":{},\"config3\":{}}";

    check_str(planned("{\"config\":{}}", "default"), "default/config", "no sets");
    check_str(planned(docs, "descending,one"), "descending/config2,descending/config1,one/config1",
              "sets");
    check_str(planned(docs, "default"), "default/config1,default/config2,default/config3", "ref");
    check_str(planned(docs, "x"), "Error: no ConfigSet named x exists", "unknown");
    check_str(planned("{\"config\":{}}", "x"), "Error: no ConfigSet named x exists", "unknown");
    check_str(planned("{\"configSets\":{\"a\":[\"b\"]}}", "a"),
              "No configuration found with name: b", "unknown config");
    check_str(planned("{\"configSets\":{\"a\":[{\"ConfigSet\":\"b\"}]}}", "a"),
              "Configuration set b was referenced but not defined", "unknown reference");
    check(str_find(planned("{\"configSets\":{\"a\":[{\"ConfigSet\":\"a\"}]}}", "a"), S("circular"),
                   0) != SIZE_MAX,
          "a loop", "is found");
    check_str(planned("{\"configSets\":[\"a\"]}", "a"),
              "configSets should be a mapping of name to list", "a list");
}

static void
orders_are_kept(void)
{
    const struct node **m = plan_managers(
        &arena, parse("{\"zypper\":{},\"yum\":{},\"python\":{},\"apt\":{},\"rpm\":{}}"));
    static const char *const managers[] = {"rpm", "apt", "yum", "python", "zypper"};
    static const struct {
        const char *a, *b;
        int sign;
    } versions[] = {
        {"2.4.6", "2.4.10", -1}, {"2.4.10-1", "2.4.10-2", -1},
        {"2.4", "2.4.1", -1},    {"1.0a", "1.0", 1},
        {"1.0.1", "1.0a", 1},    {"2.04", "2.4", 0},
        {"", "1", -1},           {"1_0", "1.0", 0},
    };

    for (size_t i = 0; i < COUNT_OF(managers); i++)
        check(m[i] && str_eq(m[i]->key, str_c(managers[i])), "managers", managers[i]);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        int r = plan_compare_versions(str_c(versions[i].a), str_c(versions[i].b));
        int back = plan_compare_versions(str_c(versions[i].b), str_c(versions[i].a));

        check((r > 0) - (r < 0) == versions[i].sign && (back > 0) - (back < 0) == -versions[i].sign,
              "versions", versions[i].a);
    }
    const struct node *n = parse("{\"a\":{\"b.c\":[1],\"AWS::X\":\"y\"}}");
    check_str(dump(plan_value(&arena, n, S("a.b\\.c")), -1), "[1]", "a dot in a name");
    check_str(node_scalar(plan_value(&arena, n, S("a.AWS::X"))), "y", "a path");
    check(!plan_value(&arena, n, S("a.x.y")), "a path", "to nothing");
}

static void
configuration_files_are_read(void)
{
    struct node root = {.kind = NODE_MAP}, bad = {.kind = NODE_MAP};
    struct str why;

    check(ini_read(&arena, S("# c\n[main]\nStack = s:1\nregion: us\n[h]\naction=a\n  b\n; c\n"),
                   &root, &why),
          "ini", "is read");
    check(ini_read(&arena, S("[main]\nregion=eu\n"), &root, &why), "ini", "is read");
    check_str(dump(&root, -1),
              "{\"main\": {\"stack\": \"s:1\", \"region\": \"eu\"}, "
              "\"h\": {\"action\": \"a\\nb\"}}",
              "ini");
    check(!ini_read(&arena, S("a=b\n"), &bad, &why) &&
              !ini_read(&arena, S("[x]\nab\n"), &bad, &why),
          "ini", "is refused");
}

int
main(int argc, char **argv)
{
    json_is_read_and_written_as_python_does();
    digests_are_the_standards();
    if (argc > 1)
        requests_are_signed_as_in_the_vectors(argv[1]);
    options_are_read_as_optparse_reads_them();
    templates_are_rendered();
    config_sets_are_unfolded();
    orders_are_kept();
    configuration_files_are_read();
    arena_done(&arena);
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed != 0;
}
