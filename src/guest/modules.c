/*
 * cloud-config modules: which exist, in which order, how often.
 *
 * A table per stage.  A module whose keys are all absent is not run and leaves no
 * semaphore, so that a plain script boot pays for none of this.  The three lists
 * cloud_init_modules, cloud_config_modules and cloud_final_modules replace a stage's
 * table as they do in cloud-init, which is how `[scripts-user, always]` works.
 * A key that no row knows is named in a warning: nothing is dropped in silence.
 */
#include "guest.h"

#include "file.h"
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PER_BOOT_DIR "/var/lib/cloud/scripts/per-boot"
#define PER_ONCE_DIR "/var/lib/cloud/scripts/per-once"
#define PER_INSTANCE_DIR "/var/lib/cloud/scripts/per-instance"

struct module {
    const char *name;
    enum stage stage;
    enum frequency freq;
    void (*run)(struct guest *g);
    const char *keys[6]; /* none: runs whatever the configuration says */
};

/* A list of commands as a script, in cloud-init's way: lists are quoted, strings are not. */
static bool
shellify(struct guest *g, const struct node *commands, struct buf *b)
{
    if (!commands || commands->kind != NODE_LIST)
        return false;
    buf_add(b, S("#!/bin/sh\n"));
    for (const struct node *c = commands->first; c; c = c->next) {
        if (c->kind == NODE_MAP)
            return false;
        if (c->kind == NODE_NULL)
            continue;
        if (c->kind == NODE_SCALAR) {
            buf_fmt(b, "%.*s\n", STR_ARG(c->text));
            continue;
        }
        for (const struct node *w = c->first; w; w = w->next) {
            struct str text = node_scalar(w);

            buf_add(b, w == c->first ? S("'") : S(" '"));
            for (size_t i = 0; i < text.n; i++)
                buf_add(b, text.p[i] == '\'' ? S("'\\''") : (struct str){text.p + i, 1});
            buf_byte(b, '\'');
        }
        buf_byte(b, '\n');
    }
    (void)g;
    return !b->over;
}

static void
module_bootcmd(struct guest *g)
{
    struct buf b = buf_new(g->a, 4 << 20);
    struct str env = arena_fmt(g->a, "INSTANCE_ID=%.*s", STR_ARG(g->instance_id));
    char path[] = "/run/cloud-init/bootcmd.sh";
    char *argv[] = {"/bin/sh", path, NULL};
    int status = 0;

    assert(g->instance_id.n > 0);
    if (!shellify(g, node_get(g->config, "bootcmd"), &b)) {
        stage_error(g, "Failed to shellify bootcmd: it is not a list of strings and lists");
        return;
    }
    int r = make_dirs("/run/cloud-init", 0755);
    if (r == 0)
        r = file_write(path, buf_str(&b), 0700);
    if (r == 0)
        r = run_wait(g->a, argv, env.p, &status);
    unlink(path);
    if (r < 0)
        stage_error(g, "Failed to run bootcmd module: %s", strerror(-r));
    else if (status != 0)
        stage_error(g, "Failed to run bootcmd module: Exit code: %d", status);
}

static void
module_runcmd(struct guest *g)
{
    struct buf b = buf_new(g->a, 4 << 20);

    if (!shellify(g, node_get(g->config, "runcmd"), &b))
        stage_error(g, "Failed to shellify runcmd into file %s: it is not a list of strings and "
                       "lists", state_path(g, "scripts/runcmd"));
    else if (file_write(state_path(g, "scripts/runcmd"), buf_str(&b), 0700) < 0)
        stage_error(g, "Failed to write %s", state_path(g, "scripts/runcmd"));
}

static void
module_locale(struct guest *g)
{
    struct str locale = node_text(g->config, "locale");

    if (locale.n == 0 || str_find(locale, S("\n"), 0) != SIZE_MAX ||
        str_ieq(locale, S("false")))
        return;
    make_dirs("/etc/default", 0755);
    if (file_write("/etc/default/locale", arena_fmt(g->a, "LANG=\"%.*s\"\n", STR_ARG(locale)),
                   0644) < 0)
        stage_error(g, "Failed to write /etc/default/locale");
}

