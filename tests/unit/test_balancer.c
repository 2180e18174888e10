/* Nodes of load balancers: what they are told, which rule a request is for, what they write. */
#include "balancer/balancer.h"
#include "balancer/route.h"
#include "harness/harness.h"

#include <stdlib.h>

#define GROUP(id, targets)                                                                         \
    "{\"id\":\"" id "\",\"interval_s\":5,\"timeout_s\":2,\"healthy\":2,\"unhealthy\":2,"           \
    "\"path\":\"/\",\"matcher\":\"200\",\"check_port\":\"traffic-port\",\"algorithm\":"            \
    "\"round_robin\",\"slow_s\":0,\"sticky\":\"\",\"sticky_cookie\":\"\",\"sticky_s\":60,"         \
    "\"targets\":[" targets "]}"
#define TARGET(id, port)                                                                           \
    "{\"id\":\"" id "\",\"ip\":\"10.0.0.1\",\"port\":" port ",\"since\":1,\"draining\":false}"
#define FORWARD                                                                                    \
    "{\"Type\":\"forward\",\"ForwardConfig\":{\"TargetGroups\":[{\"TargetGroupArn\":\"g\","        \
    "\"Weight\":1}],\"TargetGroupStickinessConfig\":{\"Enabled\":false}}}"
#define HEAD                                                                                       \
    "{\"idle_s\":60,\"keep_s\":3600,\"xff\":\"append\",\"xff_port\":\"false\","                    \
    "\"preserve_host\":\"false\",\"drop_invalid\":\"false\","
#define CONFIG(conditions)                                                                         \
    HEAD "\"groups\":[" GROUP(                                                                     \
        "g",                                                                                       \
        TARGET("a", "1") "," TARGET(                                                               \
            "b", "2")) "],\"listeners\":["                                                         \
                       "{\"port\":80,\"server\":\"true\",\"rules\":[{\"Conditions\":[" conditions  \
                       "],\"Actions\":[{\"Type\":\"fixed-response\",\"FixedResponseConfig\":{"     \
                       "\"StatusCode\":"                                                           \
                       "\"404\"}}]},{\"Conditions\":[],\"Actions\":[" FORWARD "]}]}]}"

/* Whether the first rule's conditions hold for a request. */
static bool
routed(const char *conditions, const char *request)
{
    static struct http_head head;
    struct bal_view view = {.head = &head, .client = 0x0a000005};
    struct bal_config *c = bal_config_read(str_from(conditions));
    size_t used;

    CHECK(c && c->listeners.n == 1 && c->listeners.v[0].rules.n == 2);
    CHECK(http_parse_head(str_from(request), &head, &used) == HTTP_COMPLETE);
    bool first = bal_route(&c->listeners.v[0], &view) == c->listeners.v[0].rules.v;

    bal_config_unref(c);
    return first;
}

#define ONE(field, config, values)                                                                 \
    CONFIG("{\"Field\":\"" field "\",\"" config "\":{\"Values\":" values "}}")
#define GET(path, more) "GET " path " HTTP/1.1\r\nHost: Shop.example:80\r\n" more "\r\n"

TEST(a_request_finds_the_rule_that_it_is_for, "ELB-26")
{
    CHECK(routed(ONE("path-pattern", "PathPatternConfig", "[\"/x\",\"/img/*\"]"),
                 GET("/img/a.png", "")));
    CHECK(!routed(ONE("path-pattern", "PathPatternConfig", "[\"/img/*\"]"), GET("/IMG/a", "")));
    CHECK(routed(ONE("host-header", "HostHeaderConfig", "[\"*.EXAMPLE\"]"), GET("/", "")));
    CHECK(!routed(ONE("host-header", "HostHeaderConfig", "[\"example\"]"), GET("/", "")));
    CHECK(routed(ONE("http-request-method", "HttpRequestMethodConfig", "[\"GET\"]"), GET("/", "")));
    CHECK(
        !routed(ONE("http-request-method", "HttpRequestMethodConfig", "[\"PUT\"]"), GET("/", "")));
    CHECK(routed(ONE("source-ip", "SourceIpConfig", "[\"10.0.0.0/8\"]"), GET("/", "")));
    CHECK(!routed(ONE("source-ip", "SourceIpConfig", "[\"192.168.0.0/16\"]"), GET("/", "")));
    CHECK(routed(ONE("query-string", "QueryStringConfig", "[{\"Key\":\"v\",\"Value\":\"2?\"}]"),
                 GET("/?a=1&V=22", "")));
    CHECK(!routed(ONE("query-string", "QueryStringConfig", "[{\"Key\":\"v\",\"Value\":\"2\"}]"),
                  GET("/?w=2", "")));
    CHECK(
        routed(ONE("query-string", "QueryStringConfig", "[{\"Value\":\"2\"}]"), GET("/?w=2", "")));
    const char *agent =
        CONFIG("{\"Field\":\"http-header\",\"HttpHeaderConfig\":{\"HttpHeaderName\":"
               "\"User-Agent\",\"Values\":[\"*Curl*\"]}}");
    CHECK(routed(agent, GET("/", "X: y\r\nuser-agent: curl/8\r\n")));
    CHECK(!routed(agent, GET("/", "")));
}

