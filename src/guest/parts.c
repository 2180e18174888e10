/*
 * Parts of user data onto the disk.
 *
 * Done at every boot, not once: the parts are rewritten from what metadata serves now,
 * and it is the modules that run them whose semaphores say "once".  That is what makes
 * changed user data take effect for `[scripts-user, always]` and for boothooks only.
 */
#include "guest.h"

#include "fetch.h"
#include "file.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

static void
on_note(void *ctx, bool warn, struct str text)
{
    struct guest *g = ctx;

    if (warn)
        stage_error(g, "%.*s", STR_ARG(text));
    else
        log_info("%.*s", STR_ARG(text));
}

/* Where #include-once keeps a URL's content: named by a hash, as URLs may hold anything. */
static const char *
cache_path(struct guest *g, struct str url)
{
    uint64_t h = 0xcbf29ce484222325u;

    assert(url.n > 0);
    for (size_t i = 0; i < url.n; i++)
        h = (h ^ (unsigned char)url.p[i]) * 0x100000001b3u;
    return arena_fmt(g->a, "%s/%016llx", state_path(g, "data/urlcache"), (unsigned long long)h).p;
}

static bool
on_fetch(void *ctx, struct str url, bool once, struct str *ret)
{
    struct guest *g = ctx;
    const char *cache = once ? cache_path(g, url) : NULL;
    struct str why = S("");

    if (cache && file_read(g->a, cache, 1 << 20, ret))
        return true;
    log_info("Reading the included %.*s", STR_ARG(url));
    if (!fetch_url(g->a, url, ret, &why)) {
        stage_error(g, "Fetching from %.*s resulted in %.*s", STR_ARG(url), STR_ARG(why));
        return false;
    }
    if (cache && make_parents(g->a, cache) == 0)
        file_write(cache, *ret, 0600);
    return true;
}

static void
write_script(struct guest *g, const char *dir, const struct part *p)
{
    struct str name = clean_filename(g->a, p->filename);
    struct str path = arena_fmt(g->a, "%s/%.*s", dir, STR_ARG(name));
    assert(name.n > 0 && str_find(name, S("/"), 0) == SIZE_MAX);
    int r = file_write(path.p, dos2unix(g->a, p->payload), 0700);

    assert(dir[0] == '/');
    if (r < 0)
        stage_error(g, "Failed to write %.*s: %s", STR_ARG(path), strerror(-r));
}

static void
run_boothook(struct guest *g, const struct part *p)
{
    const char *dir = state_path(g, "boothooks");
    struct str body = str_ltrim(dos2unix(g->a, p->payload));
    struct str path = arena_fmt(g->a, "%s/%.*s", dir, STR_ARG(clean_filename(g->a, p->filename)));
    struct str env = arena_fmt(g->a, "INSTANCE_ID=%.*s", STR_ARG(g->instance_id));
    char *argv[] = {arena_cstr(g->a, path), NULL};
    int status = 0;

    assert(p->type == PART_BOOTHOOK);
    if (str_istarts(body, S("#cloud-boothook")))
        body = str_ltrim(str_cut(body, strlen("#cloud-boothook"), body.n));
    make_dirs(dir, 0755);
    int r = file_write(path.p, body, 0700);
    if (r == 0)
        r = run_wait(g->a, argv, env.p, &status);
    if (r < 0)
        stage_error(g, "Boothooks script %.*s execution error: %s", STR_ARG(path), strerror(-r));
    else if (status != 0)
        stage_error(g, "Boothooks script %.*s execution error: Exit code: %d", STR_ARG(path),
                    status);
}

static void
merge_config(struct guest *g, const struct part *p)
{
    struct str why;
    struct node *n = node_parse(g->a, p->payload, &why);

    assert(g->config->kind == NODE_MAP && p->type == PART_CLOUD_CONFIG);
    if (n && n->kind != NODE_MAP) {
        n = NULL;
        why = S("it is not a mapping");
    }
    if (!n) {
        stage_error(g, "Failed at merging in cloud config part from %.*s: %.*s",
                    STR_ARG(p->filename), STR_ARG(why));
        return;
    }
    if (p->merge_type.n || node_get(n, "merge_how") || node_get(n, "merge_type"))
        log_warn("The merge type of %.*s is ignored: later keys replace earlier ones",
                 STR_ARG(p->filename));
    node_merge(g->a, g->config, n);
    g->config_sources = arena_fmt(g->a, "%.*s# %.*s\n", STR_ARG(g->config_sources),
                                  STR_ARG(p->filename));
}