static void
module_timezone(struct guest *g)
{
    struct str tz = node_text(g->config, "timezone");
    struct str path = arena_fmt(g->a, "/usr/share/zoneinfo/%.*s", STR_ARG(tz));

    if (tz.n == 0 || str_find(tz, S(".."), 0) != SIZE_MAX || !file_exists(path.p)) {
        stage_error(g, "Invalid timezone %.*s, no file found at %.*s", STR_ARG(tz), STR_ARG(path));
        return;
    }
    if (file_write("/etc/timezone", arena_fmt(g->a, "%.*s\n", STR_ARG(tz)), 0644) < 0 ||
        link_replace(path.p, "/etc/localtime") < 0)
        stage_error(g, "Failed to set the timezone");
}

static void
scripts(struct guest *g, const char *module, const char *dir)
{
    struct str why = S("");

    assert(dir[0] == '/' && module[0]);
    if (run_parts(g->a, dir, &why) == 0)
        return;
    log_warn("Failed to run module %s (scripts in %s)", module, dir);
    stage_error(g, "('%s', RuntimeError('%.*s'))", module, STR_ARG(why));
}

static void
module_scripts_once(struct guest *g)
{
    scripts(g, "scripts-per-once", PER_ONCE_DIR);
}

static void
module_scripts_boot(struct guest *g)
{
    scripts(g, "scripts-per-boot", PER_BOOT_DIR);
}

static void
module_scripts_instance(struct guest *g)
{
    scripts(g, "scripts-per-instance", PER_INSTANCE_DIR);
}

static void
module_scripts_user(struct guest *g)
{
    scripts(g, "scripts-user", "/var/lib/cloud/instance/scripts");
}

/* $version and the like, as final_message's template has them. */
static struct str
expand(struct guest *g, struct str template)
{
    const struct {
        struct str name, value;
    } vars[] = {
        {S("version"), S("welkin-init " WELKIN_INIT_VERSION)},
        {S("timestamp"), date_text(g->a, now_ms(), DATE_RFC2822)},
        {S("datasource"), g->has_metadata ? S(DATASOURCE_NAME) : S("none")},
        {S("uptime"), arena_fmt(g->a, "%.2f", uptime_s())},
    };
    struct buf b = buf_new(g->a, 65536);

    for (size_t i = 0; i < template.n; i++) {
        struct str rest = str_cut(template, i + 1, template.n);
        bool brace = rest.n && rest.p[0] == '{', hit = false;

        for (size_t v = 0; template.p[i] == '$' && v < COUNT_OF(vars) && !hit; v++) {
            struct str name = str_cut(rest, brace, rest.n);

            hit = str_istarts(name, vars[v].name);
            if (!hit)
                continue;
            buf_add(&b, vars[v].value);
            i += vars[v].name.n + 2 * (size_t)brace;
        }
        if (!hit)
            buf_byte(&b, template.p[i]);
    }
    return buf_str(&b);
}

static void
module_final_message(struct guest *g)
{
    struct str own = node_text(g->config, "final_message");
    struct str standard = S("welkin-init " WELKIN_INIT_VERSION " finished at $timestamp. "
                            "Datasource $datasource.  Up $uptime seconds");
    struct str stamp = arena_fmt(g->a, "%.2f - %.*s - v. %s\n", uptime_s(),
                                 STR_ARG(date_text(g->a, now_ms(), DATE_RFC2822)),
                                 WELKIN_INIT_VERSION);

    g->final_message = expand(g, own.n ? own : standard);
    file_write(state_path(g, "boot-finished"), stamp, 0644);
    log_info("finished, up %.2f seconds", uptime_s());
}

/* Asks PID 1, after the delay, in a process that outlives this one. */
static void
module_power_state(struct guest *g)
{
    const struct node *p = node_get(g->config, "power_state");
    struct str mode = node_text(p, "mode"), delay = node_text(p, "delay");
    struct str message = node_text(p, "message");
    enum { MINUTES_MAX = 60 * 24 * 365 };
    int sig = str_eq(mode, S("reboot")) ? SIGINT : SIGUSR2;
    uint64_t minutes = 0;

    if (!str_eq(mode, S("reboot")) && !str_eq(mode, S("poweroff")) && !str_eq(mode, S("halt"))) {
        stage_error(g, "power_state[mode] required, must be one of: poweroff, reboot, halt");
        return;
    }
    if (node_get(p, "condition")) {
        stage_error(g, "power_state: 'condition' is not implemented, nothing is done");
        return;
    }
    if (str_starts(delay, S("+")))
        delay = str_cut(delay, 1, delay.n);
    if (delay.n && !str_eq(delay, S("now")) &&
        (!str_u64(delay, 10, &minutes) || minutes > MINUTES_MAX)) {
        stage_error(g, "power_state[delay] must be 'now' or '+m' (minutes)");
        return;
    }
    assert(minutes <= MINUTES_MAX);
    console_say("power_state: %.*s in %u minutes. %.*s", STR_ARG(mode), (unsigned)minutes,
                STR_ARG(message));
    if (fork() != 0)
        return;
    sleep((unsigned)minutes * 60 + 1);
    kill(1, sig);
    _exit(0);
}

