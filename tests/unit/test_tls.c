/*
 * TLS in the HTTP server, with OpenSSL's own client in the same thread: the client steps, the loop
 * turns.  The monotonic clock and the certificates' clock are the test's.
 */
#include "loop/tls.h"

#include "unit/http_server_help.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#define WALL_MS INT64_C(1700000000000)

static int64_t wall_now_ms = WALL_MS;
static struct authority *authority;
static struct tls *tls;
static SSL_CTX *client_ctx;
static unsigned n_tls, n_plain;

static int64_t
wall_ms(void)
{
    return wall_now_ms;
}

static bool
serves(struct str name)
{
    return str_ends(name, S(".amazonaws.com"));
}

static void
on_request(struct http_request *req)
{
    n_tls += req->tls;
    n_plain += !req->tls;
    http_respond(req, 200, NULL, 0, req->body.n ? req->body : req->head.path);
}

/* ctx: an error to answer once. */
static int
get_authority(void *ctx, const struct authority **ret)
{
    int *fault = ctx, r = *fault;

    *fault = 0;
    if (r == 0)
        *ret = authority;
    return r;
}

static int authority_fault;

static void
serve(void)
{
    static const struct str ips[] = {S_INIT("127.0.0.1"), S_INIT("::1")};
    struct tls_config config = {
        .serves = serves, .ips = ips, .n_ips = ARRAY_LEN(ips), .wall_ms = wall_ms};
    struct http_config http = {.on_request = on_request, .max_body_bytes = 4 << 20};
    struct str key, cert;

    CHECK_INT(authority_make(test_arena(), WALL_MS, &key, &cert), 0);
    CHECK_INT(authority_open(&authority, key, cert), 0);
    config.authority = get_authority;
    config.ctx = &authority_fault;
    CHECK_INT(tls_new(&tls, &config), 0);
    http.tls = tls;
    serve_with(&http);

    BIO *in = BIO_new_mem_buf(cert.p, (int)cert.n);
    X509 *ca = PEM_read_bio_X509(in, NULL, NULL, NULL);
    client_ctx = SSL_CTX_new(TLS_client_method());
    CHECK(ca && X509_STORE_add_cert(SSL_CTX_get_cert_store(client_ctx), ca) == 1);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(client_ctx), WALL_MS / 1000);
    SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
    X509_free(ca);
    BIO_free(in);
}

static void
end(void)
{
    CHECK_INT(http_server_stats(server).held, 0);
    SSL_CTX_free(client_ctx);
    http_server_free(server);
    tls_free(tls);
    authority_free(authority);
    loop_free(loop);
}

/* Whether the operation that answered r shall be tried again; turns the loop meanwhile. */
static bool
again(SSL *ssl, int r)
{
    int error = SSL_get_error(ssl, r);

    turn(1);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* A client that asks for a name (or an address, without SNI); NULL when it is not content. */
static SSL *
shake(const char *name, int version, bool h2)
{
    SSL *ssl = SSL_new(client_ctx);
    int r, tries = 0;

    SSL_set_fd(ssl, dial());
    if (name && name[0] > '9') {
        SSL_set_tlsext_host_name(ssl, name);
        SSL_set1_host(ssl, name);
    } else if (name) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
    }
    if (version)
        CHECK(SSL_set_min_proto_version(ssl, version) && SSL_set_max_proto_version(ssl, version));
    if (h2)
        SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2", 3);
    else
        SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    while ((r = SSL_connect(ssl)) != 1 && again(ssl, r) && ++tries < 1000)
        ;
    ERR_clear_error();
    if (r == 1)
        return ssl;
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
    turn(3);
    return NULL;
}

static void
hang_up(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
    turn(3);
}

static void
tell(SSL *ssl, struct str s)
{
    size_t n = 0;
    int r;

    while (s.n) {
        r = SSL_write_ex(ssl, s.p, s.n, &n);
        if (r == 1)
            s = str_cut(s, n, s.n);
        else
            CHECK(again(ssl, r));
    }
}

