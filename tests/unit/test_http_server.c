/* The HTTP server: requests in pieces, limits, deadlines, what clients do wrong. */
#include "unit/http_server_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static unsigned n_turns;

/* Requests that the test holds, and what it was told of them. */
static struct http_request *held[8];
static unsigned n_held, n_gone, n_drained;
static bool hold;
static char text[1 << 20];

static void
on_request(struct http_request *req)
{
    static const struct http_header headers[] = {{S_INIT("X-A"), S_INIT("b\r\nX-Evil: 1")}};

    CHECK(req->ctx == &server);
    if (hold) {
        CHECK(n_held < ARRAY_LEN(held));
        held[n_held++] = req;
        return;
    }
    if (str_starts(req->head.path, S("/echo")))
        http_respond(req, 200, NULL, 0, req->body);
    else if (str_is(req->head.path, "/header"))
        http_respond(req, 201, headers, 1, S("x"));
    else if (str_is(req->head.path, "/none"))
        http_respond(req, 204, NULL, 0, S(""));
    else
        http_respond(req, 200, NULL, 0, req->head.path);
}

static void
serve(struct http_config config)
{
    config.on_request = on_request;
    config.ctx = &server;
    serve_with(&config);
}

static void
end(void)
{
    CHECK_INT(http_server_stats(server).held, 0);
    http_server_free(server);
    loop_free(loop);
}

static void
tell(int fd, const char *s)
{
    CHECK(send(fd, s, strlen(s), MSG_NOSIGNAL) == (ssize_t)strlen(s));
    turn(4);
}

/* All that came; "EOF" behind it when the server closed, "RST" when it reset. */
static struct str
hear(int fd)
{
    size_t n = 0;

    for (int idle = 0; idle < 3;) {
        ssize_t r = recv(fd, text + n, sizeof(text) - n - 4, 0);
        if (r > 0) {
            n += (size_t)r;
            idle = 0;
        } else if (r < 0 && errno == EAGAIN) {
            turn(2);
            idle++;
        } else {
            memcpy(text + n, r == 0 ? "EOF" : "RST", 3);
            n += 3;
            break;
        }
    }
    return str_of(text, n);
}

/* The Date header says another thing every second. */
static struct str
hear_undated(int fd)
{
    struct str s = hear(fd);
    char *out = arena_alloc(test_arena(), s.n + 1);
    size_t n = 0;

    while (s.p) {
        struct str line = str_split(&s, '\n');
        if (str_starts(line, S("Date: ")))
            continue;
        memcpy(out + n, line.p, line.n);
        n += line.n;
        if (s.p)
            out[n++] = '\n';
    }
    return str_of(out, n);
}

static bool
heard(struct str s, const char *part)
{
    return str_find(s, str_from(part)) != SIZE_MAX;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK(n, body) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\n\r\n" body

TEST(requests_on_one_connection_are_answered_in_order)
{
    serve((struct http_config){0});
    int fd = dial();

    tell(fd, GET("/a"));
    CHECK_STR(hear_undated(fd), OK("2", "/a"));
    tell(fd, GET("/b") "\r\n" GET("/c")
             "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz" GET("/d"));
    CHECK_STR(hear_undated(fd), OK("2", "/b") OK("2", "/c") OK("3", "xyz") OK("2", "/d"));
    CHECK_INT(http_server_stats(server).requests, 5);
    CHECK_INT(http_server_stats(server).connections, 1);
    close(fd);
    turn(3);
    CHECK_INT(http_server_stats(server).connections, 0);
    end();
}

TEST(a_request_that_comes_byte_by_byte_is_one_request)
{
    static const char chunked[] = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
                                  "\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    static const char plain[] = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nwxyz";

    serve((struct http_config){0});
    int fd = dial();
    for (size_t i = 0; i < sizeof(chunked) - 1; i++)
        tell(fd, (char[]){chunked[i], 0});
    for (size_t i = 0; i < sizeof(plain) - 1; i++)
        tell(fd, (char[]){plain[i], 0});
    CHECK_STR(hear_undated(fd), OK("5", "abcde") OK("4", "wxyz"));
    close(fd);
    end();
}

TEST(an_answer_may_come_later_and_the_next_request_waits_for_it)
{
    serve((struct http_config){0});
    int fd = dial();

    hold = true;
    tell(fd, GET("/a") GET("/b"));
    CHECK_INT(n_held, 1);
    tell(fd, GET("/c"));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_INT(n_held, i + 1);
        CHECK_STR(hear(fd), "");
        CHECK_INT(held[i]->head.path.p[1], "abc"[i]);
        CHECK(held[i]->listener_ctx == &listener);
        http_respond(held[i], 200, NULL, 0, S("late"));
        turn(3);
        CHECK_STR(hear_undated(fd), OK("4", "late"));
    }
    close(fd);
    end();
}