static void
unhandled(struct guest *g, const struct part *p)
{
    struct str start = part_excerpt(g->a, p->payload);

    if (p->payload.n == 0)
        return;
    if (p->type == PART_NOT_MULTIPART)
        log_warn("Unhandled non-multipart (text/x-not-multipart) userdata: 'b'%.*s'...'",
                 STR_ARG(start));
    else
        log_warn("Unhandled unknown content-type (%.*s) userdata: 'b'%.*s'...'",
                 STR_ARG(p->content_type), STR_ARG(start));
}

static void
consume(struct guest *g, const struct part *p)
{
    switch (p->type) {
    case PART_SHELLSCRIPT:
        write_script(g, state_path(g, "scripts"), p);
        break;
    case PART_PER_BOOT:
        write_script(g, "/var/lib/cloud/scripts/per-boot", p);
        break;
    case PART_PER_INSTANCE:
        write_script(g, "/var/lib/cloud/scripts/per-instance", p);
        break;
    case PART_PER_ONCE:
        write_script(g, "/var/lib/cloud/scripts/per-once", p);
        break;
    case PART_CLOUD_CONFIG:
        merge_config(g, p);
        break;
    case PART_BOOTHOOK:
        run_boothook(g, p);
        break;
    case PART_CLOUD_CONFIG_JSONP:
    case PART_HANDLER:
    case PART_JINJA:
        stage_error(g, "User data part %.*s is of type %.*s, which welkin-init does not support: "
                       "it is NOT applied", STR_ARG(p->filename), STR_ARG(p->content_type));
        break;
    default:
        unhandled(g, p);
    }
}

/* The parts as one MIME message, the form in which cloud-init keeps them. */
static void
write_processed(struct guest *g)
{
    struct buf b = buf_new(g->a, USERDATA_INFLATED_MAX + (1 << 20));

    buf_fmt(&b, "Content-Type: multipart/mixed; boundary=\"===============%.*s==\"\n"
                "MIME-Version: 1.0\nNumber-Attachments: %zu\n\n",
            STR_ARG(g->instance_id), g->parts.n_parts);
    for (const struct part *p = g->parts.first; p; p = p->next) {
        buf_fmt(&b, "--===============%.*s==\nContent-Type: %.*s\nMIME-Version: 1.0\n"
                    "Content-Disposition: attachment; filename=\"%.*s\"\n\n",
                STR_ARG(g->instance_id), STR_ARG(p->content_type), STR_ARG(p->filename));
        buf_add(&b, p->payload);
        buf_byte(&b, '\n');
    }
    buf_fmt(&b, "--===============%.*s==--\n", STR_ARG(g->instance_id));
    file_write(state_path(g, "user-data.txt.i"), buf_str(&b), 0600);
}

static void
write_config(struct guest *g)
{
    struct buf b = buf_new(g->a, 4 << 20);

    buf_fmt(&b, "#cloud-config\n\n# from:\n%.*s\n", STR_ARG(g->config_sources));
    node_json(&b, g->config);
    buf_byte(&b, '\n');
    file_write(state_path(g, "cloud-config.txt"), g->config->first ? buf_str(&b) : S(""), 0600);
}

void
parts_consume(struct guest *g)
{
    int r = file_write(state_path(g, "user-data.txt"), g->user_data, 0600);

    if (r < 0)
        stage_error(g, "Failed to write user-data.txt: %s", strerror(-r));
    userdata_init(&g->parts, g->a);
    g->parts.note = on_note;
    g->parts.fetch = on_fetch;
    g->parts.ctx = g;
    userdata_parse(&g->parts, g->user_data);
    log_info("User data: %zu bytes, %zu parts", g->user_data.n, g->parts.n_parts);
    for (const struct part *p = g->parts.first; p; p = p->next)
        consume(g, p);
    g->parts_ready = true;
    if (g->papers_done)
        parts_papers(g);
}

void
parts_papers(struct guest *g)
{
    write_processed(g);
    write_config(g);
    state_first(g, "consume_data", PER_INSTANCE);
}
