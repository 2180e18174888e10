/*
 * sources: archives, unpacked by the image's tar and unzip.
 */
#include "build.h"

#include "../file.h"
#include "client.h"
#include "log.h"
#include "plan.h"
#include "proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MAX = 1 << 20, ARCHIVE_HEAD = 512 };

/* tar is told how it is packed: busybox's does not always look. */
static const struct archive {
    size_t at;
    const char *magic, *list, *extract; /* tar's letters; NULL: zip */
} archives[] = {
    {257, "ustar", "-tf", "-xf"},
    {0, "\x1f\x8b", "-tzf", "-xzf"},
    {0, "BZh", "-tjf", "-xjf"},
    {0,
     "\xfd"
     "7zXZ",
     "-tJf", "-xJf"},
    {0, "PK\x03\x04", NULL, NULL},
};

static const struct archive *
kind_of(const char *path)
{
    char head[ARCHIVE_HEAD] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

    if (fd >= 0)
        close(fd);
    for (size_t i = 0; i < COUNT_OF(archives) && n > 0; i++)
        if (memcmp(head + archives[i].at, archives[i].magic, strlen(archives[i].magic)) == 0)
            return &archives[i];
    return NULL;
}

/* Whether a member's name, put below a folder, stays there. */
static bool
stays_inside(struct str name)
{
    struct str part;

    if (str_starts(name, S("/")))
        return false;
    while (str_field(&name, '/', &part))
        if (str_eq(part, S("..")))
            return false;
    return true;
}

/* unzip -l has three columns, then the name; tar -t only names (and busybox's says on a line of its
 * own that it would take a leading ../ off). */
static struct str
member_name(struct str line, const struct archive *kind)
{
    for (int column = 0; column < 3 && !kind->list; column++) {
        line = str_ltrim(line);
        line = str_cut(line, str_find(line, S(" "), 0), line.n);
    }
    return kind->list ? line : str_ltrim(line);
}

static bool
check_members(struct build *b, const char *archive, const struct archive *kind, const char *dir)
{
    struct str list, line;
    int status = kind->list ? proc_tool(b->a, &list, "tar", kind->list, archive, NULL)
                            : proc_tool(b->a, &list, "unzip", "-l", archive, NULL);

    assert(kind->magic && dir[0] == '/');
    if (status || list.n >= NAMES_MAX)
        return build_fail(b, "The list of the archive cannot be read: %.*s",
                          STR_ARG(str_cut(list, 0, 500)));
    while (str_line(&list, &line)) {
        struct str name = member_name(line, kind);

        if (!stays_inside(name) || str_starts(name, S("tar: removing leading")))
            return build_fail(b, "%.*s is not a sub-path of %s", STR_ARG(name), dir);
    }
    return true;
}

static bool
is_github(struct str source)
{
    return (str_istarts(source, S("https://github.com/")) ||
            str_istarts(source, S("http://github.com/"))) &&
           (str_ifind(source, S("/zipball/"), 0) != SIZE_MAX ||
            str_ifind(source, S("/tarball/"), 0) != SIZE_MAX);
}

static bool
unpack(struct build *b, const char *archive, struct str source, const char *dir)
{
    const struct archive *kind = kind_of(archive);
    struct str output = S("");
    int status;

    assert(dir[0] == '/' && archive[0]);
    if (!kind)
        return build_fail(b, "Unsupported source file (not zip or tarball): %.*s", STR_ARG(source));
    cfn_log(CFN_DEBUG, "Treating %.*s as a %s", STR_ARG(source),
            kind->list ? "tarball" : "zip archive");
    if (!check_members(b, archive, kind, dir))
        return false;
    if (is_github(source) && !kind->list)
        return build_fail(b, "GitHub's zipballs are not implemented, its tarballs are: %.*s",
                          STR_ARG(source));
    cfn_log(CFN_DEBUG, "Expanding %.*s into %s", STR_ARG(source), dir);
    if (make_dirs(dir, 0755) < 0)
        return build_fail(b, "%s cannot be made", dir);
    if (!kind->list)
        status = proc_tool(b->a, &output, "unzip", "-o", "-q", "-d", dir, archive, NULL);
    else if (is_github(source))
        status = proc_tool(b->a, &output, "tar", "--strip-components=1", "-C", dir, kind->extract,
                           archive, NULL);
    else
        status = proc_tool(b->a, &output, "tar", "-C", dir, kind->extract, archive, NULL);
    return status == 0 || build_fail(b, "%.*s cannot be unpacked: %.*s", STR_ARG(source),
                                     STR_ARG(str_cut(output, 0, 500)));
}

static bool
one(struct build *b, const struct node *n)
{
    struct str source = node_scalar(n), why;
    const char *dir = arena_cstr(b->a, n->key), *archive = arena_cstr(b->a, source);
    bool remote = str_istarts(source, S("http://")) || str_istarts(source, S("https://"));
    char temporary[] = "/tmp/cfn-init-source-XXXXXX";

    if (dir[0] != '/')
        return build_fail(b, "Source specified with non-absolute path: %s", dir);
    if (!remote && str_istarts(source, S("ftp://")))
        return build_fail(b, "Sources by ftp are not implemented: %.*s", STR_ARG(source));
    if (!remote && !file_exists(archive))
        return build_fail(b, "%.*s does not exist", STR_ARG(source));
    if (remote) {
        int fd = mkstemp(temporary);

        if (fd < 0)
            return build_fail(b, "No room for the archive in /tmp");
        close(fd);
        archive = temporary;
    }
    bool good = !remote || client_download(b->a, source, b->auth, S(""), archive, &why) ||
                build_fail(b, "Failed to retrieve %.*s: %.*s", STR_ARG(source), STR_ARG(why));
    good = good && unpack(b, archive, source, dir);
    if (remote)
        unlink(temporary);
    if (good)
        build_changed(b, &b->sources, n->key);
    return good;
}

bool
build_sources(struct build *b, const struct node *sources)
{
    for (const struct node **s = plan_sorted(b->a, sources); *s; s++)
        if (!one(b, *s))
            return false;
    return true;
}
