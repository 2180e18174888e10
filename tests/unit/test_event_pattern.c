/* Event patterns: what fits, and what is said of those that are none. */
#include "codec/event_pattern.h"
#include "harness/harness.h"

static struct arena arena;

/* Texts have ' for ". */
static struct str
quoted(const char *text)
{
    char *copy = str_cstr(&arena, str_from(text));

    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return str_from(copy);
}

static bool
fits(const char *pattern_text, const char *event_text)
{
    const struct event_pattern *pattern;
    struct json event;
    struct str why;
    size_t at;

    if (!event_pattern_parse(&arena, quoted(pattern_text), &pattern, &why))
        FAIL("%s: %.*s", pattern_text, STR_ARG(why));
    if (!json_parse(&arena, quoted(event_text), 1000, &event, &at))
        FAIL("%s is no JSON at %zu", event_text, at);
    return event_pattern_match(pattern, &event);
}

static const struct {
    const char *pattern, *event;
    bool want;
} fitting[] = {
    {"{'a': ['x']}", "{'a': 'x', 'b': 1}", true},
    {"{'a': ['x']}", "{'a': 'X'}", false},
    {"{'a': ['x', 'y']}", "{'a': 'y'}", true},
    {"{'a': ['x'], 'b': ['y']}", "{'a': 'x'}", false},
    {"{'a': ['x']}", "{'a': ['w', ['x']]}", true},
    {"{'a': ['x']}", "{'a': {'x': 1}}", false},
    {"{'a': ['']}", "{'a': ''}", true},
    {"{'a': [null]}", "{'a': null}", true},
    {"{'a': [null]}", "{}", false},
    {"{'a': [true]}", "{'a': true}", true},
    {"{'a': [true]}", "{'a': 'true'}", false},
    {"{'a': [300]}", "{'a': 3.0e2}", true},
    {"{'a': [300]}", "{'a': '300'}", false},
    {"{'a': [123456789012345678]}", "{'a': 123456789012345678}", true},
    {"{'a': ['2001:db8::1']}", "{'a': '2001:0db8:0:0:0:0:0:1'}", true},
    {"{'a': [{'exactly': 'x'}]}", "{'a': 'x'}", true},
    {"{'a': [{'prefix': 'ab'}]}", "{'a': 'abc'}", true},
    {"{'a': [{'prefix': 'ab'}]}", "{'a': 'a'}", false},
    {"{'a': [{'prefix': {'equals-ignore-case': 'aB'}}]}", "{'a': 'Abc'}", true},
    {"{'a': [{'suffix': '.png'}]}", "{'a': 'x.png'}", true},
    {"{'a': [{'suffix': '.png'}]}", "{'a': 'png'}", false},
    {"{'a': [{'suffix': {'equals-ignore-case': '.PNG'}}]}", "{'a': 'x.png'}", true},
    {"{'a': [{'equals-ignore-case': 'Alice'}]}", "{'a': 'aLICE'}", true},
    {"{'a': [{'equals-ignore-case': 'Alice'}]}", "{'a': 'Alic'}", false},
    {"{'a': [{'wildcard': 'dir/*.png'}]}", "{'a': 'dir/a/b.png'}", true},
    {"{'a': [{'wildcard': 'dir/*.png'}]}", "{'a': 'dir/a.png.'}", false},
    {"{'a': [{'wildcard': '*a*ab'}]}", "{'a': 'xaaab'}", true},
    {"{'a': [{'wildcard': 'a?'}]}", "{'a': 'ab'}", false},
    {"{'a': [{'wildcard': '\\\\*\\\\\\\\'}]}", "{'a': '*\\\\'}", true},
    {"{'a': [{'wildcard': '\\\\**'}]}", "{'a': 'x'}", false},
    {"{'a': [{'wildcard': '*'}]}", "{'a': ''}", true},
    {"{'a': [{'anything-but': 'x'}]}", "{'a': 'y'}", true},
    {"{'a': [{'anything-but': 'x'}]}", "{'a': 'x'}", false},
    {"{'a': [{'anything-but': 'x'}]}", "{'b': 'x'}", false},
    {"{'a': [{'anything-but': 'x'}]}", "{'a': 1}", true},
    {"{'a': [{'anything-but': ['x', 'y']}]}", "{'a': 'y'}", false},
    {"{'a': [{'anything-but': [1, 2]}]}", "{'a': 2.0}", false},
    {"{'a': [{'anything-but': 1}]}", "{'a': 3}", true},
    {"{'a': [{'anything-but': ['x']}]}", "{'a': ['x', 'z']}", true},
    {"{'a': [{'anything-but': {'prefix': 'in'}}]}", "{'a': 'init'}", false},
    {"{'a': [{'anything-but': {'prefix': ['in', 'out']}}]}", "{'a': 'up'}", true},
    {"{'a': [{'anything-but': {'suffix': '1'}}]}", "{'a': 'x1'}", false},
    {"{'a': [{'anything-but': {'equals-ignore-case': ['X', 'y']}}]}", "{'a': 'Y'}", false},
    {"{'a': [{'anything-but': {'wildcard': '*/lib/*'}}]}", "{'a': '/usr/lib/x'}", false},
    {"{'a': [{'anything-but': {'wildcard': '*/lib/*'}}]}", "{'a': '/usr/bin/x'}", true},
    {"{'a': [{'numeric': ['>', 0, '<=', 5]}]}", "{'a': 5}", true},
    {"{'a': [{'numeric': ['>', 0, '<=', 5]}]}", "{'a': 0}", false},
    {"{'a': [{'numeric': ['<', 10]}]}", "{'a': 10}", false},
    {"{'a': [{'numeric': ['<', 10]}]}", "{'a': -3}", true},
    {"{'a': [{'numeric': ['>=', 10]}]}", "{'a': 1e1}", true},
    {"{'a': [{'numeric': ['<=', 10]}]}", "{'a': '3'}", false},
    {"{'a': [{'numeric': ['=', 3.018e2]}]}", "{'a': 301.8}", true},
    {"{'a': [{'numeric': ['=', 3]}]}", "{'a': 4}", false},
    {"{'a': [{'numeric': ['>', 0]}]}", "{'a': 6e9}", false},
    {"{'a': [{'cidr': '10.0.0.0/24'}]}", "{'a': '10.0.0.255'}", true},
    {"{'a': [{'cidr': '10.0.0.0/24'}]}", "{'a': '10.0.1.0'}", false},
    {"{'a': [{'cidr': '10.0.0.0/24'}]}", "{'a': 'x'}", false},
    {"{'a': [{'cidr': '10.0.0.0/20'}]}", "{'a': '10.0.15.1'}", true},
    {"{'a': [{'cidr': '2001:db8::/33'}]}", "{'a': '2001:db8:7fff::'}", true},
    {"{'a': [{'cidr': '2001:db8::/33'}]}", "{'a': '2001:db8:8000::'}", false},
    {"{'a': [{'exists': true}]}", "{'a': null}", true},
    {"{'a': [{'exists': true}]}", "{'a': {'b': 1}}", false},
    {"{'a': [{'exists': false}]}", "{'a': {'b': 1}}", true},
    {"{'a': [{'exists': false}]}", "{'a': []}", true},
    {"{'a': [{'exists': false}]}", "{'a': [1]}", false},
    {"{'a': ['x', {'exists': false}]}", "{'b': 1}", true},
    {"{'a': {'b': [{'exists': false}]}}", "{'a': 1}", true},
    {"{'a': {'b': [{'exists': false}]}}", "{'a': [{'b': 1}, {'c': 1}]}", false},
    {"{'a': {'b': [1]}}", "{'a': {'b': 1}}", true},
    {"{'a': {'b': [1]}}", "{'a': {'b': 2}}", false},
    {"{'a': {'b': [1], 'c': [2]}}", "{'a': [{'b': 1}, {'c': 2}]}", false},
    {"{'a': {'b': [1], 'c': [2]}}", "{'a': [{'b': 1}, [{'b': 1, 'c': 2}]]}", true},
    {"{'$or': [{'a': [1]}, {'b': [2], 'c': [3]}]}", "{'b': 2, 'c': 3}", true},
    {"{'$or': [{'a': [1]}, {'b': [2], 'c': [3]}]}", "{'b': 2, 'c': 4}", false},
    {"{'s': ['x'], 'd': {'$or': [{'a': [1]}, {'b': [2]}]}}", "{'s': 'x', 'd': {'b': 2}}", true},
    {"{'s': ['x'], 'd': {'$or': [{'a': [1]}, {'b': [2]}]}}", "{'s': 'y', 'd': {'b': 2}}", false},
    {"{'$or': [{'$or': [{'a': [1]}, {'b': [1]}]}, {'c': [1]}]}", "{'b': 1}", true},
    {"{'$or': [{'a': [1]}, {'b': [1]}], '$or': [{'c': [1]}, {'d': [1]}]}", "{'a': 1, 'e': 1}",
     false},
    {"{'a': ['x'], 'a': ['y']}", "{'a': 'x'}", false},
    {"{'a': ['x']}", "[{'a': 'x'}]", false},
};

