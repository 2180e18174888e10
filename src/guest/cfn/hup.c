/*
 * cfn-hup: looks at the metadata every few minutes and runs hooks for what changed.
 *
 * What was seen last is kept in /var/lib/cfn-hup/data/metadata_db, a JSON object from "hook|path"
 * to the value.  A hook whose action fails keeps its old value, so that it is run again.
 */
#include "cfn.h"

#include "../file.h"
#include "client.h"
#include "ini.h"
#include "json.h"
#include "log.h"
#include "plan.h"
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY_MAX = 256 << 20, CONF_MAX = 1 << 20, STATE_MAX = 64 << 20, RESOURCES_MAX = 64 };
enum { HUP_CONFIG, HUP_NO_DAEMON, HUP_FOREGROUND, HUP_VERBOSE, N_HUP };

#define STATE "/var/lib/cfn-hup/data/metadata_db"
#define PID_FILE "/var/run/cfn-hup.pid"

static const struct option_def defs[] = {
    {'c', "config", OPTION_TEXT, "The configuration directory (default: /etc/cfn)", NULL},
    {0, "no-daemon", OPTION_FLAG, "Do not daemonize", NULL},
    {'f', "foreground", OPTION_FLAG, "Go on looking, but not as a daemon", NULL},
    {'v', "verbose", OPTION_FLAG, "Enables verbose logging", NULL},
};

struct seen_resource {
    struct str logical_id;
    struct stack_resource is;
};

/* One look at everything; what it allocates goes with it. */
struct look {
    struct arena *a;
    const struct node *conf, *hooks;
    struct client client;
    struct str stack;
    struct node *state;
    struct seen_resource resources[RESOURCES_MAX];
    size_t n_resources;
    bool fatal;
};

