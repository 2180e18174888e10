/*
 * services: what shall be running and enabled, and what is restarted because of a change.
 *
 * systemd's are asked of systemctl; in an image without it they are its init scripts, as sysvinit's
 * are, which is all that "plain" images have.
 */
#include "build.h"

#include "../file.h"
#include "log.h"
#include "plan.h"
#include "proc.h"
#include "../run.h"

#include <string.h>

struct service {
    struct build *b;
    struct str name;
    bool systemd;
};

static int
act(const struct service *s, const char *verb, struct str *ret_output)
{
    static const char *const runners[] = {"/sbin/service", "/usr/sbin/service"};
    struct arena *a = s->b->a;
    const char *name = arena_cstr(a, s->name);

    assert(verb[0] && s->name.n > 0);
    if (s->systemd)
        return proc_tool(a, ret_output, "systemctl", strcmp(verb, "status") ? verb : "is-active",
                         name, NULL);
    for (size_t i = 0; i < COUNT_OF(runners); i++)
        if (file_exists(runners[i]))
            return proc_tool(a, ret_output, runners[i], name, verb, NULL);
    return proc_tool(a, ret_output, arena_fmt(a, "/etc/init.d/%s", name).p, verb, NULL);
}

static bool
set_running(const struct service *s, const char *verb, const char *done)
{
    struct str output;
    int status = act(s, verb, &output);

    assert(done[0]);
    if (status == 0) {
        cfn_log(CFN_INFO, "%s %.*s successfully", done, STR_ARG(s->name));
        return true;
    }
    cfn_log(CFN_ERROR, "Could not %s service %.*s; return code was %d", verb, STR_ARG(s->name),
            status);
    cfn_log(CFN_DEBUG, "Service output: %.*s", STR_ARG(output));
    return build_fail(s->b, "Could not %s %.*s", verb, STR_ARG(s->name));
}

static bool
set_enabled(const struct service *s, bool on)
{
    struct arena *a = s->b->a;
    const char *name = arena_cstr(a, s->name), *with;
    struct str output;
    int status;

    cfn_log(CFN_DEBUG, "Setting service %s to %s", name, on ? "enabled" : "disabled");
    if (s->systemd) {
        with = "systemctl";
        status = proc_tool(a, &output, with, on ? "enable" : "disable", name, NULL);
    } else if (file_exists("/sbin/chkconfig")) {
        with = "chkconfig";
        status = proc_tool(a, &output, "/sbin/chkconfig", name, on ? "on" : "off", NULL);
    } else if (file_exists("/usr/sbin/update-rc.d")) {
        with = "update-rc.d";
        status =
            proc_tool(a, &output, "/usr/sbin/update-rc.d", name, on ? "enable" : "disable", NULL);
    } else {
        cfn_log(CFN_ERROR, "Could not enable %s, as chkconfig and update-rc.d were not available",
                name);
        return true;
    }
    if (status == 0) {
        cfn_log(CFN_INFO, "%s service %s", on ? "enabled" : "disabled", name);
        return true;
    }
    cfn_log(CFN_ERROR, "%s failed with error %d. Output: %.*s", with, status, STR_ARG(output));
    return build_fail(s->b, "Could not %s service %s (return code %d)", on ? "enable" : "disable",
                      name, status);
}

/* A change in this run of anything that the service lists. */
static bool
must_restart(const struct build *b, const struct node *service)
{
    const struct {
        const char *key;
        const struct changes *changes;
    } lists[] = {{"files", &b->files},
                 {"sources", &b->sources},
                 {"groups", &b->groups},
                 {"users", &b->users},
                 {"commands", &b->commands}};
    const struct node *packages = node_get(service, "packages");

    for (size_t i = 0; i < COUNT_OF(lists); i++)
        if (plan_touches(node_get(service, lists[i].key), lists[i].changes->names,
                         lists[i].changes->n))
            return true;
    for (const struct node *m = packages ? packages->first : NULL; m; m = m->next)
        for (size_t i = 0; i < b->n_packages; i++)
            if (str_eq(b->packages[i].manager, m->key) &&
                plan_touches(m, b->packages[i].names.names, b->packages[i].names.n))
                return true;
    return false;
}

static bool
one(struct build *b, const struct node *n, bool systemd)
{
    struct service s = {b, n->key, systemd};
    const struct node *enabled = node_get(n, "enabled"), *running = node_get(n, "ensureRunning");

    if (!s.name.n || memchr(s.name.p, '/', s.name.n))
        return build_fail(b, "'%.*s' is not the name of a service", STR_ARG(s.name));
    if (!enabled)
        cfn_log(CFN_DEBUG, "Not modifying enabled state of service %.*s", STR_ARG(s.name));
    else if (!set_enabled(&s, node_bool(enabled, false)))
        return false;
    if (must_restart(b, n)) {
        cfn_log(CFN_DEBUG, "Restarting %.*s due to change detected in dependency", STR_ARG(s.name));
        return set_running(&s, "restart", "Restarted");
    }
    if (!running) {
        cfn_log(CFN_DEBUG, "Not modifying running state of service %.*s", STR_ARG(s.name));
        return true;
    }
    bool want = node_bool(running, false), is = act(&s, "status", NULL) == 0;
    if (want && !is)
        return set_running(&s, "start", "Started");
    if (!want && is)
        return set_running(&s, "stop", "Stopped");
    cfn_log(CFN_DEBUG, "No need to modify running state of service %.*s", STR_ARG(s.name));
    return true;
}

bool
build_services(struct build *b, const struct node *services)
{
    bool has_systemctl = run_find(b->a, "systemctl").n > 0;

    for (const struct node *m = services->first; m; m = m->next) {
        bool systemd = str_eq(m->key, S("systemd"));

        if (!systemd && !str_eq(m->key, S("sysvinit"))) {
            cfn_log(CFN_WARNING, "Unsupported service manager: %.*s", STR_ARG(m->key));
            continue;
        }
        for (const struct node **s = plan_sorted(b->a, m); *s; s++)
            if (!one(b, *s, systemd && has_systemctl))
                return false;
    }
    return true;
}
