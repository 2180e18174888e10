/* us-east-1 is the oldest region, and its names are the exception. */
#include "codec/aws_names.h"

#include "codec/ip.h"

static struct str
dashed(struct arena *a, const char *prefix, uint32_t ip)
{
    return str_fmt(a, "%s-%u-%u-%u-%u", prefix, ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

struct str
aws_private_domain(struct arena *a, struct str region)
{
    assert(region.n > 0);
    return str_is(region, "us-east-1") ? S("ec2.internal")
                                       : str_cat(a, region, S(".compute.internal"));
}

struct str
aws_private_name(struct arena *a, struct str region, uint32_t ip)
{
    assert(region.n > 0);
    return str_fmt(a, "%.*s.%.*s", STR_ARG(dashed(a, "ip", ip)),
                   STR_ARG(aws_private_domain(a, region)));
}

struct str
aws_public_name(struct arena *a, struct str region, uint32_t ip)
{
    struct str host = dashed(a, "ec2", ip);

    assert(region.n > 0);
    return str_is(region, "us-east-1")
               ? str_cat(a, host, S(".compute-1.amazonaws.com"))
               : str_fmt(a, "%.*s.%.*s.compute.amazonaws.com", STR_ARG(host), STR_ARG(region));
}

/* "ip-172-31-0-5" with that prefix as an address. */
static bool
parse_dashed(struct str label, const char *prefix, uint32_t *ret_ip)
{
    size_t n = strlen(prefix);
    char text[IP4_TEXT_MAX];

    assert(str_ok(label));
    if (label.n <= n || label.n - n > sizeof(text) ||
        !str_eq_nocase(str_cut(label, 0, n), str_from(prefix)))
        return false;
    for (size_t i = n; i < label.n; i++)
        text[i - n] = label.p[i] == '-' ? '.' : label.p[i];
    return ip4_parse(str_of(text, label.n - n), ret_ip);
}

/* Whether s ends with the suffix, whatever its case. */
static bool
ends(struct str s, struct str suffix)
{
    assert(suffix.n > 0);
    return s.n > suffix.n && str_eq_nocase(str_cut(s, s.n - suffix.n, s.n), suffix);
}

bool
aws_private_name_parse(struct str name, uint32_t *ret_ip)
{
    struct str rest = name, label = str_split(&rest, '.');

    return (str_eq_nocase(rest, S("ec2.internal")) || ends(rest, S(".compute.internal"))) &&
           parse_dashed(label, "ip-", ret_ip);
}

bool
aws_public_name_parse(struct str name, uint32_t *ret_ip)
{
    struct str rest = name, label = str_split(&rest, '.');

    return (str_eq_nocase(rest, S("compute-1.amazonaws.com")) ||
            ends(rest, S(".compute.amazonaws.com"))) &&
           parse_dashed(label, "ec2-", ret_ip);
}

struct str
aws_iam_arn(struct arena *a, struct str account, const char *type, struct str path, struct str name)
{
    assert(path.n && path.p[0] == '/' && path.p[path.n - 1] == '/');
    return str_fmt(a, "arn:aws:iam::%.*s:%s%.*s%.*s", STR_ARG(account), type, STR_ARG(path),
                   STR_ARG(name));
}

bool
aws_is_account(struct str s)
{
    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n == 12;
}
