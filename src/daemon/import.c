/*
 * What is packed how: this file reads manifests and names the layers; images/layers.sh unpacks
 * them.  All work is done in a hidden folder beside the images, renamed at the end, removed on
 * any failure.
 */
#include "daemon/import.h"

#include "base/buf.h"
#include "base/list.h"
#include "codec/json.h"
#include "daemon/daemon.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_MAX_BYTES ((size_t)4 << 20)
#define LAYERS_MAX 256

struct import {
    struct arena *arena;
    const char *outer; /* the unpacked archive, or the layout's folder */
    char *why;
    struct str_list layers; /* files */
};

static int fail(struct import *im, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int
fail(struct import *im, int err, const char *fmt, ...)
{
    assert(err > 0 && im->why);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(im->why, IMPORT_WHY_BYTES, fmt, ap);
    va_end(ap);
    return -err;
}

static void
remove_tree(const char *path)
{
    assert(path[0] && strcmp(path, "/") != 0);
    image_run(true, (char *[]){(char *)"rm", (char *)"-rf", (char *)path, NULL});
}

/*
 * The real path of a file of the archive, NULL when there is none.  A link of the archive's may
 * lead to another file of it, as in what old versions of Docker save, but not out of it.
 */
static const char *
file_inside(struct import *im, struct str name)
{
    char top[PATH_MAX], path[PATH_MAX];

    assert(im->outer);
    if (!realpath(im->outer, top) ||
        !realpath(str_cstr(im->arena, str_fmt(im->arena, "%s/%.*s", im->outer, STR_ARG(name))),
                  path))
        return NULL;
    struct str top_s = str_from(top), path_s = str_from(path);
    if (!str_starts(path_s, top_s) || path_s.n <= top_s.n || path_s.p[top_s.n] != '/')
        return NULL;
    return str_cstr(im->arena, path_s);
}

/* A JSON file of the archive. */
static int
read_json(struct import *im, struct str name, struct json *ret)
{
    const char *path = file_inside(im, name);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    struct stat st;
    size_t at, n = 0;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        (size_t)st.st_size > MANIFEST_MAX_BYTES) {
        if (fd >= 0)
            close(fd);
        return fail(im, ENOENT, "The archive has no readable %.*s.", STR_ARG(name));
    }
    char *text = arena_alloc_raw(im->arena, (size_t)st.st_size);
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, text + n, (size_t)st.st_size - n);

        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fd);
    if (!json_parse(im->arena, str_of(text, n), 100000, ret, &at))
        return fail(im, EBADMSG, "%.*s of the archive is no JSON.", STR_ARG(name));
    return 0;
}

/* A file of the archive by the name that a manifest gives it. */
static int
add_layer(struct import *im, struct str name)
{
    if (!name.n || im->layers.n == LAYERS_MAX)
        return fail(im, EBADMSG, "The manifest names no layers, or more than %d.", LAYERS_MAX);
    const char *path = file_inside(im, name);
    if (!path)
        return fail(im, EBADMSG, "The archive lacks a layer that its manifest names.");
    *LIST_PUSH(im->arena, &im->layers) = str_from(path);
    assert(im->layers.n <= LAYERS_MAX);
    return 0;
}

/* "sha256:…" as the file of an OCI layout. */
static struct str
blob(struct import *im, struct str digest)
{
    struct str hex = digest, algorithm = str_split(&hex, ':');

    return str_fmt(im->arena, "blobs/%.*s/%.*s", STR_ARG(algorithm), STR_ARG(hex));
}

/* The manifest for this machine among those of an index. */
static struct str
choose(const struct json *index)
{
    const struct json *manifests = json_get(index, "manifests");
    struct str first = STR_NONE;

    for (size_t i = 0; manifests && i < manifests->n; i++) {
        const struct json *m = &manifests->v[i], *platform = json_get(m, "platform");
        struct str digest = json_text(m, "digest");

        if (!first.p)
            first = digest;
        if (str_is(json_text(platform, "os"), "linux") &&
            str_is(json_text(platform, "architecture"), "amd64"))
            return digest;
    }
    return first;
}

static int
oci_layers(struct import *im)
{
    struct json json;
    int r = read_json(im, S("index.json"), &json);

    /* An index may point to another one, for several machines. */
    for (int depth = 0; r == 0 && json_get(&json, "manifests"); depth++) {
        struct str digest = choose(&json);

        if (!digest.n || depth == 4)
            return fail(im, EBADMSG, "The image's index leads nowhere.");
        r = read_json(im, blob(im, digest), &json);
    }
    const struct json *layers = r == 0 ? json_get(&json, "layers") : NULL;
    if (r == 0 && !layers)
        return fail(im, EBADMSG, "The image's manifest has no layers.");
    for (size_t i = 0; r == 0 && i < layers->n; i++)
        r = add_layer(im, blob(im, json_text(&layers->v[i], "digest")));
    return r;
}

