/* Names of parameters: see the header. */
#include "ssm/name.h"

#include "codec/aws_names.h"

#include <ctype.h>

static bool
is_plain(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

bool
ssm_path_is_good(struct str path)
{
    if (path.n < 2 || path.p[0] != '/')
        return false;
    for (size_t i = 1; i < path.n; i++)
        if (path.p[i] == '/' ? path.p[i - 1] == '/' : !is_plain(path.p[i]))
            return false;
    return path.p[path.n - 1] != '/';
}

unsigned
ssm_path_levels(struct str path)
{
    unsigned n = 0;

    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

bool
ssm_path_is_reserved(struct str path)
{
    struct str first = str_cut(path, 1, 4);

    assert(path.n > 0 && path.p[0] == '/');
    return str_eq_nocase(first, S("aws")) || str_eq_nocase(first, S("ssm"));
}

static bool
is_region(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '-')
            return false;
    return s.n > 0;
}

/* arn:aws:ssm:REGION:ACCOUNT:parameter/NAME; leaves the rest from the name on. */
static bool
arn_cut(struct str *text, struct ssm_name *ret)
{
    struct str partition, service;

    str_split(text, ':');
    partition = str_split(text, ':');
    service = str_split(text, ':');
    ret->region = str_split(text, ':');
    ret->account = str_split(text, ':');
    if (!text->p || !str_starts(*text, S("parameter/")) || !str_is(service, "ssm") ||
        !str_starts(partition, S("aws")) || !is_region(ret->region) ||
        (ret->account.n && !aws_is_account(ret->account)))
        return false;
    *text = str_cut(*text, strlen("parameter"), text->n);
    ret->is_arn = true;
    return true;
}

bool
ssm_name_parse(struct arena *a, struct str text, struct str account, struct str region,
               struct ssm_name *ret)
{
    struct ssm_name name = {.account = account, .region = region};

    text = str_trim(text);
    if (str_starts(text, S("arn:")) && !arn_cut(&text, &name))
        return false;
    name.name = str_split(&text, ':');
    if (text.p) {
        name.selector = text;
        if (!text.n || str_find_char(text, ':') != SIZE_MAX)
            return false;
    }
    if (!name.name.n)
        return false;
    name.path = name.name.p[0] == '/' ? name.name : str_cat(a, S("/"), name.name);
    assert(name.path.n > 0 && name.path.p[0] == '/');
    *ret = name;
    return true;
}

struct str
ssm_name_key(struct arena *a, const struct ssm_name *name)
{
    assert(name->path.n > 0 && name->path.p[0] == '/' && name->region.n > 0);
    return str_fmt(a, "%.*s/%.*s%.*s", STR_ARG(name->account), STR_ARG(name->region),
                   STR_ARG(name->path));
}

struct str
ssm_name_arn(struct arena *a, struct str region, struct str account, struct str path)
{
    assert(path.n > 0 && path.p[0] == '/');
    return str_fmt(a, "arn:aws:ssm:%.*s:%.*s:parameter%.*s", STR_ARG(region), STR_ARG(account),
                   STR_ARG(path));
}

struct str
ssm_key_parent(struct str key)
{
    size_t n = key.n;

    while (n && key.p[n - 1] != '/')
        n--;
    assert(n > 1);
    return str_cut(key, 0, n - 1);
}

bool
ssm_selector_version(struct str selector, int64_t *ret)
{
    assert(selector.n > 0);
    for (size_t i = 0; i < selector.n; i++)
        if (!isdigit((unsigned char)selector.p[i]))
            return false;
    return str_to_i64(selector, ret);
}

bool
ssm_label_is_good(struct str label)
{
    struct str first = str_cut(label, 0, 3);

    if (!label.n || label.n > 100 || isdigit((unsigned char)label.p[0]) ||
        str_eq_nocase(first, S("aws")) || str_eq_nocase(first, S("ssm")))
        return false;
    for (size_t i = 0; i < label.n; i++)
        if (!is_plain(label.p[i]))
            return false;
    return true;
}