static const struct module modules[] = {
    {"bootcmd", STAGE_MODULES_INIT, PER_ALWAYS, module_bootcmd, {"bootcmd"}},
    {"write_files", STAGE_MODULES_INIT, PER_INSTANCE, module_write_files, {"write_files"}},
    {"set_hostname", STAGE_MODULES_INIT, PER_ALWAYS, network_hostname,
     {"hostname", "fqdn", "preserve_hostname", "prefer_fqdn_over_hostname"}},
    {"update_etc_hosts", STAGE_MODULES_INIT, PER_ALWAYS, network_etc_hosts, {"manage_etc_hosts"}},
    {"users_groups", STAGE_MODULES_INIT, PER_INSTANCE, module_users_groups,
     {"users", "groups", "user"}},
    {"ssh", STAGE_MODULES_INIT, PER_INSTANCE, ssh_install_keys, {NULL}},
    {"locale", STAGE_CONFIG, PER_INSTANCE, module_locale, {"locale"}},
    {"set_passwords", STAGE_CONFIG, PER_INSTANCE, module_set_passwords,
     {"chpasswd", "password", "ssh_pwauth"}},
    {"timezone", STAGE_CONFIG, PER_INSTANCE, module_timezone, {"timezone"}},
    {"runcmd", STAGE_CONFIG, PER_INSTANCE, module_runcmd, {"runcmd"}},
    {"package_update_upgrade_install", STAGE_FINAL, PER_INSTANCE, module_packages,
     {"packages", "package_update", "package_upgrade", "package_reboot_if_required"}},
    {"write_files_deferred", STAGE_FINAL, PER_INSTANCE, module_write_files_deferred,
     {"write_files"}},
    {"scripts_per_once", STAGE_FINAL, PER_ONCE, module_scripts_once, {NULL}},
    {"scripts_per_boot", STAGE_FINAL, PER_ALWAYS, module_scripts_boot, {NULL}},
    {"scripts_per_instance", STAGE_FINAL, PER_INSTANCE, module_scripts_instance, {NULL}},
    {"scripts_user", STAGE_FINAL, PER_INSTANCE, module_scripts_user, {NULL}},
    {"final_message", STAGE_FINAL, PER_ALWAYS, module_final_message, {NULL}},
    {"power_state_change", STAGE_FINAL, PER_INSTANCE, module_power_state, {"power_state"}},
};

/* Keys that are read outside the table, or are about the document itself. */
static const char *const other_keys[] = {
    "cloud_init_modules", "cloud_config_modules", "cloud_final_modules", "final_message",
    "disable_root", "ssh_authorized_keys", "ssh_deletekeys", "merge_how", "merge_type",
};

static_assert(COUNT_OF(modules) <= 32, "mark_later has a bit for each");

static bool
wanted(const struct guest *g, const struct module *m)
{
    assert(m->name && m->run);
    if (!m->keys[0])
        return true;
    for (size_t i = 0; i < COUNT_OF(m->keys) && m->keys[i]; i++)
        if (node_get(g->config, m->keys[i]))
            return true;
    return false;
}

/* True for a module of scripts whose folder is empty: it is only to be marked as done. */
static bool
nothing_to_run(const struct module *m)
{
    const char *dir = m->run == module_scripts_once       ? PER_ONCE_DIR
                      : m->run == module_scripts_instance ? PER_INSTANCE_DIR
                      : m->run == module_scripts_boot     ? PER_BOOT_DIR
                                                          : NULL;
    DIR *d = dir ? opendir(dir) : NULL;
    const struct dirent *e = NULL;

    while (d && (e = readdir(d)) && e->d_name[0] == '.')
        ;
    if (d)
        closedir(d);
    return dir && !e;
}

