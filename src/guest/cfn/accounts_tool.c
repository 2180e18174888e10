/*
 * groups and users: the account files are edited as welkin-init edits them, since images differ in
 * every option of useradd and small ones have none.
 *
 * As useradd -M -r --shell /sbin/nologin: no home is made, the password is locked, and what exists
 * is left as it is but for its groups and its home.
 */
#include "build.h"

#include "../accounts.h"
#include "../file.h"
#include "log.h"
#include "plan.h"

#include <errno.h>
#include <string.h>

enum { FILE_MAX_BYTES = 4 << 20, SYSTEM_ID = 201 };

static struct str
load(struct build *b, const char *path)
{
    struct str s = S("");

    assert(path[0] == '/');
    file_read(b->a, path, FILE_MAX_BYTES, &s);
    return s;
}

static bool
save(struct build *b, const char *path, struct str text)
{
    int r = file_edit(b->a, path, text, strstr(path, "shadow") ? 0640 : 0644);

    assert(path[0] == '/' && r <= 0);
    return r == 0 || build_fail(b, "Could not write %s: %s", path, strerror(-r));
}

static bool
add_line(struct build *b, const char *path, struct str line)
{
    return save(b, path, account_append(b->a, load(b, path), line));
}

static bool
number(struct build *b, struct str text, const char *what, struct str name, uint64_t *ret)
{
    return (str_u64(text, 10, ret) && *ret < UINT32_MAX) ||
           build_fail(b, "%s '%.*s' of %.*s is not a number", what, STR_ARG(text), STR_ARG(name));
}

static bool
id_taken(struct str file, uint64_t id)
{
    struct str line;
    uint64_t v;

    while (str_line(&file, &line))
        if (str_u64(account_field(line, 2), 10, &v) && v == id)
            return true;
    return false;
}

static bool
create_group(struct build *b, struct str name, struct str gid_text)
{
    struct str file = load(b, "/etc/group");
    uint64_t gid = account_free_id(file, SYSTEM_ID);

    if (!account_name_ok(name))
        return build_fail(b, "Failed to create group %.*s", STR_ARG(name));
    if (gid_text.n && !number(b, gid_text, "gid", name, &gid))
        return false;
    if (id_taken(file, gid)) {
        cfn_log(CFN_ERROR, "Failed to create group %.*s", STR_ARG(name));
        return build_fail(b, "Failed to create group %.*s", STR_ARG(name));
    }
    assert(gid < UINT32_MAX);
    if (!add_line(b, "/etc/group", arena_fmt(b->a, "%.*s:x:%u:", STR_ARG(name), (unsigned)gid)))
        return false;
    return !file_exists("/etc/gshadow") ||
           add_line(b, "/etc/gshadow", arena_fmt(b->a, "%.*s:!::", STR_ARG(name)));
}

bool
build_groups(struct build *b, const struct node *groups)
{
    for (const struct node **g = plan_sorted(b->a, groups); *g; g++) {
        struct str name = (*g)->key, gid = node_text(*g, "gid");
        struct str have = account_line(load(b, "/etc/group"), name);
        struct str have_gid = account_field(have, 2);

        if (have.n && gid.n && !str_eq(gid, have_gid))
            return build_fail(b, "Group %.*s exists with gid %.*s, but gid %.*s was requested",
                              STR_ARG(name), STR_ARG(have_gid), STR_ARG(gid));
        if (have.n) {
            cfn_log(CFN_DEBUG, "Group %.*s already exists", STR_ARG(name));
            continue;
        }
        if (!create_group(b, name, gid))
            return false;
        cfn_log(CFN_INFO, "Created group %.*s successfully", STR_ARG(name));
        build_changed(b, &b->groups, name);
    }
    return true;
}