TEST(heads_of_answers_are_what_method_version_and_status_want)
{
    serve((struct http_config){0});
    int fd = dial();

    tell(fd, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" GET("/none"));
    CHECK_STR(hear_undated(fd),
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    /* A value cannot end its line. */
    tell(fd, GET("/header"));
    CHECK_STR(hear_undated(fd),
              "HTTP/1.1 201 Created\r\nX-A: b  X-Evil: 1\r\nContent-Length: 1\r\n\r\nx");
    tell(fd, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK_STR(hear_undated(fd),
              "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n/a");
    tell(fd, "GET /a HTTP/1.0\r\n\r\n");
    CHECK_STR(hear_undated(fd),
              "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n/aEOF");
    close(fd);
    fd = dial();
    tell(fd, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" GET("/never"));
    CHECK_STR(hear_undated(fd),
              "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n/aEOF");
    close(fd);
    end();
}

TEST(a_body_is_waited_for_and_a_client_that_asks_is_told_to_go_on)
{
    serve((struct http_config){.max_body_bytes = 300000});
    int fd = dial();
    char *body = arena_alloc(test_arena(), 250001);

    memset(body, 'x', 250000);
    tell(fd, "PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
             "Content-Length: 250000\r\n\r\n");
    CHECK_STR(hear(fd), "HTTP/1.1 100 Continue\r\n\r\n");
    for (int i = 0; i < 250000; i += 50000) {
        CHECK(send(fd, body + i, 50000, 0) == 50000);
        turn(3);
    }
    struct str got = hear(fd);
    CHECK(got.n > 250000 && str_ends(got, str_of(body, 250000)));

    /* The same in chunks. */
    tell(fd, "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 250000; i += 50000) {
        tell(fd, "c350\r\n");
        CHECK(send(fd, body + i, 50000, 0) == 50000);
        tell(fd, "\r\n");
    }
    tell(fd, "0\r\n\r\n");
    got = hear(fd);
    CHECK(got.n > 250000 && str_ends(got, str_of(body, 250000)));
    close(fd);
    end();
}

static struct str
on_reject(struct http_request *req, unsigned status, struct str *ret_type)
{
    *ret_type = S("text/x");
    return status == 413 && str_is(req->head.path, "/echo") ? S("too big") : S("no");
}

TEST(what_is_refused_is_answered_and_the_connection_closed)
{
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"nonsense\r\n", "HTTP/1.1 400 Bad Request\r\n"},
        {"GET / HTTP/3.0\r\n\r\n", "HTTP/1.1 505 "},
        {"PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\n",
         "HTTP/1.1 413 Content Too Large\r\nContent-Type: text/x\r\n"},
        {"PUT /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n",
         "HTTP/1.1 413 "},
        {"PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
         ""},
        {"PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
         "HTTP/1.1 400 "},
        {"PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xy\r\n\r\n", "HTTP/1.1 501 "},
    };

    serve((struct http_config){.max_body_bytes = 1000, .on_reject = on_reject});
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = dial();
        tell(fd, rows[i].request);
        struct str got = hear(fd);
        CHECK(str_starts(got, str_from(rows[i].answer)));
        CHECK(str_ends(got, S("EOF")) == (rows[i].answer[0] != '\0'));
        if (i == 2)
            CHECK(str_ends(got, S("\r\n\r\ntoo bigEOF")) && heard(got, "Connection: close"));
        close(fd);
    }
    end();
}

TEST(a_chunked_body_past_the_limit_is_refused_while_the_client_still_writes)
{
    char *body = arena_alloc(test_arena(), 100000);

    serve((struct http_config){.max_body_bytes = 1000});
    int fd = dial();
    memset(body, 'x', 100000);
    tell(fd, "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n");
    CHECK(send(fd, body, 50000, 0) == 50000);
    turn(5);
    CHECK(send(fd, body, 50000, MSG_NOSIGNAL) == 50000);
    turn(5);
    CHECK(str_starts(hear(fd), S("HTTP/1.1 413 ")));
    CHECK_INT(http_server_stats(server).connections, 1);
    mono_ms += 5001;
    turn(2);
    CHECK_INT(http_server_stats(server).connections, 0);
    close(fd);
    end();
}

TEST(a_head_past_the_limit_is_431)
{
    char *big = arena_alloc(test_arena(), 20001);

    serve((struct http_config){.max_header_bytes = 2000});
    memset(big, 'x', 20000);
    int fd = dial();
    tell(fd, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
    big[1900] = '\0';
    tell(fd, big);
    tell(fd, "\r\n\r\n");
    CHECK(str_starts(hear(fd), S("HTTP/1.1 200 ")));
    tell(fd, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
    tell(fd, big);
    tell(fd, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
             "\r\n\r\n");
    CHECK(str_starts(hear(fd), S("HTTP/1.1 431 ")));
    close(fd);
    end();
    server = NULL;

    /* And one that needs a larger buffer than the first. */
    serve((struct http_config){.max_header_bytes = 64 * 1024});
    fd = dial();
    big[1900] = 'x';
    tell(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nX: ");
    tell(fd, big);
    tell(fd, "\r\n\r\nhi" GET("/b"));
    CHECK_STR(hear_undated(fd), OK("2", "hi") OK("2", "/b"));
    close(fd);
    end();
}

/* What a slow client does to each limit in turn. */
TEST(slow_clients_are_closed)
{
    serve((struct http_config){.header_timeout_ms = 1000,
                               .body_timeout_ms = 1000,
                               .idle_timeout_ms = 5000});
    int silent = dial(), head = dial(), body = dial(), idle = dial(), ticking = dial();

    tell(head, "GET / HTTP/1.1\r\n");
    tell(body, "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    tell(idle, GET("/"));
    tell(ticking, GET("/"));
    CHECK_INT(http_server_stats(server).connections, 5);
    for (int i = 0; i < 5; i++) {
        mono_ms += 250;
        /* A byte now and then buys no time. */
        send(head, "X", 1, MSG_NOSIGNAL);
        send(body, "X", 1, MSG_NOSIGNAL);
        tell(ticking, GET("/"));
    }
    CHECK_STR(hear(silent), "EOF");
    CHECK(str_ends(hear(head), S("EOF")) || str_ends(hear(head), S("RST")));
    CHECK_INT(http_server_stats(server).connections, 2);
    CHECK_INT(http_server_stats(server).timeouts, 2);
    mono_ms += 3749;
    turn(2);
    CHECK_INT(http_server_stats(server).connections, 2);
    mono_ms += 2;
    turn(2);
    CHECK_INT(http_server_stats(server).connections, 1);
    CHECK(str_ends(hear(idle), S("EOF")));
    tell(ticking, GET("/"));
    CHECK(heard(hear(ticking), "200 OK"));
    close(silent), close(head), close(body), close(idle), close(ticking);
    end();
}

TEST(a_body_that_comes_steadily_is_not_slow)
{
    char *piece = arena_alloc(test_arena(), 20000);

    serve((struct http_config){.body_timeout_ms = 1000});
    int fd = dial();
    tell(fd, "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        mono_ms += 900;
        CHECK(send(fd, piece, 20000, MSG_NOSIGNAL) == 20000);
        turn(3);
    }
    CHECK(hear(fd).n > 200000);
    close(fd);
    end();
}

TEST(a_client_that_does_not_read_gets_all_when_it_does_and_is_closed_when_it_never_does)
{
    size_t n = 30 << 20;
    struct buf body;

    serve((struct http_config){.write_timeout_ms = 1000});
    hold = true;
    for (int owned = 0; owned < 2; owned++) {
        int fd = dial(), dead = dial();
        for (int i = 0; i < 2; i++) {
            tell(i ? dead : fd, GET("/a"));
            buf_init(&body, n);
            CHECK(buf_reserve(&body, n));
            memset(body.p, 'x', n);
            body.n = n;
            if (owned)
                http_respond_buf(held[--n_held], 200, NULL, 0, &body);
            else
                http_respond(held[--n_held], 200, NULL, 0, buf_str(&body));
            CHECK_INT(body.n, owned ? 0 : n);
            buf_done(&body);
        }
        size_t got = 0, aged = 0;
        for (int i = 0; got < n && i < 1000000; i++) {
            ssize_t r = recv(fd, text, sizeof(text), 0);
            got += r > 0 ? (size_t)r : 0;
            if (aged < 2 && got > (aged + 1) * (n / 3)) {
                mono_ms += 900;
                aged++;
            }
            turn(1);
        }
        CHECK(got > n && got < n + 200);
        CHECK_INT(http_server_stats(server).connections, 1);
        hold = false;
        tell(fd, GET("/a"));
        CHECK(heard(hear(fd), "200 OK"));
        hold = true;
        close(fd), close(dead);
        turn(3);
    }
    end();
}

TEST(an_owned_body_that_is_taken_at_once_leaves_nothing_behind)
{
    struct buf body;

    serve((struct http_config){0});
    hold = true;
    int fd = dial();
    for (int i = 0; i < 3; i++) {
        tell(fd, GET("/a"));
        CHECK_INT(n_held, 1);
        buf_init(&body, 20000);
        while (!buf_failed(&body))
            buf_add_lit(&body, "0123456789");
        http_respond_buf(held[--n_held], 200, NULL, 0, &body);
        CHECK(body.n == 0 && !body.p);
        CHECK(heard(hear(fd), "Content-Length: 20000\r\n\r\n0123456789"));
        tell(fd, GET("/b"));
        http_respond(held[--n_held], 200, NULL, 0, S("b"));
        CHECK_STR(hear_undated(fd), OK("1", "b"));
    }
    close(fd);
    end();
}

static void
on_gone(struct http_request *req)
{
    CHECK(req->gone);
    n_gone++;
    if (req->user)
        http_respond(req, 200, NULL, 0, S("x"));
}

TEST(who_holds_a_request_is_told_when_its_client_leaves)
{
    serve((struct http_config){0});
    hold = true;
    for (int now = 0; now < 2; now++) {
        int fd = dial();
        tell(fd, GET("/a"));
        struct http_request *req = held[--n_held];
        req->on_gone = on_gone;
        req->user = now ? req : NULL;
        struct linger reset = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
        turn(4);
        CHECK_INT(n_gone, now + 1);
        if (!now) {
            CHECK_STR(req->head.path, "/a");
            CHECK_INT(http_request_fd(req), -1);
            http_respond(req, 200, NULL, 0, S("x"));
        }
        turn(2);
        CHECK_INT(http_server_stats(server).connections, 0);
    }
    end();
}

TEST(a_client_that_only_closed_its_sending_side_still_gets_its_answer)
{
    serve((struct http_config){0});
    hold = true;
    int fd = dial();
    tell(fd, GET("/a"));
    held[0]->on_gone = on_gone;
    shutdown(fd, SHUT_WR);
    turn(3);
    CHECK_INT(n_gone, 1);
    http_respond(held[0], 200, NULL, 0, S("x"));
    CHECK_STR(hear_undated(fd), OK("1", "xEOF"));
    close(fd);
    end();
}

static void
on_drain(struct http_request *req UNUSED)
{
    n_drained++;
}

TEST(a_stream_is_chunked_bounded_and_ends)
{
    struct str piece = str_of(arena_alloc(test_arena(), 100000), 100000);
    size_t taken = 0, got = 0;

    serve((struct http_config){.max_stream_bytes = 300000});
    hold = true;
    int fd = dial();
    tell(fd, GET("/a") GET("/b"));
    struct http_request *req = held[0];
    http_stream_begin(req, 200, NULL, 0);
    CHECK_INT(http_stream_write(req, S("")), 0);
    CHECK_INT(http_stream_write(req, S("hello")), 0);
    turn(2);
    CHECK_STR(hear_undated(fd),
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    req->on_drain = on_drain;
    while (http_stream_write(req, piece) == 0)
        taken += piece.n;
    CHECK_INT(http_stream_write(req, piece), -EAGAIN);
    CHECK_INT(n_drained, 0);
    for (int i = 0; i < 1000 && (n_drained == 0 || i < 10); i++) {
        ssize_t r = recv(fd, text, sizeof(text), 0);
        got += r > 0 ? (size_t)r : 0;
        turn(1);
    }
    CHECK_INT(n_drained, 1);
    CHECK(got > taken);
    CHECK_INT(n_held, 1);
    http_stream_end(req);
    CHECK_STR(hear(fd), "0\r\n\r\n");
    turn(2);
    CHECK_INT(n_held, 2);
    http_respond(held[1], 200, NULL, 0, S("b"));
    CHECK_STR(hear_undated(fd), OK("1", "b"));
    close(fd);
    end();
}

TEST(a_stream_to_an_old_client_or_for_head_has_no_chunks)
{
    serve((struct http_config){0});
    hold = true;
    int fd = dial();
    tell(fd, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
    http_stream_begin(held[0], 200, NULL, 0);
    CHECK_INT(http_stream_write(held[0], S("hello")), 0);
    http_stream_end(held[0]);
    CHECK_STR(hear_undated(fd), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    tell(fd, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    http_stream_begin(held[1], 200, NULL, 0);
    CHECK_INT(http_stream_write(held[1], S("hello")), 0);
    http_stream_end(held[1]);
    CHECK_STR(hear_undated(fd), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhelloEOF");
    close(fd);

    fd = dial();
    tell(fd, GET("/a"));
    struct http_request *req = held[2];
    req->on_gone = on_gone;
    http_stream_begin(req, 200, NULL, 0);
    struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    CHECK_INT(http_stream_write(req, S("x")), -EPIPE);
    CHECK_INT(n_gone, 0);
    turn(2);
    CHECK_INT(n_gone, 1);
    http_stream_end(req);
    end();
}

TEST(connections_past_the_limit_wait_and_one_address_has_a_limit_of_its_own)
{
    int fds[6];

    serve((struct http_config){.max_connections = 4});
    for (int i = 0; i < 6; i++)
        fds[i] = dial();
    for (int i = 0; i < 6; i++)
        tell(fds[i], GET("/a"));
    CHECK_INT(http_server_stats(server).connections, 4);
    CHECK_STR(hear(fds[4]), "");
    close(fds[0]);
    turn(4);
    CHECK(heard(hear(fds[4]), "200 OK"));
    for (int i = 1; i < 6; i++)
        close(fds[i]);
    turn(4);
    end();

    serve((struct http_config){.max_connections_per_peer = 2});
    for (int i = 0; i < 3; i++)
        fds[i] = dial();
    CHECK_STR(hear(fds[2]), "EOF");
    CHECK_INT(http_server_stats(server).refused, 1);
    close(fds[0]);
    turn(3);
    fds[0] = dial();
    tell(fds[0], GET("/a"));
    CHECK(heard(hear(fds[0]), "200 OK"));
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    end();
}

static int64_t
count_turns(struct env *e)
{
    n_turns++;
    return mono_ns(e);
}

TEST(running_out_of_descriptors_pauses_accepting_and_does_not_spin)
{
    struct rlimit limit;
    int fds[4], spare[64], n_spare = 0;

    serve((struct http_config){0});
    fds[0] = dial();
    fds[1] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 40;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while ((spare[n_spare] = dup(0)) >= 0)
        n_spare++;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fds[1], (struct sockaddr *)&at, sizeof(at)) == 0);
    turn(3);
    env.mono_ns = count_turns;
    /* A loop that spins would return at once. */
    CHECK_INT(loop_turn(loop, 50), 0);
    CHECK(n_turns < 10);
    CHECK_INT(http_server_stats(server).connections, 1);
    while (n_spare)
        close(spare[--n_spare]);
    mono_ms += 101;
    turn(4);
    CHECK_INT(http_server_stats(server).connections, 2);
    close(fds[0]), close(fds[1]);
    end();
}

TEST(stopping_answers_what_is_in_progress_and_closes_the_rest)
{
    serve((struct http_config){0});
    hold = true;
    int idle = dial(), busy = dial();
    tell(busy, GET("/a"));
    http_server_stop(server);
    CHECK_STR(hear(idle), "EOF");
    CHECK(!held[0]->listener_ctx);
    http_respond(held[0], 200, NULL, 0, S("x"));
    CHECK(heard(hear(busy), "Connection: close"));
    close(idle), close(busy);
    turn(3);
    CHECK_INT(http_server_stats(server).connections, 0);
    end();

    /* And the end without grace: the holder is told and may not answer. */
    serve((struct http_config){0});
    int fd = dial();
    tell(fd, GET("/a"));
    held[1]->on_gone = on_gone;
    http_server_free(server);
    loop_free(loop);
    CHECK_INT(n_gone, 1);
    close(fd);
}

TEST(a_unix_socket_serves_too_and_an_abandoned_one_is_replaced)
{
    char path[300];
    int first, second, none;

    CHECK(snprintf(path, sizeof(path), "%s/socket", test_dir()) > 0);
    CHECK_INT(net_listen_unix(path, 0600, &first), 0);
    CHECK_INT(net_listen_unix(path, 0600, &none), -EADDRINUSE);
    close(first);
    CHECK_INT(net_listen_unix(path, 0600, &second), 0);
    serve((struct http_config){0});
    CHECK_INT(http_server_listen(server, second, NULL, NULL), 0);
    CHECK_INT(net_listen_tcp(S("nowhere"), 0, &none), -EINVAL);
    CHECK_INT(net_listen_tcp(S("300.1.1.1"), 0, &none), -EINVAL);
    end();
}
