/*
 * files: content that is given, rendered or downloaded, and symbolic links.
 *
 * What is there already with the same content stays the file it is; else the old one is kept as
 * NAME.bak and the new one comes into its place by a rename.
 */
#include "build.h"

#include "../accounts.h"
#include "../file.h"
#include "client.h"
#include "json.h"
#include "log.h"
#include "mustache.h"
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 256 << 20 };

struct target {
    const struct node *n;
    const char *path, *fresh;
    bool has_mode;
    unsigned mode;   /* with the kind of file: 0120000 is a link */
    bool downloaded; /* what is to be is in `fresh`, else in text */
    struct str text;
};

static bool
render(struct build *b, struct target *t)
{
    const struct node *context = node_get(t->n, "context");
    struct str why;

    if (!context)
        return true;
    cfn_log(CFN_DEBUG, "Rendering as Mustache template");
    return mustache_render(b->a, t->text, context, FILE_MAX, &t->text, &why) ||
           build_fail(b, "Failed to render content as a Mustache template: %.*s", STR_ARG(why));
}

static bool
download(struct build *b, struct target *t)
{
    struct str source = node_text(t->n, "source"), why;

    if (!source.n)
        return build_fail(b, "File specified without source or content");
    cfn_log(CFN_DEBUG, "Retrieving contents from %.*s", STR_ARG(source));
    if (!client_download(b->a, source, b->auth, node_text(t->n, "authentication"), t->fresh, &why))
        return build_fail(b, "Failed to retrieve %.*s: %.*s", STR_ARG(source), STR_ARG(why));
    t->downloaded = true;
    if (!node_get(t->n, "context"))
        return true;
    t->downloaded = false;
    if (!file_read(b->a, t->fresh, FILE_MAX, &t->text))
        return build_fail(b, "Failed to retrieve %.*s", STR_ARG(source));
    unlink(t->fresh);
    return render(b, t);
}

static bool
obtain(struct build *b, struct target *t)
{
    const struct node *content = node_get(t->n, "content");

    if (!content || (content->kind == NODE_SCALAR && !content->text.n))
        return download(b, t);
    if (content->kind != NODE_SCALAR) {
        struct buf text = buf_new(b->a, FILE_MAX);

        cfn_log(CFN_DEBUG, "Content will be serialized as a JSON structure");
        json_dump(&text, content, -1);
        t->text = buf_str(&text);
        return true;
    }
    t->text = content->text;
    if (str_eq(node_text(t->n, "encoding"), S("base64"))) {
        cfn_log(CFN_DEBUG, "Decoding base64 content");
        if (!base64_decode(b->a, str_trim(t->text), &t->text))
            return build_fail(b, "Malformed base64: %.*s", STR_ARG(str_cut(t->text, 0, 200)));
    }
    return render(b, t);
}

static bool
id_of(struct build *b, const char *file, struct str name, const char *what, unsigned *ret)
{
    struct str text = S(""), line;
    uint64_t v;

    assert(file[0] == '/' && what[0]);
    if (!name.n)
        return true;
    file_read(b->a, file, 4 << 20, &text);
    line = account_line(text, name);
    if (!str_u64(line.n ? account_field(line, 2) : name, 10, &v) || v >= UINT32_MAX)
        return build_fail(b, "%.*s is not a valid %s name", STR_ARG(name), what);
    *ret = (unsigned)v;
    return true;
}

static bool
set_owner(struct build *b, const struct target *t, const char *path)
{
    unsigned uid = (unsigned)-1, gid = (unsigned)-1;

    assert(path == t->path || path == t->fresh);
    if (!id_of(b, "/etc/passwd", node_text(t->n, "owner"), "user", &uid) ||
        !id_of(b, "/etc/group", node_text(t->n, "group"), "group", &gid))
        return false;
    if ((uid != (unsigned)-1 || gid != (unsigned)-1) && lchown(path, uid, gid) < 0)
        return build_fail(b, "Could not give %s to its owner: %s", path, strerror(errno));
    return true;
}