static bool
add_user(struct build *b, struct str name, struct str uid_text, struct str home)
{
    struct str passwd = load(b, "/etc/passwd"), group;
    uint64_t uid = account_free_id(passwd, SYSTEM_ID);

    if (!account_name_ok(name) || memchr(home.p, ':', home.n) || memchr(home.p, '\n', home.n))
        return build_fail(b, "Failed to add user %.*s", STR_ARG(name));
    if (uid_text.n && !number(b, uid_text, "uid", name, &uid))
        return false;
    if (id_taken(passwd, uid)) {
        cfn_log(CFN_ERROR, "Failed to add user %.*s", STR_ARG(name));
        return build_fail(b, "Failed to add user %.*s", STR_ARG(name));
    }
    if (!account_line(load(b, "/etc/group"), name).n && !create_group(b, name, S("")))
        return false;
    assert(uid < UINT32_MAX);
    group = account_field(account_line(load(b, "/etc/group"), name), 2);
    home = home.n ? home : arena_fmt(b->a, "/home/%.*s", STR_ARG(name));
    return add_line(b, "/etc/passwd",
                    arena_fmt(b->a, "%.*s:x:%u:%.*s::%.*s:/sbin/nologin", STR_ARG(name),
                              (unsigned)uid, STR_ARG(group), STR_ARG(home))) &&
           add_line(b, "/etc/shadow",
                    arena_fmt(b->a, "%.*s:!:%lld::::::", STR_ARG(name),
                              (long long)(now_ms() / 86400000)));
}

/* Adds it to the groups it is not in; *ret_changed is set, never cleared. */
static bool
join_groups(struct build *b, struct str name, const struct node *groups, bool *ret_changed)
{
    const struct node *first = groups && groups->kind == NODE_LIST ? groups->first : groups;

    for (const struct node *g = first; g; g = groups->kind == NODE_LIST ? g->next : NULL) {
        struct str group = node_scalar(g), before = load(b, "/etc/group");

        if (!account_line(before, group).n)
            return build_fail(b, "%.*s is not a valid group name", STR_ARG(group));
        struct str after = account_join(b->a, before, group, name);
        if (str_eq(before, after))
            continue;
        struct str gshadow = load(b, "/etc/gshadow");
        if (!save(b, "/etc/group", after) ||
            (gshadow.n && !save(b, "/etc/gshadow", account_join(b->a, gshadow, group, name))))
            return false;
        *ret_changed = true;
    }
    return true;
}

static bool
one_user(struct build *b, const struct node *u)
{
    struct str name = u->key, uid = node_text(u, "uid"), home = node_text(u, "homeDir");
    struct str line = account_line(load(b, "/etc/passwd"), name), have = account_field(line, 2);
    const struct node *groups = node_get(u, "groups");
    bool changed = false;

    if (line.n && uid.n && !str_eq(uid, have))
        return build_fail(b, "User %.*s exists with uid %.*s, but uid %.*s was requested",
                          STR_ARG(name), STR_ARG(have), STR_ARG(uid));
    if (line.n && !home.n && !groups) {
        cfn_log(CFN_INFO, "No homedir or groups specified; not modifying %.*s", STR_ARG(name));
        return true;
    }
    if (!line.n && !add_user(b, name, uid, home))
        return false;
    if (line.n && home.n && !str_eq(home, account_field(line, 5))) {
        if (memchr(home.p, ':', home.n) || memchr(home.p, '\n', home.n))
            return build_fail(b, "Failed to modify user %.*s", STR_ARG(name));
        if (!save(b, "/etc/passwd", account_set(b->a, load(b, "/etc/passwd"), name, 5, home)))
            return false;
        changed = true;
    }
    if (!join_groups(b, name, groups, &changed))
        return false;
    if (!line.n)
        cfn_log(CFN_INFO, "Added user %.*s successfully", STR_ARG(name));
    else if (changed)
        cfn_log(CFN_INFO, "Modified user %.*s successfully", STR_ARG(name));
    if (!line.n || changed)
        build_changed(b, &b->users, name);
    return true;
}

bool
build_users(struct build *b, const struct node *users)
{
    for (const struct node **u = plan_sorted(b->a, users); *u; u++)
        if (!one_user(b, *u))
            return false;
    return true;
}
