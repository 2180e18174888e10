/*
 * write_files: content, encoding, owner, permissions, append, defer.
 */
#include "guest.h"

#include "file.h"
#include "users.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
decode(struct guest *g, const struct node *f, struct str *text)
{
    struct str e = str_trim(node_text(f, "encoding"));
    bool gz = str_istarts(e, S("gz")), b64 = false;

    if (e.n == 0 || str_ieq(e, S("text/plain")))
        return true;
    b64 = str_ieq(e, S("b64")) || str_ieq(e, S("base64")) || str_ifind(e, S("+b"), 0) != SIZE_MAX;
    if (!gz && !b64)
        log_warn("Unknown encoding type %.*s, assuming text/plain", STR_ARG(e));
    if (b64 && !base64_decode(g->a, *text, text))
        return false;
    return !gz || gunzip(g->a, *text, USERDATA_INFLATED_MAX, text);
}

/* A bare number is taken as YAML 1.1 reads it: 0644 is octal, 644 is decimal. */
static mode_t
permissions(const struct node *f)
{
    const struct node *n = node_get(f, "permissions");
    struct str s = node_scalar(n), digits = s;
    uint64_t v;

    if (!n)
        return 0644;
    if (str_starts(digits, S("0o")))
        digits = str_cut(digits, 2, digits.n);
    unsigned base = n->quoted || (s.n > 1 && s.p[0] == '0') ? 8 : 10;
    if (str_u64(digits, base, &v) && v <= 07777)
        return (mode_t)v;
    log_warn("Undecodable permissions %.*s, returning default 644", STR_ARG(s));
    return 0644;
}

static void
write_one(struct guest *g, const struct node *f)
{
    struct str path = node_text(f, "path"), text = node_text(f, "content");
    struct str owner = node_text(f, "owner");
    bool append = node_bool(node_get(f, "append"), false);
    mode_t mode = permissions(f);
    unsigned uid = 0, gid = 0;

    if (path.n == 0) {
        stage_error(g, "No path provided to write for entry in module write-files");
        return;
    }
    const char *p = path.p[0] == '/' ? path.p : arena_fmt(g->a, "/%.*s", STR_ARG(path)).p;
    if (!decode(g, f, &text)) {
        stage_error(g, "Failed to decode the content of %s", p);
        return;
    }
    assert(p[0] == '/' && mode <= 07777);
    int r = make_parents(g->a, p);
    if (r == 0)
        r = append ? file_append(p, text, mode) : file_write(p, text, mode);
    if (r == 0 && append && chmod(p, mode) < 0)
        r = -errno;
    if (r < 0) {
        stage_error(g, "Failed to write %s: %s", p, strerror(-r));
        return;
    }
    if (owner.n && !account_owner(g, owner, &uid, &gid))
        stage_error(g, "Unknown user or group: %.*s for %s", STR_ARG(owner), p);
    else if (owner.n && chown(p, uid, gid) < 0)
        stage_error(g, "Failed to give %s to %.*s: %s", p, STR_ARG(owner), strerror(errno));
    log_info("Wrote %s (%zu bytes, mode %o)", p, text.n, (unsigned)mode);
}

static void
write_all_files(struct guest *g, bool deferred)
{
    const struct node *files = node_get(g->config, "write_files");

    if (files && files->kind != NODE_LIST && !deferred)
        stage_error(g, "write_files is not a list: nothing of it is applied");
    if (!files || files->kind != NODE_LIST)
        return;
    for (const struct node *f = files->first; f; f = f->next)
        if (node_bool(node_get(f, "defer"), false) == deferred)
            write_one(g, f);
}

void
module_write_files(struct guest *g)
{
    write_all_files(g, false);
}

void
module_write_files_deferred(struct guest *g)
{
    write_all_files(g, true);
}
