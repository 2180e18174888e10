/*
 * packages, package_update, package_upgrade, through the image's own package manager.
 */
#include "guest.h"

#include "file.h"
#include "run.h"

#include <string.h>

static const struct manager {
    const char *program;
    const char *update[4], *upgrade[10], *install[10];
    char version_separator;
} managers[] = {
    {"apt-get",
     {"apt-get", "--quiet", "update"},
     {"apt-get", "--option=Dpkg::Options::=--force-confold", "--assume-yes", "--quiet",
      "dist-upgrade"},
     {"apt-get", "--option=Dpkg::Options::=--force-confold", "--assume-yes", "--quiet", "install"},
     '='},
    {"apk", {"apk", "update"}, {"apk", "upgrade"}, {"apk", "add"}, '='},
    {"dnf", {"dnf", "-y", "makecache"}, {"dnf", "-y", "upgrade"}, {"dnf", "-y", "install"}, '-'},
    {"yum", {"yum", "-y", "makecache"}, {"yum", "-y", "upgrade"}, {"yum", "-y", "install"}, '-'},
};

static void
run_manager(struct guest *g, const char *const *words, char **more, size_t n_more)
{
    char **argv = arena_alloc(g->a, (n_more + 12) * sizeof(*argv));
    size_t n = 0;
    int status = 0;

    assert(words[0] && (more || n_more == 0));
    while (words[n]) {
        argv[n] = arena_cstr(g->a, str_c(words[n]));
        n++;
    }
    for (size_t i = 0; i < n_more; i++)
        argv[n++] = more[i];
    assert(n < n_more + 12 && argv[n] == NULL);
    log_info("Running %s %s", argv[0], argv[n - n_more - 1]);
    int r = run_wait(g->a, argv, "DEBIAN_FRONTEND=noninteractive", &status);
    if (r < 0)
        stage_error(g, "%s could not be run: %s", argv[0], strerror(-r));
    else if (status != 0)
        stage_error(g, "Package command %s failed with exit code %d", argv[0], status);
}

static char *
package_name(struct guest *g, const struct node *p, char separator)
{
    assert(separator);
    if (p->kind != NODE_LIST)
        return arena_cstr(g->a, node_scalar(p));
    struct str name = node_scalar(p->first);
    struct str version = p->first ? node_scalar(p->first->next) : S("");
    if (version.n == 0)
        return arena_cstr(g->a, name);
    return arena_cstr(g->a, arena_fmt(g->a, "%.*s%c%.*s", STR_ARG(name), separator,
                                      STR_ARG(version)));
}

void
module_packages(struct guest *g)
{
    const struct node *list = node_get(g->config, "packages");
    bool update = node_bool(node_get(g->config, "package_update"), false);
    bool upgrade = node_bool(node_get(g->config, "package_upgrade"), false);
    const struct manager *m = NULL;
    size_t n = 0;

    if (node_bool(node_get(g->config, "package_reboot_if_required"), false))
        log_warn("cloud-config key 'package_reboot_if_required' is not implemented and has NO "
                 "effect");
    for (size_t i = 0; i < COUNT_OF(managers) && !m; i++)
        if (run_find(g->a, managers[i].program).n)
            m = &managers[i];
    if (!node_count(list) && !update && !upgrade)
        return;
    if (!m) {
        stage_error(g, "packages: the image has no apt-get, apk, dnf or yum; nothing is installed");
        return;
    }
    /* As cloud-init: a list of packages implies an update of the index first. */
    run_manager(g, m->update, NULL, 0);
    if (upgrade)
        run_manager(g, m->upgrade, NULL, 0);
    char **names = arena_alloc(g->a, (node_count(list) + 1) * sizeof(*names));
    if (list && list->kind == NODE_SCALAR)
        names[n++] = package_name(g, list, m->version_separator);
    for (const struct node *p = list && list->kind == NODE_LIST ? list->first : NULL; p;
         p = p->next) {
        char *name = package_name(g, p, m->version_separator);

        if (name[0] == '-' || name[0] == '\0')
            stage_error(g, "packages: '%s' is not a package name", name);
        else
            names[n++] = name;
    }
    if (n)
        run_manager(g, m->install, names, n);
}
