/*
 * users, groups, passwords: the account part of cloud-config.
 *
 * Each user is created by editing the four account files; an account that exists
 * already only gets its keys, groups and sudo rule, as with cloud-init.
 */
#include "users.h"

#include "accounts.h"
#include "file.h"
#include "run.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 4 << 20 };

static struct str
load(struct guest *g, const char *path)
{
    struct str s = S("");

    assert(path[0] == '/');
    file_read(g->a, path, FILE_MAX_BYTES, &s);
    return s;
}

static void
save(struct guest *g, const char *path, struct str text, mode_t mode_if_new)
{
    int r = file_edit(g->a, path, text, mode_if_new);

    assert(path[0] == '/' && r <= 0);
    if (r < 0)
        stage_error(g, "Failed to write %s: %s", path, strerror(-r));
}

bool
account_find(struct guest *g, struct str name, struct account *ret)
{
    struct str line = account_line(load(g, "/etc/passwd"), name);
    uint64_t uid, gid;

    if (line.n == 0 || !str_u64(account_field(line, 2), 10, &uid) ||
        !str_u64(account_field(line, 3), 10, &gid))
        return false;
    *ret = (struct account){name, account_field(line, 5), (unsigned)uid, (unsigned)gid};
    return true;
}

bool
account_default(struct guest *g, struct account *ret)
{
    static const char *const names[] = {"ec2-user", "admin", "debian", "ubuntu", "alpine"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (account_find(g, str_c(names[i]), ret))
            return true;
    return false;
}

bool
account_owner(struct guest *g, struct str owner, unsigned *ret_uid, unsigned *ret_gid)
{
    struct str rest = owner, user = S(""), group;
    struct account who = {0};
    uint64_t v;

    assert(owner.n > 0);
    str_field(&rest, ':', &user);
    group = rest;
    if (str_u64(user, 10, &v))
        who.uid = who.gid = (unsigned)v;
    else if (!account_find(g, user, &who))
        return false;
    *ret_uid = who.uid;
    *ret_gid = who.gid;
    if (group.n == 0)
        return true;
    struct str line = account_line(load(g, "/etc/group"), group);
    if (!str_u64(line.n ? account_field(line, 2) : group, 10, &v))
        return false;
    *ret_gid = (unsigned)v;
    return true;
}

void
account_authorize(struct guest *g, const struct account *who, struct str keys, struct str options)
{
    struct str home = who->home.n ? who->home : S("/"), key, rest = keys;
    const char *dir = arena_fmt(g->a, "%.*s/.ssh", STR_ARG(home)).p;
    const char *path = arena_fmt(g->a, "%s/authorized_keys", dir).p;
    struct str text = load(g, path), before = text;

    assert(who->uid != UINT32_MAX);
    while (str_line(&rest, &key)) {
        key = str_trim(key);
        if (key.n == 0 || key.p[0] == '#' || str_find(text, key, 0) != SIZE_MAX)
            continue;
        if (options.n)
            key = arena_fmt(g->a, "%.*s %.*s", STR_ARG(options), STR_ARG(key));
        text = account_append(g->a, text, key);
    }
    if (str_eq(text, before))
        return;
    int r = make_dirs(dir, 0700);
    if (r == 0)
        r = before.n ? file_replace(g->a, path, text, 0600) : file_write(path, text, 0600);
    if (r == 0 && who->uid != 0 &&
        (chown(dir, who->uid, who->gid) < 0 || chown(path, who->uid, who->gid) < 0))
        r = -errno;
    if (r < 0)
        stage_error(g, "Failed to write %s: %s", path, strerror(-r));
}

static void
add_group(struct guest *g, struct str name)
{
    struct str group = load(g, "/etc/group"), gshadow = load(g, "/etc/gshadow");

    if (!account_name_ok(name)) {
        stage_error(g, "Group name %.*s is not usable", STR_ARG(name));
        return;
    }
    if (account_line(group, name).n)
        return;
    unsigned gid = account_free_id(group, 1000);
    assert(gid >= 1000);
    save(g, "/etc/group",
         account_append(g->a, group, arena_fmt(g->a, "%.*s:x:%u:", STR_ARG(name), gid)), 0644);
    if (gshadow.n)
        save(g, "/etc/gshadow",
             account_append(g->a, gshadow, arena_fmt(g->a, "%.*s:!::", STR_ARG(name))), 0640);
    log_info("Added group %.*s (%u)", STR_ARG(name), gid);
}

static void
join_group(struct guest *g, struct str group, struct str user)
{
    group = str_trim(group);
    if (group.n == 0 || user.n == 0)
        return;
    add_group(g, group);
    save(g, "/etc/group", account_join(g->a, load(g, "/etc/group"), group, user), 0644);
    struct str gshadow = load(g, "/etc/gshadow");
    if (gshadow.n)
        save(g, "/etc/gshadow", account_join(g->a, gshadow, group, user), 0640);
}

/* "a, b" or [a, b]. */
static void
join_groups(struct guest *g, const struct node *groups, struct str user)
{
    struct str rest = node_scalar(groups), one;

    while (str_field(&rest, ',', &one))
        join_group(g, one, user);
    if (groups && groups->kind == NODE_LIST)
        for (const struct node *n = groups->first; n; n = n->next)
            join_group(g, node_scalar(n), user);
}

static struct str
password_of(const struct node *u)
{
    struct str hash = node_text(u, "hashed_passwd");

    return hash.n ? hash : node_text(u, "passwd");
}

static void
make_home(struct guest *g, const struct account *who)
{
    const char *home = arena_cstr(g->a, who->home);
    char *argv[] = {"cp", "-a", "/etc/skel/.", arena_cstr(g->a, who->home), NULL};
    char *chown_argv[] = {"chown", "-R",
                          arena_cstr(g->a, arena_fmt(g->a, "%u:%u", who->uid, who->gid)),
                          arena_cstr(g->a, who->home), NULL};
    int status;

    assert(who->uid != UINT32_MAX);
    if (file_exists(home))
        return;
    make_parents(g->a, home);
    if (make_dirs(home, 0755) < 0 || chown(home, who->uid, who->gid) < 0) {
        stage_error(g, "Failed to make %s", home);
        return;
    }
    if (file_exists("/etc/skel") && run_wait(g->a, argv, NULL, &status) == 0)
        run_wait(g->a, chown_argv, NULL, &status);
}

/* Whether a text can stand between the colons of an account file. */
static bool
is_field(struct str text)
{
    return str_find(text, S(":"), 0) == SIZE_MAX && str_find(text, S("\n"), 0) == SIZE_MAX;
}

static bool
create_user(struct guest *g, const struct node *u, struct str name, struct account *ret)
{
    struct str passwd = load(g, "/etc/passwd"), home = node_text(u, "homedir");
    struct str shell = node_text(u, "shell"), group = node_text(u, "primary_group"), hash;
    bool system = node_bool(node_get(u, "system"), false);
    uint64_t uid, gid;

    if (!account_name_ok(name)) {
        stage_error(g, "User name %.*s is not usable", STR_ARG(name));
        return false;
    }
    if (!str_u64(node_text(u, "uid"), 10, &uid) || uid > UINT32_MAX - 1)
        uid = account_free_id(passwd, system ? 100 : 1000);
    group = group.n ? group : name;
    add_group(g, group);
    if (!str_u64(account_field(account_line(load(g, "/etc/group"), group), 2), 10, &gid))
        return false;
    home = home.n ? home : arena_fmt(g->a, "/home/%.*s", STR_ARG(name));
    if (shell.n == 0)
        shell = file_exists("/bin/bash") ? S("/bin/bash") : S("/bin/sh");
    hash = password_of(u);
    if (hash.n == 0)
        hash = S("!");
    else if (node_bool(node_get(u, "lock_passwd"), true))
        hash = arena_fmt(g->a, "!%.*s", STR_ARG(hash));
    struct str gecos = node_text(u, "gecos");
    if (!is_field(gecos) || !is_field(home) || !is_field(shell) || !is_field(hash)) {
        stage_error(g, "User %.*s: a field holds a colon or a line end", STR_ARG(name));
        return false;
    }
    struct str line = arena_fmt(g->a, "%.*s:x:%u:%u:%.*s:%.*s:%.*s", STR_ARG(name), (unsigned)uid,
                                (unsigned)gid, STR_ARG(gecos), STR_ARG(home), STR_ARG(shell));
    assert(uid < UINT32_MAX);
    assert(str_find(line, S("\n"), 0) == SIZE_MAX);
    save(g, "/etc/passwd", account_append(g->a, passwd, line), 0644);
    line = arena_fmt(g->a, "%.*s:%.*s:%lld:0:99999:7:::", STR_ARG(name), STR_ARG(hash),
                     (long long)(now_ms() / 86400000));
    save(g, "/etc/shadow", account_append(g->a, load(g, "/etc/shadow"), line), 0640);
    *ret = (struct account){name, home, (unsigned)uid, (unsigned)gid};
    if (!node_bool(node_get(u, "no_create_home"), false) && !system)
        make_home(g, ret);
    log_info("Added user %.*s (%u:%u)", STR_ARG(name), ret->uid, ret->gid);
    return true;
}

static void
sudo_rules(struct guest *g, struct str name, const struct node *sudo)
{
    const char *path = "/etc/sudoers.d/90-cloud-init-users";
    struct buf b = buf_new(g->a, 65536);
    struct str rule = node_scalar(sudo), have = load(g, path);

    if (!sudo || str_ieq(rule, S("false")))
        return;
    buf_fmt(&b, "\n# User rules for %.*s\n", STR_ARG(name));
    if (rule.n)
        buf_fmt(&b, "%.*s %.*s\n", STR_ARG(name), STR_ARG(rule));
    for (const struct node *n = sudo->kind == NODE_LIST ? sudo->first : NULL; n; n = n->next)
        buf_fmt(&b, "%.*s %.*s\n", STR_ARG(name), STR_ARG(node_scalar(n)));
    if (str_find(have, buf_str(&b), 0) != SIZE_MAX)
        return;
    if (have.n == 0)
        have = S("# Created by welkin-init\n");
    make_dirs("/etc/sudoers.d", 0750);
    int r = file_replace(g->a, path, arena_fmt(g->a, "%.*s%.*s", STR_ARG(have),
                                               STR_ARG(buf_str(&b))), 0440);
    if (r < 0)
        stage_error(g, "Failed to write %s: %s", path, strerror(-r));
}

static void
warn_unknown_user_keys(const struct node *u)
{
    static const char *const known[] = {
        "name", "gecos", "groups", "primary_group", "shell", "sudo", "ssh_authorized_keys",
        "ssh-authorized-keys", "lock_passwd", "lock-passwd", "passwd", "hashed_passwd", "uid",
        "system", "no_create_home", "homedir",
    };

    for (const struct node *k = u->first; k; k = k->next) {
        bool found = false;

        for (size_t i = 0; i < COUNT_OF(known); i++)
            found |= str_eq(k->key, str_c(known[i]));
        if (!found)
            log_warn("users: the key '%.*s' is not implemented and has NO effect",
                     STR_ARG(k->key));
    }
}

static void
one_user(struct guest *g, const struct node *u)
{
    struct str name = u->kind == NODE_SCALAR ? u->text : node_text(u, "name");
    struct account who;
    struct buf keys = buf_new(g->a, 1 << 20);

    if (str_eq(name, S("default"))) {
        if (!account_default(g, &who))
            log_info("users: this image has no default user");
        return;
    }
    if (u->kind == NODE_MAP)
        warn_unknown_user_keys(u);
    if (account_find(g, name, &who))
        log_info("User %.*s already exists, skipping creation", STR_ARG(name));
    else if (!create_user(g, u, name, &who))
        return;
    join_groups(g, node_get(u, "groups"), name);
    sudo_rules(g, name, node_get(u, "sudo"));
    const struct node *list = node_get(u, "ssh_authorized_keys");
    list = list ? list : node_get(u, "ssh-authorized-keys");
    if (list && list->kind == NODE_SCALAR)
        buf_add(&keys, list->text);
    for (const struct node *n = list && list->kind == NODE_LIST ? list->first : NULL; n;
         n = n->next)
        buf_fmt(&keys, "%.*s\n", STR_ARG(node_scalar(n)));
    account_authorize(g, &who, buf_str(&keys), S(""));
}

static void
groups_key(struct guest *g, const struct node *groups)
{
    struct str rest = node_scalar(groups), one;

    while (str_field(&rest, ',', &one))
        add_group(g, str_trim(one));
    if (!groups || groups->kind == NODE_SCALAR)
        return;
    for (const struct node *n = groups->first; n; n = n->next) {
        const struct node *pair = n->kind == NODE_MAP ? n->first : n;
        struct str name = pair && pair->key.n ? pair->key : node_scalar(n);

        if (name.n == 0)
            continue;
        add_group(g, name);
        struct str members = pair->key.n ? node_scalar(pair) : S("");
        if (members.n)
            join_group(g, name, members);
        for (const struct node *m = pair->kind == NODE_LIST ? pair->first : NULL; m; m = m->next)
            join_group(g, name, node_scalar(m));
    }
}

void
module_users_groups(struct guest *g)
{
    const struct node *users = node_get(g->config, "users");

    groups_key(g, node_get(g->config, "groups"));
    if (users && users->kind == NODE_LIST)
        for (const struct node *u = users->first; u; u = u->next)
            one_user(g, u);
    else if (users)
        stage_error(g, "users is not a list: nothing of it is applied");
    const struct node *user = node_get(g->config, "user");
    if (user)
        log_warn("cloud-config key 'user' is not implemented and has NO effect");
}

static void
set_password(struct guest *g, struct str name, struct str password, bool expire)
{
    struct str shadow = load(g, "/etc/shadow");
    char *argv[] = {"chpasswd", NULL};
    int status = 0;

    if (account_line(shadow, name).n == 0) {
        stage_error(g, "chpasswd: there is no user %.*s", STR_ARG(name));
        return;
    }
    if (password.n == 0 || str_eq(password, S("R")) || str_eq(password, S("RANDOM"))) {
        stage_error(g, "chpasswd: random passwords are not supported, %.*s is unchanged",
                    STR_ARG(name));
        return;
    }
    if (str_find(password, S("\n"), 0) != SIZE_MAX) {
        stage_error(g, "chpasswd: the password of %.*s holds a line end", STR_ARG(name));
        return;
    }
    if (password.p[0] == '$' && str_find(password, S(":"), 0) == SIZE_MAX) {
        save(g, "/etc/shadow", account_set(g->a, shadow, name, 1, password), 0640);
    } else {
        int r = run_quietly(g->a, argv, arena_fmt(g->a, "%.*s:%.*s\n", STR_ARG(name),
                                                  STR_ARG(password)), &status);
        if (r < 0 || status != 0)
            stage_error(g, "chpasswd: %s, the password of %.*s is unchanged",
                        r == -ENOENT ? "the image has no chpasswd" : "it failed", STR_ARG(name));
        if (r < 0 || status != 0)
            return;
    }
    if (expire)
        save(g, "/etc/shadow", account_set(g->a, load(g, "/etc/shadow"), name, 2, S("0")), 0640);
    log_info("Set the password of %.*s", STR_ARG(name));
}

static void
password_line(struct guest *g, struct str line, bool expire)
{
    line = str_trim(line);
    size_t colon = str_find(line, S(":"), 0);

    if (line.n && colon != SIZE_MAX)
        set_password(g, str_cut(line, 0, colon), str_cut(line, colon + 1, line.n), expire);
}

static void
ssh_pwauth(struct guest *g)
{
    struct str want = node_text(g->config, "ssh_pwauth");
    bool yes = node_bool(node_get(g->config, "ssh_pwauth"), false);

    if (want.n == 0 || str_ieq(want, S("unchanged")))
        return;
    if (make_dirs("/etc/ssh/sshd_config.d", 0755) < 0 ||
        file_write("/etc/ssh/sshd_config.d/50-cloud-init.conf",
                   yes ? S("PasswordAuthentication yes\n") : S("PasswordAuthentication no\n"),
                   0600) < 0)
        stage_error(g, "Failed to write sshd_config.d/50-cloud-init.conf");
}

void
module_set_passwords(struct guest *g)
{
    const struct node *ch = node_get(g->config, "chpasswd"), *list = node_get(ch, "list");
    bool expire = node_bool(node_get(ch, "expire"), true);
    struct str rest = node_scalar(list), line, own = node_text(g->config, "password");
    struct account who;

    while (str_line(&rest, &line))
        password_line(g, line, expire);
    for (const struct node *n = list && list->kind == NODE_LIST ? list->first : NULL; n;
         n = n->next)
        password_line(g, node_scalar(n), expire);
    const struct node *users = node_get(ch, "users");
    for (const struct node *u = users ? users->first : NULL; u; u = u->next)
        set_password(g, node_text(u, "name"), node_text(u, "password"), expire);
    if (own.n && account_default(g, &who))
        set_password(g, who.name, own, expire);
    else if (own.n)
        stage_error(g, "password: this image has no default user");
    ssh_pwauth(g);
}
