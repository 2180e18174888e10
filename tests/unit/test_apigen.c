/*
 * The generator on small inputs: bad ones must be named by file and line, good ones must give
 * what these tests expect.  The binary is that of the build, found by the path of this program.
 */
#include "harness/harness.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char head[] = "service demo 2020-01-01\n"
                           "  protocol query\n"
                           "  xmlns https://example.com/\n";

/* $APIGEN, or tools/apigen beside the test's binary. */
static const char *
generator(void)
{
    static char path[4096];
    const char *given = getenv("APIGEN");
    ssize_t n;

    if (given)
        return given;
    n = readlink("/proc/self/exe", path, sizeof(path) - 32);
    CHECK(n > 0);
    path[n] = 0;
    char *slash = strrchr(path, '/');

    CHECK(slash != NULL);
    memcpy(slash, "/tools/apigen", sizeof("/tools/apigen"));
    if (access(path, X_OK) != 0)
        SKIP("%s is not built", path);
    return path;
}

static const char *
put(const char *name, const char *first, const char *text)
{
    const char *path = str_fmt(test_arena(), "%s/%s", test_dir(), name).p;
    FILE *f = fopen(path, "w");

    CHECK(f && fprintf(f, "%s%s", first, text) >= 0 && fclose(f) == 0);
    return path;
}

/* Runs the generator; answers its exit status and what it said. */
static int
run(const char *api, const char *ops, struct str *ret_said)
{
    const char *said = str_fmt(test_arena(), "%s/said", test_dir()).p;
    char *argv[] = {(char *)generator(), (char *)put("demo.api", head, api),
                    (char *)put("demo.ops", "", ops), (char *)test_dir(), NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;

    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, 2, said, O_WRONLY | O_CREAT | O_TRUNC,
                                           0600) == 0);
    CHECK(posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    posix_spawn_file_actions_destroy(&actions);
    *ret_said = test_read_file(said);
    return WEXITSTATUS(status);
}

