/*
 * Calls, with the patience of aws-cfn-bootstrap: five tries, and as many as it takes while the
 * service is throttling or does not know a new key yet.
 */
#include "client.h"

#include "../fetch.h"
#include "../file.h"
#include "../http.h"
#include "auth.h"
#include "json.h"
#include "log.h"
#include "proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 8 << 20,
    DOWNLOAD_MAX = 256 << 20,
    ANSWER_MS = 30000,
    TRIES = 5,
    REDIRECTS_MAX = 5,
    SLEEP_MAX_S = 20,
};

enum verdict { DONE, TERMINAL, AGAIN, AGAIN_FOREVER };

/* A random part of 2^n - 1 seconds, at most 20. */
static void
back_off(unsigned n)
{
    unsigned span = n > 4 ? SLEEP_MAX_S : (1U << n) - 1;
    uint32_t draw = 0;

    assert(span <= SLEEP_MAX_S);
    if (getrandom(&draw, sizeof(draw), GRND_NONBLOCK) < 0)
        draw = (uint32_t)now_ms();
    uint64_t ms = (uint64_t)span * 1000 * (draw >> 16) / 65536;
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    if (ms)
        cfn_log(CFN_DEBUG, "Sleeping for %llu.%03llu seconds before retrying",
                (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000));
    nanosleep(&t, NULL);
}

static bool
again(enum verdict v, unsigned *n_tries, unsigned *max)
{
    assert(v != DONE && *n_tries < *max);
    *max += v == AGAIN_FOREVER;
    return ++*n_tries < *max && v != TERMINAL;
}

static bool
ends_with(struct str s, const char *end)
{
    struct str e = str_c(end);

    assert(e.n > 0);
    return s.n > e.n && str_ieq(str_cut(s, s.n - e.n, s.n), e);
}

/* Makes plain what may be plain: AWS's names are the daemon's.  See client.h. */
static bool
plain(struct url *u)
{
    if (str_ieq(u->scheme, S("http")))
        return true;
    if (!str_ieq(u->scheme, S("https")) || u->port != 443 ||
        (!ends_with(u->host, ".amazonaws.com") && !ends_with(u->host, ".amazonaws.com.cn")))
        return false;
    u->port = 80;
    return true;
}

static struct str
host_header(struct arena *a, const struct url *u)
{
    return u->port == 80 ? u->host : arena_fmt(a, "%.*s:%u", STR_ARG(u->host), u->port);
}

static bool
exchange(struct arena *a, const struct url *u, const char *method, struct str headers,
         struct str body, size_t max, struct http_response *ret, struct str *ret_why)
{
    struct str host = host_header(a, u);
    struct buf b = buf_new(a, headers.n + body.n + u->path.n + 4096);

    assert(method[0] && max > 0);
    cfn_log_wire("Request: %s http://%.*s%.*s", method, STR_ARG(host),
                 STR_ARG(str_cut(u->path, 0, str_find(u->path, S("?"), 0))));
    buf_fmt(&b, "%s %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: CloudFormation Tools\r\n%.*s",
            method, STR_ARG(u->path), STR_ARG(host), STR_ARG(headers));
    if (strcmp(method, "GET") != 0)
        buf_fmt(&b, "Content-Length: %zu\r\n", body.n);
    buf_add(&b, S("Connection: close\r\n\r\n"));
    buf_add(&b, body);
    if (!fetch_send(a, u, buf_str(&b), max, ANSWER_MS, ret, ret_why)) {
        cfn_log_wire("Response: none: %.*s", STR_ARG(*ret_why));
        return false;
    }
    cfn_log_wire("Response: %u http://%.*s", ret->status, STR_ARG(host));
    if (ret->status / 100 != 2)
        cfn_log_wire("Response error: %.*s", STR_ARG(str_cut(ret->body, 0, 4096)));
    return true;
}

