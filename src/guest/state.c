/*
 * /var/lib/cloud: what has been done for which instance.
 *
 * The layout is cloud-init's, because scripts, agents and people look there.  "Once"
 * hangs on the instance id: semaphores lie below instances/<id>/sem, so a disk that
 * became an image runs its user data again under the new id.  A semaphore is written
 * before its work begins: a script that reboots the machine does not run twice.
 */
#include "guest.h"

#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOUD "/var/lib/cloud"
#define RUN "/run/cloud-init"

static const char *const stage_names[N_STAGES] = {
    "init-local", "init", "modules-init", "modules-config", "modules-final",
};

const char *
state_path(struct guest *g, const char *below_instance)
{
    assert(g->instance_id.n > 0 && below_instance[0] != '/');
    return arena_fmt(g->a, CLOUD "/instances/%.*s/%s", STR_ARG(g->instance_id), below_instance).p;
}

static void
must(int r, const char *what)
{
    if (r < 0)
        log_warn("Cannot write %s: %s", what, strerror(-r));
}

/* The folders that only people and later boots look into. */
static void
shared_folders(void)
{
    static const char *const dirs[] = {
        CLOUD "/scripts", CLOUD "/scripts/per-boot", CLOUD "/scripts/per-instance",
        CLOUD "/scripts/per-once", CLOUD "/sem", RUN,
    };

    for (size_t i = 0; i < COUNT_OF(dirs); i++)
        if (mkdir(dirs[i], 0755) < 0 && errno != EEXIST)
            log_warn("Cannot make %s: %s", dirs[i], strerror(errno));
}

void
state_open(struct guest *g)
{
    struct str before = S("");
    const char *dir = arena_fmt(g->a, CLOUD "/instances/%.*s", STR_ARG(g->instance_id)).p;

    assert(g->instance_id.n > 0);
    if (mkdir(dir, 0755) < 0 && errno == ENOENT)
        must(make_dirs(dir, 0755), dir);
    /* Each by itself: a boot that was cut short may have left some of them. */
    const char *const folders[] = {state_path(g, "sem"), state_path(g, "scripts"), CLOUD "/data"};
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        if (mkdir(folders[i], 0755) < 0 && errno != EEXIST)
            log_warn("Cannot make %s: %s", folders[i], strerror(errno));
    file_read(g->a, CLOUD "/data/instance-id", 256, &before);
    g->previous_id = str_trim(before);
    g->new_instance = !str_eq(g->previous_id, g->instance_id);
    if (g->new_instance)
        must(file_write(CLOUD "/data/instance-id",
                        arena_fmt(g->a, "%.*s\n", STR_ARG(g->instance_id)), 0644), "instance-id");
    if (g->new_instance || !file_exists(CLOUD "/instance"))
        must(link_replace(dir, CLOUD "/instance"), CLOUD "/instance");
    log_info("%s instance %.*s%s%.*s", g->new_instance ? "New" : "Known", STR_ARG(g->instance_id),
             g->new_instance && g->previous_id.n ? ", this disk belonged to " : "",
             STR_ARG(g->new_instance ? g->previous_id : S("")));
}

void
state_papers(struct guest *g)
{
    struct str id = arena_fmt(g->a, "%.*s\n", STR_ARG(g->instance_id));

    /* `cloud-init status` must not see the last boot's result. */
    unlink(CLOUD "/data/result.json");
    unlink(state_path(g, "boot-finished"));
    shared_folders();
    must(file_write(RUN "/instance-id", id, 0644), RUN "/instance-id");
    if (!g->new_instance)
        return;
    struct str prev = g->previous_id.n ? arena_fmt(g->a, "%.*s\n", STR_ARG(g->previous_id))
                                       : S("NO_PREVIOUS_INSTANCE_ID\n");
    must(file_write(CLOUD "/data/previous-instance-id", prev, 0644), "previous-instance-id");
    must(file_write(state_path(g, "datasource"), S(DATASOURCE_NAME ": " DATASOURCE_NAME "\n"),
                    0644), "datasource");
    must(file_write(state_path(g, "vendor-data.txt"), S(""), 0600), "vendor-data.txt");
}

static const char *
semaphore_path(struct guest *g, const char *name, enum frequency freq)
{
    return freq == PER_ONCE ? arena_fmt(g->a, CLOUD "/sem/%s.once", name).p
                            : arena_fmt(g->a, "%s/%s", state_path(g, "sem"), name).p;
}

