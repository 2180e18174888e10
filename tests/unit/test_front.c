/* Who is a web page. */
#include "daemon/daemon.h"

#include "harness/harness.h"

static bool
foreign(const char *header, const char *origins)
{
    static struct http_head head;
    struct str in = str_fmt(test_arena(), "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", header);
    size_t n;

    CHECK_INT(http_parse_head(in, &head, &n), HTTP_COMPLETE);
    return front_is_foreign(&head, str_from(origins));
}

TEST(web_pages_of_other_machines_may_not_call_the_api)
{
    /* Programs say none of these. */
    CHECK(!foreign("X-A: b", NULL));
    /* This machine's own pages. */
    CHECK(!foreign("Origin: http://localhost:3000", NULL));
    CHECK(!foreign("Origin: https://127.0.0.1", NULL));
    CHECK(!foreign("Origin: http://127.1.2.3:80", NULL));
    CHECK(!foreign("Origin: http://[::1]:8080", NULL));
    CHECK(!foreign("Sec-Fetch-Site: none", NULL));
    CHECK(!foreign("Sec-Fetch-Site: same-origin", NULL));
    /* Others. */
    CHECK(foreign("Origin: https://evil.example.com", NULL));
    CHECK(foreign("Origin: http://localhost.evil.example.com", NULL));
    CHECK(foreign("Origin: http://127.0.0.1.evil.example.com", NULL));
    CHECK(foreign("Origin: null", NULL));
    CHECK(foreign("Origin:", NULL));
    CHECK(foreign("Origin: localhost", NULL));
    CHECK(foreign("Origin: http://localhost@evil.example.com", NULL));
    CHECK(foreign("Sec-Fetch-Site: cross-site", NULL));
    CHECK(foreign("Sec-Fetch-Site: same-site", NULL));
}

TEST(web_pages_that_the_user_names_may)
{
    const char *list = "https://a.example.com, http://b.example.com:8080";

    CHECK(!foreign("Origin: https://a.example.com", list));
    CHECK(!foreign("Origin: http://B.example.com:8080", list));
    CHECK(foreign("Origin: http://b.example.com", list));
    CHECK(foreign("Origin: https://a.example.com.evil.example.com", list));
    CHECK(foreign("Sec-Fetch-Site: cross-site", list));
    CHECK(foreign("Origin: ", list));
    CHECK(foreign("Origin: ", ""));
    CHECK(!foreign("Origin: https://evil.example.com", "*"));
    CHECK(!foreign("Origin: null", "*"));
    CHECK(!foreign("Sec-Fetch-Site: cross-site", "*"));
}