static void
run_module(struct guest *g, const struct module *m, enum frequency freq)
{
    assert(m >= modules && m < modules + COUNT_OF(modules));
    if (!g->papers_done && nothing_to_run(m)) {
        g->mark_later |= 1u << (m - modules);
        return;
    }
    const char *name = arena_fmt(g->a, "config_%s", m->name).p;
    if (!wanted(g, m))
        return;
    /* Keys may be installed twice without harm, so their mark need not come first. */
    if (m->run == ssh_install_keys && !g->papers_done && freq == PER_INSTANCE) {
        if (state_done(g, name, freq))
            return;
        g->mark_later |= 1u << (m - modules);
    } else if (!state_first(g, name, freq)) {
        return;
    }
    m->run(g);
}

void
modules_papers(struct guest *g)
{
    for (size_t i = 0; i < COUNT_OF(modules); i++) {
        const char *name = arena_fmt(g->a, "config_%s", modules[i].name).p;

        if ((g->mark_later & 1u << i) && !state_done(g, name, modules[i].freq))
            state_first(g, name, modules[i].freq);
    }
    g->mark_later = 0;
}

static const struct module *
module_named(struct guest *g, struct str name)
{
    char *under = arena_cstr(g->a, name);

    for (size_t i = 0; i < name.n; i++)
        if (under[i] == '-')
            under[i] = '_';
    for (size_t i = 0; i < COUNT_OF(modules); i++)
        if (strcmp(modules[i].name, under) == 0)
            return &modules[i];
    return NULL;
}

/* One entry of a user's list: `name`, `[name]` or `[name, frequency]`. */
static void
run_listed(struct guest *g, const struct node *entry)
{
    const struct node *first = entry->kind == NODE_LIST ? entry->first : entry;
    struct str name = node_scalar(first), often = S("");
    const struct module *m = module_named(g, name);

    if (entry->kind == NODE_LIST && first)
        often = node_scalar(first->next);
    if (!m) {
        log_warn("The module '%.*s' is not implemented by welkin-init and is NOT run",
                 STR_ARG(name));
        return;
    }
    enum frequency freq = m->freq;
    if (str_eq(often, S("always")))
        freq = PER_ALWAYS;
    else if (str_eq(often, S("once-per-instance")) || str_eq(often, S("instance")))
        freq = PER_INSTANCE;
    else if (str_eq(often, S("once")))
        freq = PER_ONCE;
    else if (often.n)
        log_warn("Unknown frequency '%.*s' of module %s", STR_ARG(often), m->name);
    run_module(g, m, freq);
}

void
modules_run(struct guest *g, enum stage stage)
{
    const char *key = stage == STAGE_MODULES_INIT ? "cloud_init_modules"
                      : stage == STAGE_CONFIG     ? "cloud_config_modules"
                                                  : "cloud_final_modules";
    const struct node *list = node_get(g->config, key);

    assert(stage == STAGE_MODULES_INIT || stage == STAGE_CONFIG || stage == STAGE_FINAL);
    if (list && list->kind == NODE_LIST) {
        for (const struct node *e = list->first; e; e = e->next)
            run_listed(g, e);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(modules); i++)
        if (modules[i].stage == stage)
            run_module(g, &modules[i], modules[i].freq);
}

static bool
key_known(struct str key)
{
    for (size_t i = 0; i < COUNT_OF(other_keys); i++)
        if (str_eq(key, str_c(other_keys[i])))
            return true;
    for (size_t i = 0; i < COUNT_OF(modules); i++)
        for (size_t k = 0; k < COUNT_OF(modules[i].keys) && modules[i].keys[k]; k++)
            if (str_eq(key, str_c(modules[i].keys[k])))
                return true;
    return false;
}

void
modules_warn_unknown(struct guest *g)
{
    for (const struct node *n = g->config->first; n; n = n->next) {
        if (str_eq(n->key, S("output")))
            log_warn("cloud-config key 'output' is ignored: output always goes to the console and "
                     "/var/log/cloud-init-output.log");
        else if (!key_known(n->key))
            log_warn("cloud-config key '%.*s' is not implemented and has NO effect",
                     STR_ARG(n->key));
    }
}