/* Exactly n bytes, or those before the end. */
static struct str
hear(SSL *ssl, size_t n)
{
    char *p = arena_alloc(test_arena(), n + 1);
    size_t at = 0, got;
    int r = 1;

    for (int idle = 0; at < n && idle < 200;) {
        r = SSL_read_ex(ssl, p + at, n - at, &got);
        if (r == 1) {
            at += got;
            idle = 0;
        } else if (!again(ssl, r)) {
            break;
        } else {
            idle++;
        }
    }
    return str_of(p, at);
}

static void
check_get(SSL *ssl)
{
    tell(ssl, S("GET /path HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct str s = hear(ssl, 4000);
    CHECK(str_starts(s, S("HTTP/1.1 200 OK\r\n")) && str_ends(s, S("\r\n\r\n/path")));
}

TEST(a_port_speaks_http_and_both_versions_of_tls)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    char text[1000];
    const unsigned char *proto;
    unsigned n;

    serve();
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        SSL *ssl = shake("sts.us-east-1.amazonaws.com", versions[i], false);

        CHECK(ssl && SSL_version(ssl) == versions[i]);
        SSL_get0_alpn_selected(ssl, &proto, &n);
        CHECK_STR(str_of(proto, n), "http/1.1");
        check_get(ssl);
        check_get(ssl); /* on the same connection */
        hang_up(ssl);
    }
    CHECK_INT(n_tls, 4);
    int fd = dial();
    CHECK(send(fd, "GET /p HTTP/1.1\r\nHost: a\r\n\r\n", 28, 0) == 28);
    turn(4);
    ssize_t got = recv(fd, text, sizeof(text), 0);
    CHECK(got > 0 && str_ends(str_of(text, (size_t)got), S("\r\n\r\n/p")));
    CHECK_INT(n_plain, 1);
    close(fd);
    turn(3);
    CHECK(!shake("sts.amazonaws.com", TLS1_1_VERSION, false));
    CHECK_INT(http_server_stats(server).connections, 0);
    end();
}

TEST(certificates_are_for_the_name_that_was_asked_for)
{
    SSL *ssl;

    serve();
    CHECK((ssl = shake("bucket.s3.eu-west-1.amazonaws.com", 0, false)));
    hang_up(ssl);
    CHECK((ssl = shake("localhost", 0, false)));
    hang_up(ssl);
    CHECK((ssl = shake("127.0.0.1", 0, false)));
    hang_up(ssl);
    /* Not served: the certificate is localhost's, and the client sees that. */
    CHECK(!shake("www.example.com", 0, false));
    CHECK(!shake("amazonaws.com.example.com", 0, false));
    CHECK(!shake("10.0.0.1", 0, false));
    /* No common protocol. */
    CHECK(!shake("localhost", 0, true));
    end();
}