static bool
read_hooks(struct arena *a, const char *dir, struct node *hooks, struct str *ret_why)
{
    struct dirent **entries;
    struct str text;
    bool good = true, any = false;
    const char *main = arena_fmt(a, "%s/hooks.conf", dir).p,
               *more = arena_fmt(a, "%s/hooks.d", dir).p;

    if (file_read(a, main, CONF_MAX, &text)) {
        any = true;
        good = ini_read(a, text, hooks, ret_why);
    }
    int n = scandir(more, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *path = arena_fmt(a, "%s/%s", more, entries[i]->d_name).p;
        struct stat st;

        if (good && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            file_read(a, path, CONF_MAX, &text)) {
            any = true;
            good = ini_read(a, text, hooks, ret_why);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    if (!any)
        *ret_why = arena_fmt(a, "No hook configurations found at %s or %s.", main, more);
    return good && any;
}

static bool
read_config(struct arena *a, const char *dir, struct node *conf, struct node *hooks,
            struct str *ret_why)
{
    const char *path = arena_fmt(a, "%s/cfn-hup.conf", dir).p;
    struct str text;
    size_t valid = 0;

    *ret_why = arena_fmt(a, "Could not find main configuration at %s", path);
    if (!file_read(a, path, CONF_MAX, &text) || !ini_read(a, text, conf, ret_why))
        return false;
    *ret_why = S("[main] section must contain stack option");
    if (!node_text(node_get(conf, "main"), "stack").n || !read_hooks(a, dir, hooks, ret_why))
        return false;
    for (const struct node *h = hooks->first; h; h = h->next) {
        static const char *const needed[] = {"triggers", "path", "action"};
        bool good = true;

        for (size_t i = 0; i < COUNT_OF(needed) && good; i++) {
            good = node_get(h, needed[i]) != NULL;
            if (!good)
                cfn_log(CFN_ERROR, "No %s specified for hook %.*s", needed[i], STR_ARG(h->key));
        }
        valid += good;
    }
    *ret_why = S("No valid hooks found");
    return valid > 0;
}

static bool
has_trigger(const struct node *hook, const char *trigger)
{
    struct str rest = node_text(hook, "triggers"), one;

    assert(trigger[0]);
    while (str_field(&rest, ',', &one))
        if (str_eq(str_trim(one), str_c(trigger)))
            return true;
    return false;
}

static const struct stack_resource *
resource(struct look *l, struct str logical_id)
{
    struct str why;

    assert(logical_id.n > 0 && l->n_resources <= RESOURCES_MAX);
    for (size_t i = 0; i < l->n_resources; i++)
        if (str_eq(l->resources[i].logical_id, logical_id))
            return &l->resources[i].is;
    if (l->n_resources == RESOURCES_MAX) {
        cfn_log(CFN_ERROR, "The hooks look at more than %d resources", RESOURCES_MAX);
        return NULL;
    }
    struct seen_resource *r = &l->resources[l->n_resources];
    if (!client_describe(&l->client, l->stack, logical_id, &r->is, &why)) {
        cfn_log(CFN_ERROR, "%.*s", STR_ARG(why));
        return NULL;
    }
    r->logical_id = logical_id;
    l->n_resources++;
    return &r->is;
}

static bool
fatal(struct look *l, const char *why, struct str path)
{
    assert(why[0]);
    cfn_log(CFN_ERROR, "Fatal exception: Unsupported path: %s (path: %.*s)", why, STR_ARG(path));
    l->fatal = true;
    return false;
}

static const struct node *
text_node(struct arena *a, struct str text)
{
    struct node *n = arena_alloc(a, sizeof(*n));

    *n = (struct node){.kind = NODE_SCALAR, .quoted = true, .text = text};
    return text.n ? n : NULL;
}

/* What is at a path now, NULL for nothing; false when that cannot be said now. */
static bool
value_at(struct look *l, struct str path, const struct node **ret, const char **ret_kind)
{
    struct str rest = path, root = S(""), logical_id = S(""), part = S("");

    str_field(&rest, '.', &root);
    str_field(&rest, '.', &logical_id);
    bool has_part = str_field(&rest, '.', &part);
    if (!logical_id.n)
        return fatal(l,
                     "paths must be in the form Resources.<LogicalResourceId>(.Metadata|"
                     "PhysicalResourceId)(.<optional Metadata subkey>)",
                     path);
    if (!str_ieq(root, S("resources")))
        return fatal(l, "only changes to Resources are supported", path);
    bool metadata = str_ieq(part, S("metadata"));
    if (has_part && !metadata && !str_ieq(part, S("physicalresourceid")))
        return fatal(l,
                     "only Metadata or PhysicalResourceId can be specified after "
                     "LogicalResourceId",
                     path);
    const struct stack_resource *r = resource(l, logical_id);
    if (!r)
        return false;
    if (r->status.n > 12 &&
        str_eq(str_cut(r->status, r->status.n - 12, r->status.n), S("_IN_PROGRESS"))) {
        cfn_log(CFN_DEBUG, "Skipping resource %.*s in %.*s as it is in status %.*s",
                STR_ARG(logical_id), STR_ARG(l->stack), STR_ARG(r->status));
        return false;
    }
    *ret_kind = !has_part ? "LAST_UPDATED" : metadata ? "METADATA" : "PHYSICAL_RESOURCE_ID";
    if (metadata)
        *ret = plan_value(l->a, r->metadata, rest);
    else
        *ret = str_eq(r->status, S("DELETE_COMPLETE"))
                   ? NULL
                   : text_node(l->a, has_part ? r->physical_id : r->last_updated);
    return true;
}

static struct str
as_text(struct arena *a, const struct node *n)
{
    struct buf b = buf_new(a, STATE_MAX);

    if (!n)
        return S("");
    if (n->kind == NODE_SCALAR && n->quoted)
        return n->text;
    json_dump(&b, n, -1);
    return buf_str(&b);
}

static void
set_variable(struct arena *a, const char *when, const char *kind, const struct node *value)
{
    const char *name = arena_fmt(a, "CFN_%s_%s", when, kind).p;

    if (value)
        setenv(name, arena_cstr(a, as_text(a, value)), 1);
    else
        unsetenv(name);
}

static bool
act(struct look *l, const struct node *hook, const char *kind, const struct node *before,
    const struct node *now)
{
    struct str action = node_text(hook, "action"), user = node_text(hook, "runas"), output, why;
    char *su[] = {"su", arena_cstr(l->a, user), "-c", arena_cstr(l->a, action), NULL};
    char *sh[] = {"/bin/sh", "-c", arena_cstr(l->a, action), NULL};
    struct proc p = {.argv = user.n ? su : sh};
    int status;

    cfn_log(CFN_INFO, "Running action for %.*s", STR_ARG(hook->key));
    set_variable(l->a, "OLD", kind, before);
    set_variable(l->a, "NEW", kind, now);
    bool started = proc_run(l->a, &p, &output, &status, &why);
    unsetenv(arena_fmt(l->a, "CFN_OLD_%s", kind).p);
    unsetenv(arena_fmt(l->a, "CFN_NEW_%s", kind).p);
    if (!started || status)
        cfn_log(CFN_WARNING, "Action for %.*s exited with %d; will retry on next iteration",
                STR_ARG(hook->key), status);
    cfn_log(CFN_DEBUG, "Action for %.*s output: %.*s", STR_ARG(hook->key),
            STR_ARG(started ? output : why));
    return started && status == 0;
}

static void
remember(struct look *l, struct str key, const struct node *value)
{
    struct node one = {.kind = NODE_MAP}, *copy = arena_alloc(l->a, sizeof(*copy));

    assert(l->state->kind == NODE_MAP && key.n > 0);
    *copy = value ? *value : (struct node){.kind = NODE_NULL};
    copy->key = key;
    copy->next = NULL;
    one.first = copy;
    node_merge(l->a, l->state, &one);
}

static void
process(struct look *l, const struct node *hook)
{
    struct str path = node_text(hook, "path");
    struct str key = arena_fmt(l->a, "%.*s|%.*s", STR_ARG(hook->key), STR_ARG(path));
    const struct node *now = NULL, *before = node_get(l->state, key.p);
    const char *kind = "";

    assert(node_get(hook, "triggers") && node_get(hook, "action"));
    if (has_trigger(hook, "on.command")) {
        cfn_log(CFN_ERROR, "Hook %.*s: on.command is not implemented by Welkin's cfn-hup",
                STR_ARG(hook->key));
        return;
    }
    if (!value_at(l, path, &now, &kind))
        return;
    if (has_trigger(hook, "post.add") && !before && now) {
        cfn_log(CFN_INFO, "Previous state not found; action for %.*s will be run",
                STR_ARG(hook->key));
    } else if (has_trigger(hook, "post.remove") && before && !now) {
        cfn_log(CFN_INFO, "Path %.*s was removed; action for %.*s will be run", STR_ARG(path),
                STR_ARG(hook->key));
    } else if (has_trigger(hook, "post.update") && before && now &&
               !str_eq(as_text(l->a, before), as_text(l->a, now))) {
        cfn_log(CFN_INFO, "Data has changed from previous state; action for %.*s will be run",
                STR_ARG(hook->key));
    } else {
        cfn_log(CFN_DEBUG, "No change in path %.*s for hook %.*s", STR_ARG(path),
                STR_ARG(hook->key));
        remember(l, key, now);
        return;
    }
    if (act(l, hook, kind, before, now))
        remember(l, key, now);
}

/* Reads the configuration anew each time; false when it cannot go on. */
static bool
look(const char *dir, unsigned *ret_interval)
{
    struct arena a = {.max_bytes = MEMORY_MAX};
    struct node conf = {.kind = NODE_MAP}, hooks = {.kind = NODE_MAP};
    struct look *l = arena_alloc(&a, sizeof(*l));
    struct option_value who[CLIENT_N_CREDENTIALS] = {0};
    struct str why, text;
    uint64_t interval = 15;

    l->a = &a;
    l->fatal = !read_config(&a, dir, &conf, &hooks, &why);
    const struct node *main = node_get(&conf, "main");
    struct str given = node_text(main, "interval");
    if (!l->fatal && given.n && (!str_u64(given, 10, &interval) || !interval || interval > 10000)) {
        why = arena_fmt(&a, "Invalid interval (must be 1 minute or greater): %.*s", STR_ARG(given));
        l->fatal = true;
    }
    if (l->fatal) {
        cfn_log(CFN_ERROR, "Error: %.*s", STR_ARG(why));
        fprintf(stderr, "Error: %.*s\n", STR_ARG(why));
        arena_done(&a);
        return false;
    }
    assert(interval >= 1 && interval <= 10000);
    who[0].text = node_text(main, "credential-file");
    who[1].text = node_text(main, "role");
    client_open(&l->client, &a, who, node_text(main, "url"), node_text(main, "region"));
    l->stack = node_text(main, "stack");
    assert(l->stack.n > 0);
    if (file_read(&a, STATE, STATE_MAX, &text))
        l->state = json_parse(&a, text, &why);
    if (!l->state || l->state->kind != NODE_MAP) {
        l->state = arena_alloc(&a, sizeof(*l->state));
        l->state->kind = NODE_MAP;
    }
    for (const struct node *h = hooks.first; h && !l->fatal; h = h->next)
        if (node_get(h, "triggers") && node_get(h, "path") && node_get(h, "action"))
            process(l, h);
    struct buf b = buf_new(&a, STATE_MAX);
    json_dump(&b, l->state, -1);
    make_parents(&a, STATE);
    int r = file_replace(&a, STATE, buf_str(&b), 0600);
    if (r < 0)
        cfn_log(CFN_ERROR, "Could not write %s: %s", STATE, strerror(-r));
    bool good = !l->fatal;
    *ret_interval = (unsigned)interval;
    arena_done(&a);
    return good;
}

/* The parent has ended when this returns. */
static void
daemonize(void)
{
    char pid[32];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    pid_t child = fork();
    if (child != 0)
        _exit(child < 0);
    setsid();
    if (null < 0 || chdir("/") < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(1);
    snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    file_write(PID_FILE, str_c(pid), 0644);
}

int
cfn_hup_command(int argc, char **argv)
{
    struct arena a = {.max_bytes = MEMORY_MAX};
    struct command_line line = {
        .program = "cfn-hup", .usage = "[options]", .defs = defs, .n_defs = COUNT_OF(defs)};
    unsigned interval;
    struct str text, why;
    struct node conf = {.kind = NODE_MAP};
    struct stat st;

    _Static_assert(COUNT_OF(defs) == N_HUP, "the order of the options");
    options_or_exit(&a, &line, argc, argv);
    const struct option_value *v = line.values;
    const char *dir = v[HUP_CONFIG].text.n ? arena_cstr(&a, v[HUP_CONFIG].text) : "/etc/cfn";
    bool verbose = v[HUP_VERBOSE].given;
    if (file_read(&a, arena_fmt(&a, "%s/cfn-hup.conf", dir).p, CONF_MAX, &text) &&
        ini_read(&a, text, &conf, &why))
        verbose |= node_bool(node_get(node_get(&conf, "main"), "verbose"), false);
    cfn_log_open("cfn-hup.log", verbose);
    if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
        cfn_log(CFN_ERROR, "Error: Could not find configuration at %s", dir);
        fprintf(stderr, "Error: Could not find configuration at %s\n", dir);
        return 1;
    }
    if (v[HUP_NO_DAEMON].given)
        return look(dir, &interval) ? 0 : 1;
    if (!v[HUP_FOREGROUND].given)
        daemonize();
    while (look(dir, &interval)) {
        struct timespec t = {.tv_sec = (time_t)interval * 60};

        while (nanosleep(&t, &t) < 0 && errno == EINTR)
            ;
    }
    return 1;
}
