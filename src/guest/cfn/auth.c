/*
 * S3 entries sign with version 4 (aws-cfn-bootstrap once used version 2, which newer regions
 * refuse); basic entries are HTTP's own.
 */
#include "auth.h"

#include "client.h"
#include "sign.h"

#include <string.h>

/* Whether a host's label is S3's: "s3", or "s3-eu-west-1" in the old manner. */
static bool
is_s3_label(struct str label)
{
    return str_ieq(label, S("s3")) || str_istarts(label, S("s3-"));
}

struct str
auth_bucket(const struct url *u)
{
    struct str rest = u->host, label;
    size_t at = 0;

    if (str_ifind(u->host, S(".amazonaws.com"), 0) == SIZE_MAX)
        return S("");
    while (str_field(&rest, '.', &label)) {
        if (is_s3_label(label) && at == 0) {
            struct str path = str_cut(u->path, 1, u->path.n);

            return str_cut(path, 0, str_find(path, S("/"), 0));
        }
        if (is_s3_label(label))
            return str_cut(u->host, 0, at - 1);
        at += label.n + 1;
    }
    return S("");
}

static bool
holds(const struct node *list, struct str what)
{
    if (!list || what.n == 0)
        return false;
    assert(what.p);
    if (list->kind == NODE_SCALAR)
        return str_eq(list->text, what);
    for (const struct node *n = list->first; n && list->kind == NODE_LIST; n = n->next)
        if (str_eq(node_scalar(n), what))
            return true;
    return false;
}

const struct node *
auth_find(const struct node *auth, struct str name, const struct url *u)
{
    struct str bucket = auth_bucket(u);

    if (!auth || auth->kind != NODE_MAP)
        return NULL;
    for (const struct node *n = auth->first; n; n = n->next)
        if (name.n && str_eq(n->key, name))
            return n;
    for (const struct node *n = auth->first; n; n = n->next) {
        struct str type = node_text(n, "type");

        if ((str_ieq(type, S("s3")) && holds(node_get(n, "buckets"), bucket)) ||
            (str_ieq(type, S("basic")) && holds(node_get(n, "uris"), u->host)))
            return n;
    }
    return NULL;
}

/* "us-east-1" unless the host says another. */
static struct str
bucket_region(const struct url *u)
{
    struct str rest = u->host, label;

    while (str_field(&rest, '.', &label)) {
        if (!is_s3_label(label))
            continue;
        if (label.n > 3)
            return str_cut(label, 3, label.n);
        if (str_field(&rest, '.', &label) && !str_ieq(label, S("amazonaws")))
            return label;
        break;
    }
    return S("us-east-1");
}

static struct str
s3_headers(struct arena *a, const struct credentials *who, const struct url *u, struct str host,
           int64_t now_ms)
{
    static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    size_t q = str_find(u->path, S("?"), 0);
    struct signing s = {
        .method = S("GET"),
        .path = str_cut(u->path, 0, q),
        .query = q == SIZE_MAX ? S("") : str_cut(u->path, q + 1, u->path.n),
        .headers = {{S("Host"), host},
                    {S("X-Amz-Content-Sha256"), str_c(empty)},
                    {S("X-Amz-Date"), sign_stamp(a, now_ms)},
                    {S("X-Amz-Security-Token"), who->token}},
        .n_headers = who->token.n ? 4 : 3,
        .region = bucket_region(u),
        .service = S("s3"),
        .stamp = sign_stamp(a, now_ms),
        .who = *who,
    };
    struct str authorization = sign_v4(a, &s);
    struct buf b = buf_new(a, 65536);

    assert(s.n_headers <= COUNT_OF(s.headers));
    assert(who->access_key.n > 0 && who->secret_key.n > 0);
    for (size_t i = 0; i < s.n_headers; i++)
        if (!str_eq(s.headers[i].name, S("host")))
            buf_fmt(&b, "%.*s: %.*s\r\n", STR_ARG(s.headers[i].name), STR_ARG(s.headers[i].value));
    buf_fmt(&b, "Authorization: %.*s\r\n", STR_ARG(authorization));
    return buf_str(&b);
}

bool
auth_headers(struct arena *a, const struct node *entry, const struct url *u, struct str host,
             int64_t now_ms, struct str *ret, struct str *ret_why)
{
    struct str type = node_text(entry, "type"), role = node_text(entry, "roleName");
    struct credentials who = {.access_key = node_text(entry, "accessKeyId"),
                              .secret_key = node_text(entry, "secretKey")};

    assert(entry);
    if (str_ieq(type, S("basic"))) {
        struct str user = node_text(entry, "username"), word = node_text(entry, "password");
        struct str pair = arena_fmt(a, "%.*s:%.*s", STR_ARG(user), STR_ARG(word));
        struct str encoded = base64_encode(a, pair);

        *ret = arena_fmt(a, "Authorization: Basic %.*s\r\n", STR_ARG(encoded));
        return true;
    }
    if (!str_ieq(type, S("s3"))) {
        *ret_why = arena_fmt(a, "Unrecognized authentication type: %.*s", STR_ARG(type));
        return false;
    }
    if ((!who.access_key.n || !who.secret_key.n) && !role.n) {
        *ret_why = S("S3 auth requires either \"accessKeyId\" and \"secretKey\" or \"roleName\"");
        return false;
    }
    if ((!who.access_key.n || !who.secret_key.n) && !client_role(a, role, &who, ret_why))
        return false;
    *ret = s3_headers(a, &who, u, host, now_ms);
    return true;
}