/* What a verifier that trusts the authority says of a certificate for that name. */
static int
verdict(const char *name)
{
    struct str dns = str_from(name);
    struct authority_names names = {.dns = &dns, .n_dns = 1};
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    EVP_PKEY *key = authority_leaf_key();
    X509 *x;

    CHECK_INT(authority_issue(authority, key, &names, WALL_MS, &x), 0);
    CHECK(X509_STORE_CTX_init(ctx, SSL_CTX_get_cert_store(client_ctx), x, NULL) == 1);
    X509_STORE_CTX_set_time(ctx, 0, WALL_MS / 1000);
    X509_verify_cert(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_free(x);
    EVP_PKEY_free(key);
    return error;
}

TEST(the_authority_can_sign_for_aws_and_this_machine_only)
{
    serve();
    CHECK_INT(verdict("sqs.eu-west-1.amazonaws.com"), X509_V_OK);
    CHECK_INT(verdict("ec2.us-east-1.api.aws"), X509_V_OK);
    CHECK_INT(verdict("localhost"), X509_V_OK);
    CHECK_INT(verdict("www.example.com"), X509_V_ERR_PERMITTED_VIOLATION);
    CHECK_INT(verdict("amazonaws.com.example.com"), X509_V_ERR_PERMITTED_VIOLATION);
    CHECK_INT(verdict("console.aws.amazon.com"), X509_V_ERR_PERMITTED_VIOLATION);
    /* Ten years. */
    int64_t years = (authority_expires_ms(authority) - WALL_MS) / (INT64_C(365) * 86400000);
    CHECK_INT(years, 10);
    end();
}

TEST(an_authority_opens_from_its_own_two_texts_only)
{
    struct str key[2], cert[2];
    struct authority *a;

    for (int i = 0; i < 2; i++)
        CHECK_INT(authority_make(test_arena(), WALL_MS, &key[i], &cert[i]), 0);
    CHECK(!str_eq(cert[0], cert[1]) && cert[0].n < AUTHORITY_PEM_MAX);
    CHECK_INT(authority_open(&a, key[0], cert[1]), -EINVAL);
    CHECK_INT(authority_open(&a, S(""), cert[1]), -EINVAL);
    CHECK_INT(authority_open(&a, key[0], S("-----BEGIN CERTIFICATE-----\n")), -EINVAL);
    CHECK_INT(authority_open(&a, key[1], cert[1]), 0);
    CHECK(authority_hash(a) != 0);
    CHECK(authority_is_constrained(cert[0]));
    CHECK(!authority_is_constrained(S("")) && !authority_is_constrained(key[0]));
    CHECK(!authority_is_constrained(str_cat(test_arena(), cert[0], cert[1])));
    /* Its own leaves are no authorities. */
    struct str name = S("localhost");
    struct authority_names names = {.dns = &name, .n_dns = 1};
    EVP_PKEY *leaf_key = authority_leaf_key();
    X509 *leaf;
    CHECK_INT(authority_issue(a, leaf_key, &names, WALL_MS, &leaf), 0);
    BIO *out = BIO_new(BIO_s_mem());
    char *p;
    CHECK(PEM_write_bio_X509(out, leaf) == 1);
    long n = BIO_get_mem_data(out, &p);
    CHECK(!authority_is_constrained(str_of(p, (size_t)n)));
    BIO_free(out);
    X509_free(leaf);
    EVP_PKEY_free(leaf_key);
    authority_free(a);
}

/* The serial number of the certificate for a name, and how many days it is still good. */
static struct str
serial(const char *name, int *ret_days)
{
    SSL *ssl;
    int seconds;

    SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
    CHECK((ssl = shake(name, 0, false)));
    X509 *x = SSL_get1_peer_certificate(ssl);
    const ASN1_INTEGER *n = X509_get0_serialNumber(x);
    struct str s = str_hex(test_arena(), ASN1_STRING_get0_data(n), (size_t)ASN1_STRING_length(n));
    ASN1_TIME *now = ASN1_TIME_set(NULL, wall_now_ms / 1000);
    ASN1_TIME_diff(ret_days, &seconds, now, X509_get0_notAfter(x));
    ASN1_TIME_free(now);
    X509_free(x);
    hang_up(ssl);
    return s;
}

TEST(certificates_are_kept_and_renewed_in_their_last_third)
{
    int days;

    serve();
    struct str first = serial("ec2.us-east-1.amazonaws.com", &days);
    CHECK_INT(days, 90);
    wall_now_ms += INT64_C(59) * 86400000;
    CHECK(str_eq(serial("EC2.us-east-1.amazonaws.com", &days), first));
    wall_now_ms += INT64_C(2) * 86400000;
    CHECK(!str_eq(serial("ec2.us-east-1.amazonaws.com", &days), first));
    CHECK_INT(days, 90);
    end();
}

TEST(names_without_end_push_out_the_oldest_certificates)
{
    int days;

    serve();
    struct str kept = serial("kept.amazonaws.com", &days),
               lost = serial("lost.amazonaws.com", &days);
    for (int i = 0; i < TLS_LEAVES_MAX - 1; i++) {
        serial(test_fmt("n%d.amazonaws.com", i), &days);
        CHECK(str_eq(serial("kept.amazonaws.com", &days), kept));
    }
    CHECK(!str_eq(serial("lost.amazonaws.com", &days), lost));
    end();
}

TEST(bodies_larger_than_any_buffer_pass_tls_both_ways)
{
    size_t n = 3 << 20;
    char *body = arena_alloc(test_arena(), n);
    SSL *ssl;

    for (size_t i = 0; i < n; i++)
        body[i] = (char)(i * 7 + i / 4096);
    serve();
    CHECK((ssl = shake("localhost", 0, false)));
    for (int i = 0; i < 2; i++) {
        tell(ssl, str_from(test_fmt("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                                    n)));
        tell(ssl, str_of(body, n));
        turn(200); /* the answer fills the socket and waits */
        struct str s = hear(ssl, 1);
        while (!str_ends(s, S("\r\n\r\n")))
            s = str_cat(test_arena(), s, hear(ssl, 1));
        CHECK(str_eq(hear(ssl, n), str_of(body, n)));
    }
    hang_up(ssl);
    end();
}

TEST(a_connection_that_closes_says_goodbye)
{
    SSL *ssl;

    serve();
    CHECK((ssl = shake("localhost", 0, false)));
    tell(ssl, S("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    CHECK(str_starts(hear(ssl, 4000), S("HTTP/1.1 200 OK")));
    CHECK(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
    hang_up(ssl);
    CHECK((ssl = shake("localhost", 0, false)));
    tell(ssl, S("nonsense\r\n\r\n"));
    CHECK(str_starts(hear(ssl, 4000), S("HTTP/1.1 400 ")));
    CHECK(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
    hang_up(ssl);
    CHECK_INT(http_server_stats(server).connections, 0);
    end();
}

TEST(an_authority_that_cannot_be_opened_is_asked_for_again_by_the_next_connection)
{
    SSL *ssl;

    serve();
    authority_fault = -EIO;
    CHECK(!shake("localhost", 0, false));
    CHECK_INT(http_server_stats(server).connections, 0);
    CHECK((ssl = shake("localhost", 0, false)));
    check_get(ssl);
    hang_up(ssl);
    end();
}

TEST(a_handshake_that_does_not_end_is_ended)
{
    /* A record of a handshake of 16 MB, as far as it claims. */
    static const unsigned char begin[] = {0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff};
    static char zeros[16384];
    SSL *ssl;

    serve();
    int slow = dial(), large = dial(), wrong = dial(), half = dial();

    CHECK(send(slow, begin, 3, 0) == 3);
    CHECK(send(wrong, "\x16garbage that is no record at all", 33, 0) == 33);
    CHECK(send(half, begin, 1, 0) == 1);
    turn(4);
    CHECK_INT(http_server_stats(server).connections, 3); /* not `wrong` */
    ssize_t sent = send(large, begin, sizeof(begin), MSG_NOSIGNAL), r = 0;
    for (int i = 0; i < 100 && (r = send(large, zeros, sizeof(zeros), MSG_NOSIGNAL)) > 0; i++) {
        sent += r;
        turn(4);
    }
    CHECK(r < 0 && errno != EAGAIN && sent < 20 * TLS_HANDSHAKE_MAX_BYTES);
    /* Others are served meanwhile, */
    CHECK((ssl = shake("localhost", 0, false)));
    check_get(ssl);
    /* and after the time for a head the slow ones are gone. */
    mono_ms += 11000;
    turn(4);
    CHECK_INT(http_server_stats(server).connections, 1);
    hang_up(ssl);
    close(slow);
    close(large);
    close(wrong);
    close(half);
    end();
}

TEST(a_peer_that_only_changes_keys_gets_nothing_and_keeps_nobody_waiting)
{
    SSL *busy, *ssl;

    serve();
    CHECK((busy = shake("localhost", TLS1_3_VERSION, false)));
    for (int i = 0; i < 1000; i++) {
        if (SSL_key_update(busy, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || SSL_do_handshake(busy) != 1)
            break; /* it was closed: as good */
        if (i == 500) {
            CHECK((ssl = shake("localhost", 0, false)));
            check_get(ssl);
            hang_up(ssl);
        }
    }
    mono_ms += 61000;
    turn(4);
    CHECK_INT(http_server_stats(server).connections, 0);
    hang_up(busy);
    ERR_clear_error();
    end();
}