TEST(patterns_fit_events_as_on_aws)
{
    arena_init(&arena, 4 << 20);
    for (size_t i = 0; i < ARRAY_LEN(fitting); i++)
        if (fits(fitting[i].pattern, fitting[i].event) != fitting[i].want)
            FAIL("%s: %s should %sfit", fitting[i].pattern, fitting[i].event,
                 fitting[i].want ? "" : "not ");
    arena_done(&arena);
}

static const struct {
    const char *pattern, *why;
    unsigned line, column;
} faulty[] = {
    {"{'source': ['aws.health'], 'detail': {}}", "Empty objects are not allowed", 1, 40},
    {"{\n  'detail': {\n    'pipeline': {\n\n      'slug': 'some-pipeline'\n    }\n  }\n}",
     "\"slug\" must be an object or an array", 5, 16},
    {"'x'", "Filter is not an object", 1, 2},
    {"", "Filter is not an object", 1, 1},
    {"[1]", "Filter is not an object", 1, 2},
    {"{'a': []}", "Empty arrays are not allowed", 1, 9},
    {"{'a': 5}", "\"a\" must be an object or an array", 1, 8},
    {"{'a': [['x']]}", "Match value must be String, number, true, false, or null", 1, 9},
    {"{'a': [{}]}", "Match expression name not found", 1, 10},
    {"{'a': [{'is': 'x'}]}", "Unrecognized match type is", 1, 16},
    {"{'a': [{'prefix': 1}]}", "prefix match pattern must be a string", 1, 20},
    {"{'a': [{'prefix': {'x': 1}}]}", "Unsupported prefix pattern: x", 1, 26},
    {"{'a': [{'suffix': {}}]}", "Suffix expression name not found", 1, 21},
    {"{'a': [{'suffix': ['x']}]}", "suffix match pattern must be a string", 1, 20},
    {"{'a': [{'prefix': 'x', 'suffix': 'y'}]}", "Only one key allowed in match expression", 1, 35},
    {"{'a': [{'exists': 'x'}]}", "exists match pattern must be either true or false.", 1, 20},
    {"{'a': [{'wildcard': 'a**'}]}", "Consecutive wildcard characters at pos 2", 1, 22},
    {"{'a': [{'wildcard': 'a\\\\b'}]}", "Invalid escape character at pos 2", 1, 22},
    {"{'a': [{'wildcard': 1}]}", "wildcard match pattern must be a string", 1, 22},
    {"{'a': [{'equals-ignore-case': 1}]}", "equals-ignore-case match pattern must be a string", 1,
     32},
    {"{'a': [{'numeric': 1}]}", "Value of numeric must be an array.", 1, 21},
    {"{'a': [{'numeric': []}]}", "Invalid member in numeric match: ]", 1, 22},
    {"{'a': [{'numeric': [5]}]}", "Invalid member in numeric match: 5", 1, 22},
    {"{'a': [{'numeric': ['>>', 5]}]}", "Unrecognized numeric range operator: >>", 1, 22},
    {"{'a': [{'numeric': ['=', 'x']}]}", "Value of equals must be numeric", 1, 27},
    {"{'a': [{'numeric': ['<']}]}", "Value of < must be numeric", 1, 25},
    {"{'a': [{'numeric': ['=', 1, 2]}]}", "Too many elements in numeric expression", 1, 30},
    {"{'a': [{'numeric': ['>', 1, 2]}]}", "Bad value in numeric range: 2", 1, 30},
    {"{'a': [{'numeric': ['>', 1, '>', 2]}]}", "Bad numeric range operator: >", 1, 30},
    {"{'a': [{'numeric': ['>', 1, '<', 'x']}]}", "Value of < must be numeric", 1, 35},
    {"{'a': [{'numeric': ['>', 1, '<', 2, 3]}]}", "Too many terms in numeric range expression", 1,
     38},
    {"{'a': [{'numeric': ['>', 2, '<', 1]}]}", "Bottom must be less than top", 1, 36},
    {"{'a': [{'numeric': ['>', 5e10]}]}", "Value must be between -5.0E9 and 5.0E9, inclusive", 1,
     30},
    {"{'a': [{'cidr': 'x'}]}", "Malformed CIDR, one '/' required", 1, 18},
    {"{'a': [{'cidr': '10.0.0.0/x'}]}", "Malformed CIDR, mask bits must be an integer", 1, 18},
    {"{'a': [{'cidr': '10.0.0.0/-1'}]}", "Malformed CIDR, mask bits must not be negative", 1, 18},
    {"{'a': [{'cidr': 'ten/1'}]}", "Nonstandard IP address: ten", 1, 18},
    {"{'a': [{'cidr': '10.0.0.0/33'}]}", "IPv4 mask bits must be < 33", 1, 18},
    {"{'a': [{'cidr': '::/129'}]}", "IPv6 mask bits must be < 129", 1, 18},
    {"{'a': [{'anything-but': true}]}",
     "Value of anything-but must be an array or single string/number value.", 1, 29},
    {"{'a': [{'anything-but': ['x', 1]}]}",
     "Inside anything but list, either all values are number or string, mixed type is not "
     "supported",
     1, 32},
    {"{'a': [{'anything-but': [null]}]}",
     "Inside anything but list, start|null|boolean is not supported.", 1, 30},
    {"{'a': [{'anything-but': {'prefix': ''}}]}", "Null prefix/suffix not allowed", 1, 37},
    {"{'a': [{'anything-but': {'prefix': 1}}]}", "prefix/suffix match pattern must be a string", 1,
     37},
    {"{'a': [{'anything-but': {'cidr': 'x'}}]}", "Unsupported anything-but pattern: cidr", 1, 35},
    {"{'a': [{'anything-but': {'equals-ignore-case': [1]}}]}",
     "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.", 1,
     50},
    {"{'$or': {'a': [1]}}", "It must be an Array followed with $or.", 1, 10},
    {"{'$or': [{'a': [1]}]}", "There must have at least 2 Objects in $or relationship.", 1, 21},
    {"{'$or': [1, 2]}", "Only JSON object is allowed in array of $or relationship.", 1, 11},
    {"{'$or': [{'prefix': ['x']}, {'b': [1]}]}",
     "prefix is Ruler reserved fieldName which cannot be used inside $or.", 1, 22},
    {"nonsense",
     "Unrecognized token 'nonsense': was expecting (JSON String, Number, Array, Object or "
     "token 'null', 'true' or 'false')",
     1, 9},
    {"{'a': ['x'", "Unexpected end-of-input", 1, 11},
};