bool
state_done(struct guest *g, const char *name, enum frequency freq)
{
    return freq != PER_ALWAYS && file_exists(semaphore_path(g, name, freq));
}

bool
state_first(struct guest *g, const char *name, enum frequency freq)
{
    const char *path = semaphore_path(g, name, freq);
    int64_t t = now_ms();

    if (freq == PER_ALWAYS)
        return true;
    if (state_done(g, name, freq)) {
        log_info("%s already ran (freq=%s)", name, freq == PER_ONCE ? "once" : "once-per-instance");
        return false;
    }
    must(file_write(path, arena_fmt(g->a, "%d: %lld.%03lld\n", (int)getpid(),
                                    (long long)(t / 1000), (long long)(t % 1000)), 0644), path);
    return true;
}

static void
json_time(struct buf *b, int64_t ms)
{
    if (ms == 0)
        buf_add(b, S("null"));
    else
        buf_fmt(b, "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
}

static void
json_datasource(struct guest *g, struct buf *b)
{
    buf_add(b, g->has_metadata ? S("\"" DATASOURCE_NAME "\"") : S("null"));
}

void
state_write_status(struct guest *g, bool between_stages)
{
    struct buf b = buf_new(g->a, 64 * 1024);

    assert(between_stages || g->stages[g->stage].start_ms != 0);
    buf_add(&b, S("{\n \"v1\": {\n  \"datasource\": "));
    json_datasource(g, &b);
    for (size_t i = 0; i < N_STAGES; i++) {
        const struct stage_status *s = &g->stages[i];

        buf_fmt(&b, ",\n  \"%s\": {\n   \"errors\": [%.*s],\n   \"finished\": ", stage_names[i],
                STR_ARG(buf_str(&s->errors)));
        json_time(&b, s->finished_ms);
        buf_add(&b, S(",\n   \"start\": "));
        json_time(&b, s->start_ms);
        buf_add(&b, S("\n  }"));
    }
    if (between_stages)
        buf_add(&b, S(",\n  \"stage\": null\n }\n}\n"));
    else
        buf_fmt(&b, ",\n  \"stage\": \"%s\"\n }\n}\n", stage_names[g->stage]);
    must(file_replace(g->a, CLOUD "/data/status.json", buf_str(&b), 0644), "status.json");
    if (!file_exists(RUN "/status.json"))
        must(link_replace("../.." CLOUD "/data/status.json", RUN "/status.json"), RUN);
}

void
stage_begin(struct guest *g, enum stage stage)
{
    assert(stage == 0 || g->stages[stage - 1].finished_ms != 0);
    assert(stage < N_STAGES && g->stages[stage].start_ms == 0);
    g->stage = stage;
    g->stages[stage].start_ms = now_ms();
    g->stages[stage].errors = buf_new(g->a, 16 * 1024);
    if (g->papers_done)
        state_write_status(g, false);
}

void
stage_end(struct guest *g)
{
    assert(g->stages[g->stage].start_ms != 0);
    g->stages[g->stage].finished_ms = now_ms();
}

void
stage_error(struct guest *g, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    assert(g->stage < N_STAGES);
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    struct buf *e = &g->stages[g->stage].errors;
    if (!e->a)
        *e = buf_new(g->a, 16 * 1024);
    if (e->n)
        buf_add(e, S(", "));
    buf_json(e, str_c(text));
    log_warn("%s", text);
}

bool
state_has_errors(const struct guest *g)
{
    for (size_t i = 0; i < N_STAGES; i++)
        if (g->stages[i].errors.n)
            return true;
    return false;
}

void
state_finished(struct guest *g)
{
    struct buf b = buf_new(g->a, 64 * 1024);
    bool some = false;

    state_write_status(g, true);
    buf_add(&b, S("{\n \"v1\": {\n  \"datasource\": "));
    json_datasource(g, &b);
    buf_add(&b, S(",\n  \"errors\": ["));
    for (size_t i = 0; i < N_STAGES; i++) {
        struct str e = buf_str(&g->stages[i].errors);

        if (e.n && some)
            buf_add(&b, S(", "));
        buf_add(&b, e);
        some |= e.n != 0;
    }
    buf_add(&b, S("]\n }\n}\n"));
    must(file_replace(g->a, CLOUD "/data/result.json", buf_str(&b), 0644), "result.json");
    must(link_replace("../.." CLOUD "/data/result.json", RUN "/result.json"), RUN "/result.json");
}