static int
docker_layers(struct import *im)
{
    struct json json;
    int r = read_json(im, S("manifest.json"), &json);
    const struct json *layers =
        r == 0 && json.kind == JSON_ARRAY && json.n ? json_get(&json.v[0], "Layers") : NULL;

    if (r == 0 && !layers)
        return fail(im, EBADMSG, "The archive's manifest has no layers.");
    for (size_t i = 0; r == 0 && i < layers->n; i++)
        r = add_layer(im, layers->v[i].text);
    return r;
}

static bool
has(const char *folder, const char *name)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
           access(path, F_OK) == 0;
}

static bool
tar_has(const char *file, const char *member)
{
    return image_run(true, (char *[]){(char *)"tar", (char *)"-tf", (char *)file, (char *)member,
                                      NULL}) == 0;
}

/* Finds out what `file` is and which layers it has; `outer` is a folder to unpack it into. */
static int
find_layers(struct import *im, const char *file, const char *outer)
{
    struct stat st;

    assert(im->layers.n == 0);
    if (stat(file, &st) < 0)
        return fail(im, errno, "%s cannot be read: %s.", file, strerror(errno));
    im->outer = outer;
    if (S_ISDIR(st.st_mode)) {
        im->outer = file;
        if (!has(file, "oci-layout"))
            return fail(im, EINVAL, "The folder %s is no OCI image layout.", file);
        return oci_layers(im);
    }
    bool oci = tar_has(file, "oci-layout") || tar_has(file, "./oci-layout");
    if (!oci && !tar_has(file, "manifest.json")) {
        *LIST_PUSH(im->arena, &im->layers) = str_from(file);
        return 0;
    }
    if (mkdir(outer, 0700) < 0 ||
        image_run(false, (char *[]){(char *)"tar", (char *)"-C", (char *)outer, (char *)"-xf",
                                    (char *)file, NULL}) != 0)
        return fail(im, EIO, "%s cannot be unpacked.", file);
    return oci ? oci_layers(im) : docker_layers(im);
}

static int
unpack(struct import *im, const char *root)
{
    const char *script;
    char *argv[LAYERS_MAX + 4];
    size_t n = 0;

    assert(im->layers.n > 0 && im->layers.n <= LAYERS_MAX);
    if (!image_find_file(im->arena, "images/layers.sh", &script))
        return fail(im, ENOENT, "images/layers.sh is not beside this program.");
    argv[n++] = (char *)"/bin/sh";
    argv[n++] = (char *)script;
    argv[n++] = (char *)root;
    LIST_EACH(&im->layers, layer)
        argv[n++] = str_cstr(im->arena, *layer);
    assert(n < ARRAY_LEN(argv));
    argv[n] = NULL;
    if (mkdir(root, 0755) < 0 || image_run(false, argv) != 0)
        return fail(im, EIO, "The layers cannot be unpacked; the lines above say why.");
    return 0;
}

/* A property of the files, so that it goes where they go; helpers.c of the host reads it. */
static int
leave_out_helpers(struct import *im, const char *root)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof(path), "%s/etc", root) >= (int)sizeof(path) ||
        (mkdir(path, 0755) < 0 && errno != EEXIST))
        return fail(im, EIO, "The image's /etc cannot be made.");
    /* an image may have a link there, that leads out of it */
    int etc = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    fd = etc < 0 ? -1 : openat(etc, "welkin-no-helpers", O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
    if (etc >= 0)
        close(etc);
    if (fd < 0)
        return fail(im, EIO, "The image's /etc/welkin-no-helpers cannot be made.");
    close(fd);
    return 0;
}

const char *
image_init_kind(struct arena *arena, const char *data_dir, const char *name)
{
    const char *root = str_cstr(arena, str_fmt(arena, "%s/images/%s", data_dir, name));

    return has(root, "usr/bin/cloud-init") && has(root, "usr/lib/systemd/systemd") ? "systemd"
                                                                                   : "welkin";
}

int
image_import(struct arena *arena, const char *data_dir, const char *name, const char *file,
             const char **init, bool helpers, char why[IMPORT_WHY_BYTES])
{
    struct import im = {.arena = arena, .why = why};
    const char *folder = str_cstr(arena, str_fmt(arena, "%s/images", data_dir));
    const char *outer =
        str_cstr(arena, str_fmt(arena, "%s/.%s.archive.%d", folder, name, getpid()));
    const char *root = str_cstr(arena, str_fmt(arena, "%s/.%s.root.%d", folder, name, getpid()));
    const char *final = str_cstr(arena, str_fmt(arena, "%s/%s", folder, name));

    assert(image_name_good(str_from(name)));
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return fail(&im, errno, "%s cannot be made: %s.", folder, strerror(errno));
    if (access(final, F_OK) == 0)
        return fail(&im, EEXIST, "There is an image %s already; choose another name.", name);
    int r = find_layers(&im, file, outer);
    if (r == 0)
        r = unpack(&im, root);
    if (r == 0 && !helpers)
        r = leave_out_helpers(&im, root);
    if (r == 0 && rename(root, final) < 0)
        r = fail(&im, errno, "%s cannot be made: %s.", final, strerror(errno));
    remove_tree(outer);
    remove_tree(root);
    if (r == 0 && !*init)
        *init = image_init_kind(arena, data_dir, name);
    return r;
}