/* The first two are what AWS answered to somebody. */
TEST(what_is_no_pattern_is_refused_in_the_words_of_aws)
{
    arena_init(&arena, 4 << 20);
    for (size_t i = 0; i < ARRAY_LEN(faulty); i++) {
        const struct event_pattern *pattern = NULL;
        struct str text = quoted(faulty[i].pattern), why;
        struct str want =
            str_fmt(&arena, "%s\n at [Source: (String)\"%.*s\"; line: %u, column: %u]",
                    faulty[i].why, STR_ARG(text), faulty[i].line, faulty[i].column);

        if (event_pattern_parse(&arena, text, &pattern, &why))
            FAIL("%s is taken", faulty[i].pattern);
        if (!str_eq(why, want))
            FAIL("%.*s\nis not\n%.*s", STR_ARG(why), STR_ARG(want));
    }
    arena_done(&arena);
}

TEST(a_pattern_tells_its_size_and_which_sources_fit)
{
    struct str_list texts;
    const struct event_pattern *pattern;
    struct str why;

    arena_init(&arena, 1 << 20);
    CHECK(event_pattern_parse(
        &arena,
        quoted("{'source': ['aws.ec2', {'prefix': 'my'}], 'detail': {'a': {'b': [1, 2, 3]}}}"),
        &pattern, &why));
    struct event_pattern_size size = event_pattern_size(pattern);

    CHECK_INT(size.fields, 2);
    CHECK_INT(size.depth, 3);
    CHECK_INT(size.combinations, 6);
    CHECK(!event_pattern_texts(pattern, S("source"), &arena, &texts));
    CHECK(!event_pattern_texts(pattern, S("detail-type"), &arena, &texts));
    CHECK(event_pattern_parse(&arena, quoted("{'source': ['a', 'b']}"), &pattern, &why));
    CHECK(event_pattern_texts(pattern, S("source"), &arena, &texts));
    CHECK(texts.n == 2 && str_is(texts.v[0], "a") && str_is(texts.v[1], "b"));
    arena_done(&arena);
}
