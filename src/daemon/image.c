/*
 * Root file systems: folders below DATA/images.  They are made by the project's shell scripts
 * (images/NAME.sh), which a user can read and change, or imported.
 */
#include "daemon/daemon.h"

#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef WELKIN_PREFIX
#define WELKIN_PREFIX "/usr/local"
#endif

bool
image_name_good(struct str name)
{
    if (!name.n || name.n > 64 || name.p[0] == '.' || name.p[0] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

bool
image_exists(const char *data_dir, struct str name)
{
    char path[PATH_MAX];
    struct stat st;

    return image_name_good(name) &&
           snprintf(path, sizeof(path), "%s/images/%.*s", data_dir, STR_ARG(name)) <
               (int)sizeof(path) &&
           stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder of our own binary. */
static struct str
own_folder(struct arena *arena)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

    while (n > 0 && path[n - 1] != '/')
        n--;
    return str_dup(arena, str_of(path, n > 0 ? (size_t)n : 0));
}

bool
image_find_file(struct arena *arena, const char *name, const char **ret_path)
{
    struct str own = own_folder(arena);
    const char *places[] = {
        str_cstr(arena, str_fmt(arena, "%.*s%s", STR_ARG(own), name)),
        str_cstr(arena, str_fmt(arena, "%.*s../%s", STR_ARG(own), name)),
        str_cstr(arena, str_fmt(arena, "%.*s../libexec/welkin/%s", STR_ARG(own), name)),
        str_cstr(arena, str_fmt(arena, "%s/libexec/welkin/%s", WELKIN_PREFIX, name)),
    };

    assert(name[0] && name[0] != '/');
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (access(places[i], R_OK) == 0) {
            *ret_path = places[i];
            return true;
        }
    return false;
}

/* The one that is there may be an older one, and may run. */
int
image_place_balancer(struct arena *arena, const char *data_dir)
{
    const char *program;
    char *folder = str_cstr(arena, str_fmt(arena, "%s/images/" HOST_BALANCERS_IMAGE, data_dir));
    char *final = str_cstr(arena, str_fmt(arena, "%s/" HOST_BALANCERS_PROGRAM, folder));
    char *work = str_cstr(arena, str_fmt(arena, "%s.new", final));

    if (!image_find_file(arena, HOST_BALANCERS_PROGRAM, &program))
        return -ENOENT;
    char *argv[] = {(char *)"/bin/cp", (char *)program, work, NULL};

    if (mkdir(folder, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (image_run(false, argv) != 0)
        return -EIO; /* it has said why */
    if (chmod(work, 0755) < 0 || rename(work, final) < 0)
        return -errno;
    return 0;
}

int
image_run(bool quiet, char *const argv[])
{
    int status;
    pid_t pid = fork();

    assert(argv[0]);
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        dup2(null, 0);
        dup2(quiet ? null : 2, 1);
        if (quiet)
            dup2(null, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/*
 * Builds into a folder beside the final one and renames it, so that a build that was cut short
 * is never taken for an image.
 */
int
image_build(struct arena *arena, const char *data_dir, const char *name)
{
    char *final = str_cstr(arena, str_fmt(arena, "%s/images/%s", data_dir, name));
    char *work = str_cstr(arena, str_fmt(arena, "%s/images/.%s.%d", data_dir, name, getpid()));
    const char *script, *init;

    assert(image_name_good(str_from(name)));
    if (!image_find_file(arena, str_cstr(arena, str_fmt(arena, "images/%s.sh", name)), &script) ||
        !image_find_file(arena, "welkin-init", &init))
        return -ENOENT;
    mkdir(str_cstr(arena, str_fmt(arena, "%s/images", data_dir)), 0700);
    /* Only tiny.sh takes our init: debian.sh's second argument is a suite. */
    bool is_tiny = strcmp(name, "tiny") == 0;
    char *argv[] = {(char *)"/bin/sh", (char *)script, work, is_tiny ? (char *)init : NULL, NULL};
    int r = image_run(false, argv);
    if (r != 0)
        return r < 0 ? r : -EIO; /* it has said why */
    if (image_exists(data_dir, str_from(name))) {
        char *old = str_cstr(arena, str_fmt(arena, "%s.old", work));

        /* Machines that run from the old files keep them until they end. */
        if (rename(final, old) < 0)
            return -errno;
    }
    return rename(work, final) < 0 ? -errno : 0;
}
