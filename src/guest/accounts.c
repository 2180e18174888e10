/*
 * Pure edits of the account files.
 *
 * Done by hand rather than through useradd: small images have none, and busybox's
 * adduser, shadow's and the like differ in every option.
 */
#include "accounts.h"

#include <string.h>

struct str
account_line(struct str file, struct str name)
{
    struct str line;

    /* "root:x" would otherwise find root, and be written into group as a member. */
    if (name.n == 0 || memchr(name.p, ':', name.n) || memchr(name.p, '\n', name.n))
        return S("");
    while (str_line(&file, &line))
        if (line.n > name.n && line.p[name.n] == ':' && str_starts(line, name))
            return line;
    return S("");
}

struct str
account_field(struct str line, unsigned index)
{
    struct str field = S("");

    for (unsigned i = 0; i <= index; i++)
        if (!str_field(&line, ':', &field))
            return S("");
    return field;
}

static struct str
line_with(struct arena *a, struct str line, unsigned index, struct str value)
{
    struct buf b = buf_new(a, 65536);
    struct str field;

    for (unsigned i = 0; i <= index || line.n; i++) {
        bool have = str_field(&line, ':', &field);

        if (i)
            buf_byte(&b, ':');
        buf_add(&b, i == index ? value : have ? field : S(""));
    }
    return buf_str(&b);
}

struct str
account_set(struct arena *a, struct str file, struct str name, unsigned index, struct str value)
{
    struct str old = account_line(file, name);
    struct buf b = buf_new(a, file.n + 65536);

    if (old.n == 0)
        return file;
    size_t at = (size_t)(old.p - file.p);
    assert(old.p >= file.p && at + old.n <= file.n);
    /* An empty last field leaves nothing behind its colon for the splitter to see. */
    bool tail = old.p[old.n - 1] == ':';
    struct str line = line_with(a, old, index, value);
    unsigned colons_old = 0, colons_new = 0;
    for (size_t i = 0; i < old.n; i++)
        colons_old += old.p[i] == ':';
    for (size_t i = 0; i < line.n; i++)
        colons_new += line.p[i] == ':';
    buf_add(&b, str_cut(file, 0, at));
    buf_add(&b, line);
    if (tail && colons_new < colons_old)
        buf_byte(&b, ':');
    buf_add(&b, str_cut(file, at + old.n, file.n));
    assert(!b.over);
    return buf_str(&b);
}

struct str
account_append(struct arena *a, struct str file, struct str line)
{
    bool ended = file.n == 0 || file.p[file.n - 1] == '\n';

    assert(line.n > 0);
    return arena_fmt(a, "%.*s%s%.*s\n", STR_ARG(file), ended ? "" : "\n", STR_ARG(line));
}

struct str
account_join(struct arena *a, struct str file, struct str group, struct str user)
{
    struct str line = account_line(file, group), members = account_field(line, 3), m;
    struct str rest = members;

    if (line.n == 0)
        return file;
    while (str_field(&rest, ',', &m))
        if (str_eq(m, user))
            return file;
    members = members.n ? arena_fmt(a, "%.*s,%.*s", STR_ARG(members), STR_ARG(user)) : user;
    return account_set(a, file, group, 3, members);
}

unsigned
account_free_id(struct str file, unsigned low)
{
    assert(low > 0 && low < 60000);
    for (unsigned id = low; id < 60000; id++) {
        struct str rest = file, line;
        bool taken = false;
        uint64_t v;

        while (!taken && str_line(&rest, &line))
            taken = str_u64(account_field(line, 2), 10, &v) && v == id;
        if (!taken)
            return id;
    }
    return 60000;
}

bool
account_name_ok(struct str name)
{
    if (name.n == 0 || name.n > 32 || name.p[0] == '-' || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = ascii_lower(name.p[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !memchr("_-.$", c, 4))
            return false;
    }
    return true;
}