TEST(a_line_that_is_no_configuration_is_refused, "")
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        HEAD "\"groups\":[],\"listeners\":[{\"port\":80,\"rules\":[]}]}",
        HEAD "\"groups\":[],\"listeners\":[{\"port\":0,\"rules\":[]}]}",
        /* a group that there is not */
        HEAD "\"groups\":[],\"listeners\":[{\"port\":80,\"rules\":[{\"Conditions\":[],"
             "\"Actions\":[" FORWARD "]}]}]}",
        /* a target that nobody can connect to */
        HEAD "\"groups\":[" GROUP("g", TARGET("a", "70000")) "],\"listeners\":[]}",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (bal_config_read(str_from(bad[i])))
            FAIL("taken: %s", bad[i]);
    CHECK(bal_matches(S("200"), 200) && !bal_matches(S("200"), 201));
    CHECK(bal_matches(S("200,302"), 302) && bal_matches(S("200-299,404"), 204));
    CHECK(!bal_matches(S("200-299"), 300) && !bal_matches(S("x"), 200));
}

TEST(cookies_are_good_for_one_thing_and_a_time, "")
{
    char made[BAL_COOKIE_BYTES + 1];
    struct str value;

    bal_cookie_make(S("g i-1 80 1"), 1000, made);
    value = str_of(made, BAL_COOKIE_BYTES);
    CHECK(bal_cookie_is(value, S("g i-1 80 1"), 999));
    CHECK(!bal_cookie_is(value, S("g i-1 80 1"), 1000));
    CHECK(!bal_cookie_is(value, S("g i-2 80 1"), 999));
    CHECK(!bal_cookie_is(str_cut(value, 1, value.n), S("g i-1 80 1"), 999));
    made[20] = 'x';
    CHECK(!bal_cookie_is(value, S("g i-1 80 1"), 999));
}

TEST(an_answer_is_parsed_as_strictly_as_a_request, "")
{
    static struct http_head head;
    unsigned status = 0;
    size_t used;
    struct str ok = S("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nSet-Cookie: a=b\r\n\r\nabc");

    CHECK(http_parse_answer(ok, &head, &status, &used) == HTTP_COMPLETE);
    CHECK(status == 404 && head.content_length == 3 && head.keep_alive && used == ok.n - 3);
    CHECK(http_parse_answer(str_cut(ok, 0, used - 1), &head, &status, &used) == HTTP_MORE);
    CHECK(http_parse_answer(S("HTTP/1.0 200\r\n\r\n"), &head, &status, &used) == HTTP_COMPLETE);
    CHECK(!head.keep_alive && head.content_length == -1);
    static const char *const bad[] = {
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\nabcdef",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (http_parse_answer(str_from(bad[i]), &head, &status, &used) < 400)
            FAIL("taken: %s", bad[i]);
}

TEST(a_redirect_keeps_what_it_does_not_change, "")
{
    static struct http_head head;
    struct bal_view view = {.head = &head};
    size_t used;
    struct bal_action action = {.does = BAL_REDIRECT,
                                .protocol = S("HTTPS"),
                                .port = S("443"),
                                .host = S("#{host}"),
                                .path = S("/#{path}"),
                                .query = S("#{query}")};

    CHECK(http_parse_head(S("GET /a/b?c=d HTTP/1.1\r\nHost: h.example:8080\r\n\r\n"), &head,
                          &used) == HTTP_COMPLETE);
    CHECK_STR(bal_redirect(test_arena(), &action, &view, 8080), "https://h.example:443/a/b?c=d");
    action.protocol = S("#{protocol}");
    action.port = S("#{port}");
    action.host = S("new.#{host}");
    action.path = S("/x");
    action.query = S("");
    CHECK_STR(bal_redirect(test_arena(), &action, &view, 8080), "http://new.h.example:8080/x");
}