static bool
same_content(struct build *b, const struct target *t)
{
    struct str old, fresh = t->text;
    struct stat st;

    if (lstat(t->path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX ||
        !file_read(b->a, t->path, FILE_MAX, &old))
        return false;
    if (t->downloaded && !file_read(b->a, t->fresh, FILE_MAX, &fresh))
        return false;
    return str_eq(old, fresh);
}

static bool
move_away(struct build *b, const char *path)
{
    const char *bak = arena_fmt(b->a, "%s.bak", path).p;
    struct stat st;

    assert(path[0] == '/');
    if (lstat(path, &st) < 0)
        return true;
    cfn_log(CFN_DEBUG, "Moving %s to %s", path, bak);
    return rename(path, bak) == 0 ||
           build_fail(b, "Could not rename %s: %s", path, strerror(errno));
}

static bool
put_link(struct build *b, struct target *t)
{
    const char *to = arena_cstr(b->a, node_text(t->n, "content"));
    char have[4096];
    ssize_t n = readlink(t->path, have, sizeof(have) - 1);

    assert(t->path[0] == '/');
    if (!to[0])
        return build_fail(b, "Symbolic link specified without a destination");
    if (n > 0 && str_eq((struct str){have, (size_t)n}, str_c(to))) {
        cfn_log(CFN_INFO, "Symbolic link %s already exists", t->path);
        return true;
    }
    cfn_log(CFN_DEBUG, "%s is specified as a symbolic link to %s", t->path, to);
    if (!move_away(b, t->path))
        return false;
    if (symlink(to, t->path) < 0)
        return build_fail(b, "Could not link %s: %s", t->path, strerror(errno));
    build_changed(b, &b->files, str_c(t->path));
    return set_owner(b, t, t->path);
}

static bool
put_file(struct build *b, struct target *t)
{
    mode_t mode = t->has_mode ? t->mode & 07777 : 0644;
    int r = 0;

    assert(t->path[0] == '/' && t->fresh[0] == '/');
    if (!obtain(b, t))
        return false;
    if (same_content(b, t)) {
        unlink(t->fresh);
        if (t->has_mode && chmod(t->path, mode) < 0)
            return build_fail(b, "Could not set the mode of %s: %s", t->path, strerror(errno));
        return set_owner(b, t, t->path);
    }
    cfn_log(CFN_DEBUG, "Writing content to %s", t->path);
    if (!t->downloaded)
        r = file_write(t->fresh, t->text, 0600);
    if (r == 0 && chmod(t->fresh, mode) < 0)
        r = -errno;
    if (r < 0)
        return build_fail(b, "Could not write %s: %s", t->path, strerror(-r));
    if (!set_owner(b, t, t->fresh) || !move_away(b, t->path))
        return false;
    if (rename(t->fresh, t->path) < 0)
        return build_fail(b, "Could not write %s: %s", t->path, strerror(errno));
    build_changed(b, &b->files, str_c(t->path));
    return true;
}

static bool
one(struct build *b, const struct node *n)
{
    struct target t = {.n = n, .path = arena_cstr(b->a, n->key)};
    struct str mode = node_text(n, "mode");
    uint64_t v;

    if (t.path[0] != '/')
        return build_fail(b, "File specified with non-absolute path: %s", t.path);
    if (mode.n && (!str_u64(mode, 8, &v) || v > 0177777))
        return build_fail(b, "invalid literal for int() with base 8: '%.*s'", STR_ARG(mode));
    t.has_mode = mode.n > 0;
    t.mode = mode.n ? (unsigned)v : 0;
    t.fresh = arena_fmt(b->a, "%s.cfn-new", t.path).p;
    int r = make_parents(b->a, t.path);
    if (r < 0)
        return build_fail(b, "Parent directory of %s cannot be made: %s", t.path, strerror(-r));
    if ((t.mode & 0170000) == 0120000)
        return put_link(b, &t);
    bool good = put_file(b, &t);
    if (!good)
        unlink(t.fresh);
    return good;
}

bool
build_files(struct build *b, const struct node *files)
{
    for (const struct node **f = plan_sorted(b->a, files); *f; f++)
        if (!one(b, *f))
            return false;
    return true;
}