static void
add_entity(struct buf *b, struct str name)
{
    static const struct {
        const char *name, *text;
    } names[] = {{"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}};
    bool hex = str_istarts(name, S("#x"));
    uint64_t code;

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_eq(name, str_c(names[i].name)))
            buf_add(b, str_c(names[i].text));
    if (name.n && name.p[0] == '#' &&
        str_u64(str_cut(name, hex ? 2 : 1, name.n), hex ? 16 : 10, &code) && code && code < 0x80)
        buf_byte(b, (char)code);
}

bool
xml_text(struct arena *a, struct str xml, const char *element, struct str *ret)
{
    struct str open = arena_fmt(a, "<%s>", element), close = arena_fmt(a, "</%s>", element);
    size_t from = str_find(xml, open, 0);
    size_t to = from == SIZE_MAX ? SIZE_MAX : str_find(xml, close, from);

    assert(element[0]);
    *ret = S("");
    if (to == SIZE_MAX)
        return false;
    struct str raw = str_cut(xml, from + open.n, to);
    struct buf b = buf_new(a, raw.n);
    for (size_t i = 0; i < raw.n; i++) {
        size_t end = raw.p[i] == '&' ? str_find(raw, S(";"), i) : SIZE_MAX;

        if (end == SIZE_MAX || end - i > 10) {
            buf_byte(&b, raw.p[i]);
            continue;
        }
        add_entity(&b, str_cut(raw, i + 1, end));
        i = end;
    }
    *ret = buf_str(&b);
    assert(ret->n <= raw.n);
    return true;
}

static bool
read_imds(struct arena *a, const char *item, struct str *ret, struct str *ret_why)
{
    struct imds m;
    int r = imds_open(&m, a);

    assert(item[0] && item[0] != '/');
    if (r == 0)
        r = imds_get(&m, item, ret);
    imds_close(&m);
    if (r < 0)
        *ret_why = arena_fmt(a, "the metadata service has no %s: %s", item, strerror(-r));
    return r == 0;
}

struct str
client_instance_id(struct arena *a)
{
    struct str id = S(""), why;

    return read_imds(a, "meta-data/instance-id", &id, &why) ? str_trim(id) : S("");
}

bool
client_role(struct arena *a, struct str role, struct credentials *ret, struct str *ret_why)
{
    struct str name = percent_encode(a, role), text;
    struct str item = arena_fmt(a, "meta-data/iam/security-credentials/%.*s", STR_ARG(name));

    assert(role.n > 0);
    if (!read_imds(a, item.p, &text, ret_why))
        return false;
    const struct node *n = json_parse(a, text, ret_why);
    if (!n)
        return false;
    *ret = (struct credentials){node_text(n, "AccessKeyId"), node_text(n, "SecretAccessKey"),
                                node_text(n, "Token")};
    *ret_why = S("the role's credentials are incomplete");
    return ret->access_key.n && ret->secret_key.n;
}

bool
client_read_credentials(struct arena *a, struct str path, struct credentials *ret,
                        struct str *ret_why)
{
    const char *p = arena_cstr(a, path);
    struct str text, line;
    struct stat st;

    assert(path.n > 0);
    *ret = (struct credentials){S(""), S(""), S("")};
    *ret_why = arena_fmt(a, "Credential file was not found at %s", p);
    if (stat(p, &st) < 0 || !S_ISREG(st.st_mode) || !file_read(a, p, 65536, &text))
        return false;
    *ret_why = S("Credential file cannot be accessible by group or other. Please chmod 600 the "
                 "credential file.");
    if (st.st_mode & 077)
        return false;
    while (str_line(&text, &line)) {
        line = str_trim(line);
        if (str_starts(line, S("AWSAccessKeyId=")))
            ret->access_key = str_cut(line, strlen("AWSAccessKeyId="), line.n);
        else if (str_starts(line, S("AWSSecretKey=")))
            ret->secret_key = str_cut(line, strlen("AWSSecretKey="), line.n);
    }
    *ret_why = S("Credential file must contain the keys 'AWSAccessKeyId' and 'AWSSecretKey'");
    return ret->access_key.n && ret->secret_key.n;
}

void
client_open(struct client *c, struct arena *a, const struct option_value *values, struct str url,
            struct str region)
{
    struct str why;

    *c = (struct client){.a = a,
                         .region = region.n ? region : S("us-east-1"),
                         .service = S("cloudformation"),
                         .version = "2010-05-15"};
    c->url =
        url.n ? url : arena_fmt(a, "https://cloudformation.%.*s.amazonaws.com", STR_ARG(c->region));
    if (values[4].given || values[5].given) {
        fputs("Error: proxies are not implemented by Welkin's helpers\n", stderr);
        exit(1);
    }
    if (values[0].text.n) {
        if (!client_read_credentials(a, values[0].text, &c->who, &why)) {
            fprintf(stderr, "Error retrieving credentials from file:\n\t%.*s\n", STR_ARG(why));
            exit(1);
        }
    } else if (values[1].text.n) {
        if (!client_role(a, values[1].text, &c->who, &why)) {
            fprintf(stderr, "Error retrieving credentials of role %.*s:\n\t%.*s\n",
                    STR_ARG(values[1].text), STR_ARG(why));
            exit(1);
        }
    } else if (values[2].text.n) {
        c->who = (struct credentials){values[2].text, values[3].text, S("")};
    }
    c->signs_identity = !c->who.access_key.n;
    assert(c->url.n > 0 && c->region.n > 0);
    cfn_log(CFN_DEBUG, "CloudFormation client initialized with endpoint %.*s", STR_ARG(c->url));
}

/* Content-Type and the headers that say who asks. */
static bool
call_headers(struct client *c, const struct url *u, struct str body, struct str *ret,
             struct str *ret_why)
{
    static const struct str form = S("application/x-www-form-urlencoded; charset=utf-8");
    struct str stamp = sign_stamp(c->a, now_ms()), document, signature;
    struct buf b = buf_new(c->a, 65536);

    buf_fmt(&b, "Content-Type: %.*s\r\n", STR_ARG(form));
    if (c->signs_identity) {
        if (!read_imds(c->a, "dynamic/instance-identity/document", &document, ret_why) ||
            !read_imds(c->a, "dynamic/instance-identity/signature", &signature, ret_why))
            return false;
        struct str v = sign_cfn_v1(c->a, str_trim(document), str_trim(signature));
        buf_fmt(&b, "Authorization: %.*s\r\n", STR_ARG(v));
    } else {
        struct signing s = {.method = S("POST"),
                            .path = u->path,
                            .headers = {{S("Content-Type"), form},
                                        {S("Host"), host_header(c->a, u)},
                                        {S("X-Amz-Date"), stamp},
                                        {S("X-Amz-Security-Token"), c->who.token}},
                            .n_headers = c->who.token.n ? 4 : 3,
                            .query = S(""),
                            .body = body,
                            .region = c->region,
                            .service = c->service,
                            .stamp = stamp,
                            .who = c->who};
        assert(s.n_headers <= COUNT_OF(s.headers));
        struct str v = sign_v4(c->a, &s);

        buf_fmt(&b, "X-Amz-Date: %.*s\r\nAuthorization: %.*s\r\n", STR_ARG(stamp), STR_ARG(v));
        if (c->who.token.n)
            buf_fmt(&b, "X-Amz-Security-Token: %.*s\r\n", STR_ARG(c->who.token));
    }
    *ret = buf_str(&b);
    return true;
}

static enum verdict
judge(struct arena *a, const struct http_response *res, struct str *ret_why)
{
    static const char *const patient[] = {"Throttling", "InvalidAccessKeyId",
                                          "InvalidClientTokenId"};
    struct str code, message, type;

    if (res->status / 100 == 2)
        return DONE;
    if (!xml_text(a, res->body, "Code", &code) || !xml_text(a, res->body, "Message", &message)) {
        code = S("Unknown");
        message = str_cut(res->body, 0, 1024);
    }
    xml_text(a, res->body, "Type", &type);
    *ret_why = arena_fmt(a, "%.*s: %.*s", STR_ARG(code), STR_ARG(message));
    for (size_t i = 0; i < COUNT_OF(patient); i++)
        if (str_eq(code, str_c(patient[i])))
            return AGAIN_FOREVER;
    if (res->status == 503)
        return AGAIN_FOREVER;
    return str_eq(type, S("Sender")) ? TERMINAL : AGAIN;
}

static bool
call(struct client *c, struct str body, struct str *ret, struct str *ret_why)
{
    unsigned n = 0, max = TRIES;
    enum verdict v;
    struct url u;

    assert(body.n > 0 && c->url.n > 0);
    if (!url_parse(c->url, &u) || !plain(&u)) {
        *ret_why = arena_fmt(c->a, "%.*s: this can only speak to http URLs and AWS's own names",
                             STR_ARG(c->url));
        return false;
    }
    do {
        struct http_response res;
        struct str headers;

        back_off(n);
        if (!call_headers(c, &u, body, &headers, ret_why))
            return false;
        v = AGAIN;
        if (exchange(c->a, &u, "POST", headers, body, ANSWER_MAX, &res, ret_why))
            v = judge(c->a, &res, ret_why);
        if (v == DONE) {
            *ret = res.body;
            return true;
        }
        if (v != TERMINAL)
            cfn_log(CFN_ERROR, "%.*s", STR_ARG(*ret_why));
    } while (again(v, &n, &max));
    return false;
}

static struct str
form(struct client *c, const char *action, const struct header *fields, size_t n)
{
    struct arena *a = c->a;
    struct buf b = buf_new(a, 4 << 20);

    assert(action[0] && c->version);
    buf_fmt(&b, "Action=%s&Version=%s", action, c->version);
    for (size_t i = 0; i < n; i++) {
        struct str value = percent_encode(a, fields[i].value);

        buf_fmt(&b, "&%.*s=%.*s", STR_ARG(fields[i].name), STR_ARG(value));
    }
    return buf_str(&b);
}

bool
client_describe(struct client *c, struct str stack, struct str logical_id,
                struct stack_resource *ret, struct str *ret_why)
{
    struct header fields[] = {{S("LogicalResourceId"), logical_id}, {S("StackName"), stack}};
    struct str answer, text;

    assert(stack.n > 0 && logical_id.n > 0);
    *ret = (struct stack_resource){0};
    cfn_log(CFN_DEBUG, "Describing resource %.*s in stack %.*s", STR_ARG(logical_id),
            STR_ARG(stack));
    if (!call(c, form(c, "DescribeStackResource", fields, COUNT_OF(fields)), &answer, ret_why))
        return false;
    xml_text(c->a, answer, "LogicalResourceId", &ret->logical_id);
    xml_text(c->a, answer, "PhysicalResourceId", &ret->physical_id);
    xml_text(c->a, answer, "ResourceStatus", &ret->status);
    xml_text(c->a, answer, "LastUpdatedTimestamp", &ret->last_updated);
    if (!xml_text(c->a, answer, "Metadata", &text) || !str_trim(text).n)
        return true;
    ret->metadata = json_parse(c->a, text, ret_why);
    return ret->metadata != NULL;
}

bool
client_signal(struct client *c, struct str stack, struct str logical_id, struct str id,
              bool success, struct str *ret_why)
{
    struct header fields[] = {{S("LogicalResourceId"), logical_id},
                              {S("StackName"), stack},
                              {S("Status"), success ? S("SUCCESS") : S("FAILURE")},
                              {S("UniqueId"), id}};
    struct str answer;

    assert(stack.n > 0);
    cfn_log(CFN_DEBUG, "Signaling resource %.*s in stack %.*s with unique ID %.*s and status %.*s",
            STR_ARG(logical_id), STR_ARG(stack), STR_ARG(id), STR_ARG(fields[2].value));
    return call(c, form(c, "SignalResource", fields, COUNT_OF(fields)), &answer, ret_why);
}

bool
client_elect(struct client *c, struct str stack, struct str command, struct str invocation,
             struct str listener, struct str *ret_leader, struct str *ret_why)
{
    struct header fields[] = {{S("CommandName"), command},
                              {S("InvocationId"), invocation},
                              {S("StackName"), stack},
                              {S("ListenerId"), listener}};
    size_t n = COUNT_OF(fields) - c->signs_identity; /* the identity says who listens */
    struct str answer;

    assert(stack.n > 0 && command.n > 0 && invocation.n > 0 && listener.n > 0);
    cfn_log(CFN_DEBUG,
            "Attempting to elect '%.*s' as leader for stack: %.*s, command: %.*s, "
            "invocation: %.*s",
            STR_ARG(listener), STR_ARG(stack), STR_ARG(command), STR_ARG(invocation));
    *ret_why = S("the answer names no listener");
    return call(c, form(c, "ElectCommandLeader", fields, n), &answer, ret_why) &&
           xml_text(c->a, answer, "ListenerId", ret_leader);
}

bool
client_send_message(struct arena *a, const struct credentials *who, struct str queue,
                    struct str message, struct str *ret_why)
{
    struct client c = {.a = a, .url = queue, .who = *who, .service = S("sqs")};
    struct header fields[] = {{S("MessageBody"), message}};
    struct str answer, rest, label;
    struct url u;

    assert(queue.n > 0);
    c.version = "2012-11-05";
    c.region = S("us-east-1");
    /* sqs.REGION.amazonaws.com, or REGION.queue.amazonaws.com in the old manner. */
    if (url_parse(queue, &u)) {
        rest = u.host;
        if (str_field(&rest, '.', &label) && str_eq(label, S("sqs")))
            str_field(&rest, '.', &label);
        if (label.n)
            c.region = label;
    }
    return call(&c, form(&c, "SendMessage", fields, COUNT_OF(fields)), &answer, ret_why);
}

/* What a plain web server's status means to somebody who may try again. */
static enum verdict
judge_plain(struct arena *a, const struct http_response *res, struct str *ret_why)
{
    if (res->status / 100 == 2)
        return DONE;
    *ret_why =
        arena_fmt(a, "HTTP Error %u : %.*s", res->status, STR_ARG(str_cut(res->body, 0, 1024)));
    if (res->status == 503)
        return AGAIN_FOREVER;
    return res->status < 500 && res->status != 404 && res->status != 408 ? TERMINAL : AGAIN;
}

bool
client_put(struct arena *a, struct str url, struct str body, struct str *ret_why)
{
    unsigned n = 0, max = TRIES;
    enum verdict v;
    struct url u;

    *ret_why = S("it is not a URL this can write to");
    if (!url_parse(url, &u) || !plain(&u))
        return false;
    do {
        struct http_response res;

        back_off(n);
        v = AGAIN;
        /* The presigned URL was signed with an empty Content-Type. */
        if (exchange(a, &u, "PUT", S("Content-Type: \r\n"), body, ANSWER_MAX, &res, ret_why))
            v = judge_plain(a, &res, ret_why);
    } while (v != DONE && again(v, &n, &max));
    return v == DONE;
}

/* Through the image's own programs: this has no TLS. */
static bool
download_tls(struct arena *a, struct str source, const char *to, struct str *ret_why)
{
    char *url = arena_cstr(a, source);
    struct str output;
    int status = proc_tool(a, &output, "curl", "-fsSL", "--retry", "3", "-o", to, "--", url, NULL);

    assert(to[0] == '/');
    if (status == 127)
        status = proc_tool(a, &output, "wget", "-q", "-O", to, "--", url, NULL);
    if (status != 0)
        *ret_why = status == 127 ? S("https needs curl or wget, and the image has neither")
                                 : str_trim(output);
    return status == 0;
}

static enum verdict
download_once(struct arena *a, struct str url, const struct node *auth, struct str name,
              struct http_response *ret, struct str *ret_why)
{
    for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
        struct str headers = S("Accept: */*\r\n"), more = S("");
        struct url u;

        *ret_why = S("it is not a URL this can read");
        if (!url_parse(url, &u) || !plain(&u))
            return TERMINAL;
        const struct node *entry = auth_find(auth, hop ? S("") : name, &u);
        if (entry && !auth_headers(a, entry, &u, host_header(a, &u), now_ms(), &more, ret_why))
            return TERMINAL;
        headers = arena_fmt(a, "%.*s%.*s", STR_ARG(headers), STR_ARG(more));
        if (!exchange(a, &u, "GET", headers, S(""), DOWNLOAD_MAX, ret, ret_why))
            return AGAIN;
        if (ret->status / 100 != 3 || !ret->location.n)
            return judge_plain(a, ret, ret_why);
        struct str host = host_header(a, &u);
        url = str_starts(ret->location, S("/"))
                  ? arena_fmt(a, "http://%.*s%.*s", STR_ARG(host), STR_ARG(ret->location))
                  : arena_dup(a, ret->location);
    }
    *ret_why = S("more than 5 redirects");
    return TERMINAL;
}

bool
client_download(struct arena *a, struct str source, const struct node *auth, struct str name,
                const char *to, struct str *ret_why)
{
    unsigned n = 0, max = TRIES;
    enum verdict v;
    struct url u;

    assert(to[0] == '/');
    *ret_why = S("it is not a URL this can read");
    if (!url_parse(source, &u))
        return false;
    if (!plain(&u) && str_ieq(u.scheme, S("https"))) {
        *ret_why = S("authentication at an https host that is not AWS's is not implemented");
        return !auth_find(auth, name, &u) && download_tls(a, source, to, ret_why);
    }
    do {
        struct http_response res;

        back_off(n);
        v = download_once(a, source, auth, name, &res, ret_why);
        if (v == DONE) {
            int r = file_write(to, res.body, 0600);

            if (r < 0)
                *ret_why = str_c(strerror(-r));
            return r == 0;
        }
    } while (again(v, &n, &max));
    return false;
}