TEST(a_mistake_in_a_description_is_named_by_its_line)
{
    static const struct {
        const char *api, *ops, *said;
    } bad[] = {
        {"struct A\n  B C\n", "", "demo.api:5: the type 'C' is not described"},
        {"struct A\n  B string\n  B int\n", "", "demo.api:6: 'A' already has a member 'B'"},
        {"struct A\nstruct A\n", "", "demo.api:5: 'A' is already described in line 4"},
        {"struct A\n  FooBar int\n  fooBar int\n", "",
         "demo.api:6: two members of 'A' are 'foo_bar' in C"},
        {"op A B -> -\n", "", "demo.api:4: 'B' is not a described structure"},
        {"op A - - -\n", "", "demo.api:4: an operation is written: op NAME IN -> OUT"},
        {"op A - -> -\n  ! E\n", "", "demo.api:4: 'E' is not a described error"},
        {"op A - -> -\nop A - -> -\n", "", "is already described"},
        {"op A - -> - page=T>U\n", "", "demo.api:4: paging of 'A' names 'U', which 'ARequest' "
                                       "does not have"},
        {"op A - -> - fast\n", "", "demo.api:4: an operation has no 'fast'"},
        {"type A int range=9..1\n", "", "demo.api:4: '9..1' is not a range MIN..MAX"},
        {"type A number\n", "", "demo.api:4: 'number' is not a base type"},
        {"struct A\n  B [int\n", "", "demo.api:5: a quote or bracket is not closed"},
        {"struct A\n  B {int:int}\n", "", "demo.api:5: the key of a map is text"},
        {"struct A\n  B int fast\n", "", "demo.api:5: a member has no 'fast'"},
        {"  B int\n", "", "demo.api:4: a service has no 'B'"},
        {"enum E a\n  B int\n", "", "demo.api:5: an indented line belongs to no block"},
        {"thing A\n", "", "demo.api:4: 'thing' opens no block"},
        {"op A - -> -\n", "B b read\n", "demo.ops:1: demo has no operation 'B'"},
        {"op A - -> -\n", "\nA a\n", "demo.ops:2: a line is: OPERATION handler read|write"},
        {"op A - -> -\n", "A a noauth\n", "demo.ops:1: 'A' is either read or write"},
        {"op A - -> -\n", "A a read write\n", "demo.ops:1: 'A' is either read or write"},
        {"op A - -> -\n", "A a read\nA b read\n", "demo.ops:2: 'A' already has a handler"},
        {"op A - -> -\n", "A a read quick\n", "demo.ops:1: 'quick' is not a flag"},
        {"op A - -> -\n", "A a-b read\n", "demo.ops:1: a line is: OPERATION handler read|write"},
        {"op A - -> -\n", "open A\n", "demo.ops:1: 'A' is not an enum"},
        {"op A - -> -\n", "resource r\n", "demo.ops:1: a line is: resource TYPE ARN"},
        {"op A - -> -\n", "resource r arn:a\nresource r arn:b\n",
         "demo.ops:2: there is a resource 'r' already"},
        {"op A - -> -\n", "A a read on r(*)\n", "demo.ops:1: no resource 'r' is declared above"},
        {"op A - -> -\n", "resource r arn:a\nA a read on r\n",
         "demo.ops:2: 'r' is not TYPE(MEMBER)"},
        {"op A S -> -\nstruct S\n  B int\n", "resource r arn:a\nA a read on r(C)\n",
         "demo.ops:2: 'A' has no member 'C'"},
        {"op A S -> -\nstruct S\n  B int\n", "resource r arn:a\nA a read on r(B)\n",
         "demo.ops:2: 'B' of 'A' is not text"},
        {"op A - -> -\n", "A a read as\n", "demo.ops:1: 'as' is followed by a word"},
        {"op A - -> -\n", "A a read as b\n", "demo.ops:1: 'b' is not SERVICE:ACTION"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str said;

        CHECK_INT(run(bad[i].api, bad[i].ops, &said), 1);
        if (str_find(said, str_from(bad[i].said)) == SIZE_MAX)
            FAIL("\"%s\" gives: %.*s", bad[i].said, STR_ARG(said));
    }
}

TEST(structs_have_the_form_that_the_manual_promises)
{
    static const char api[] = "op Get GetRequest -> - page=\n"
                              "op Put - -> Thing\n"
                              "op Quiet QuietRequest -> -\n"
                              "enum Colour red dark-blue \"light green\"\n"
                              "struct GetRequest\n"
                              "  DryRun bool\n"
                              "  CidrIpv6 string\n"
                              "  EnableDns64 bool\n"
                              "  DBName! string\n"
                              "  IPv6Support int\n"
                              "  VCpuCount int\n"
                              "  MemoryMiB long\n"
                              "  AccountIDs [string]\n"
                              "  Default time\n"
                              "struct Thing\n"
                              "  Things [Thing]\n"
                              "  Parent Thing\n"
                              "  Map {string:Thing}\n"
                              "  Counts {string:int}\n"
                              "  Weights [double]\n"
                              "  Nested [[Thing]]\n"
                              "  Colour Colour\n"
                              "  Data blob\n"
                              "struct QuietRequest\n"
                              "  Hidden [bool]\n";
    static const char *const want[] = {
        "struct demo_GetRequest {\n"
        "    struct opt_bool dry_run;\n"
        "    struct str cidr_ipv6;\n"
        "    struct opt_bool enable_dns64;\n"
        "    struct str db_name;\n"
        "    struct opt_i64 ipv6_support;\n"
        "    struct opt_i64 vcpu_count;\n"
        "    struct opt_i64 memory_mib;\n"
        "    struct str_list account_ids;\n"
        "    struct opt_i64 default_;\n"
        "};\n",
        "struct demo_Thing {\n"
        "    struct demo_ThingList things;\n"
        "    struct demo_Thing *parent;\n"
        "    struct demo_ThingMap map;\n"
        "    struct demo_NumberMap counts;\n"
        "    struct f64_list weights;\n"
        "    struct demo_ThingListList nested;\n"
        "    struct str colour;\n"
        "    struct str data;\n"
        "};\n",
        "struct demo_ThingList {\n    struct demo_Thing *v;\n    size_t n;\n};\n",
        "struct demo_ThingMapEntry {\n    struct str key;\n    struct demo_Thing *value;\n};\n",
        "struct demo_NumberMapEntry {\n    struct str key;\n    struct opt_i64 value;\n};\n",
        "struct demo_PutRequest {\n    char nothing_;\n};\n",
        "#define DEMO_COLOUR_DARK_BLUE S(\"dark-blue\")\n",
        "#define DEMO_COLOUR_LIGHT_GREEN S(\"light green\")\n",
        ("int demo_put(struct api_call *call, const struct demo_PutRequest *req,\n"
         "    struct demo_Thing *res);\n"),
    };
    struct str said, header;

    CHECK_INT(run(api, "Get demo_get read\nPut demo_put write\n", &said), 0);
    CHECK_STR(said, "");
    header = test_read_file(str_fmt(test_arena(), "%s/demo.h", test_dir()).p);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        if (str_find(header, str_from(want[i])) == SIZE_MAX)
            FAIL("the header lacks:\n%s", want[i]);
    /* and nothing of what nobody implements */
    CHECK(str_find(header, S("uiet")) == SIZE_MAX);
}

TEST(a_failed_run_leaves_the_old_output)
{
    struct str said, before;
    const char *path;

    CHECK_INT(run("op A - -> -\n", "", &said), 0);
    path = str_fmt(test_arena(), "%s/demo.h", test_dir()).p;
    before = test_read_file(path);
    CHECK_INT(run("op A X -> -\n", "", &said), 1);
    CHECK(str_eq(test_read_file(path), before));
}
