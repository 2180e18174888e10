/*
 * One boot, from metadata to the final message.
 *
 * The order is cloud-init's: boothooks and bootcmd, files, names, users and keys, then
 * packages and scripts.  Everything runs even if what came before failed; failures
 * are collected in status.json.  Without metadata the per-boot scripts still run, under
 * the identity that the disk already has.
 */
#include "guest.h"

#include "fetch.h"
#include "file.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_MAX = 128 << 20 };

static NORETURN void
memory_is_full(void)
{
    log_warn("The boot needs more than %d MiB of memory for user data and is given up",
             ARENA_MAX >> 20);
    _exit(1);
}

static bool
id_ok(struct str id)
{
    if (id.n == 0 || id.n > 64)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = ascii_lower(id.p[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

static void
read_metadata(struct guest *g)
{
    static const char *const items[] = {
        "meta-data/instance-id", "meta-data/local-hostname", "user-data",
        "meta-data/public-keys/0/openssh-key",
    };
    struct str text[COUNT_OF(items)] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}};
    int results[COUNT_OF(items)];
    struct imds m;
    int r = imds_open(&m, g->a);

    assert(!g->has_metadata);
    if (r == 0) {
        imds_get_all(&m, items, COUNT_OF(items), text, results);
        r = results[0];
    }
    imds_close(&m);
    if (r == 0 && !id_ok(text[0]))
        r = -EBADMSG;
    if (r < 0) {
        stage_error(g, "Metadata at http://169.254.169.254 does not answer (%s): the boot goes on "
                       "without user data", strerror(-r));
        return;
    }
    for (size_t i = 1; i < COUNT_OF(items); i++)
        if (results[i] < 0 && results[i] != -ENOENT)
            stage_error(g, "Metadata %s cannot be read: %s", items[i], strerror(-results[i]));
    g->has_metadata = true;
    g->instance_id = text[0];
    g->local_hostname = str_trim(text[1]);
    g->user_data = text[2];
    g->public_key = text[3];
}

static void
identity_from_disk(struct guest *g)
{
    struct str id = S("");

    assert(!g->has_metadata);
    file_read(g->a, "/var/lib/cloud/data/instance-id", 256, &id);
    id = str_trim(id);
    g->instance_id = id_ok(id) ? id : S("iid-datasource-none");
}

/* Done when the first program of the user's has said something, or after 20 ms. */
static void
papers(void *ctx)
{
    struct guest *g = ctx;

    assert(!g->papers_done && g->instance_id.n > 0);
    log_release();
    state_papers(g);
    if (g->parts_ready)
        parts_papers(g);
    modules_papers(g);
    network_papers(g);
    g->papers_done = true;
    state_write_status(g, false);
}

static void
boot(struct guest *g)
{
    log_hold();
    run_later(papers, g);
    stage_begin(g, STAGE_LOCAL);
    read_metadata(g);
    if (!g->has_metadata)
        identity_from_disk(g);
    assert(g->instance_id.n > 0);
    console_only("Welkin init: instance %.*s", STR_ARG(g->instance_id));
    state_open(g);
    stage_end(g);

    stage_begin(g, STAGE_INIT);
    if (g->has_metadata) {
        network_files(g);
        network_hostname(g);
        parts_consume(g);
        modules_warn_unknown(g);
    }
    stage_end(g);

    stage_begin(g, STAGE_MODULES_INIT);
    modules_run(g, STAGE_MODULES_INIT);
    ssh_start(g);
    stage_end(g);

    stage_begin(g, STAGE_CONFIG);
    modules_run(g, STAGE_CONFIG);
    stage_end(g);

    stage_begin(g, STAGE_FINAL);
    modules_run(g, STAGE_FINAL);
    run_later_now();
    stage_end(g);
    state_finished(g);
    if (g->final_message.n)
        console_say("%.*s", STR_ARG(g->final_message));
}

_Noreturn void
boot_worker(void)
{
    struct arena a = {.max_bytes = ARENA_MAX};
    struct node no_config = {.kind = NODE_MAP};
    struct guest g = {.a = &a, .config = &no_config};

    arena_full = memory_is_full;
    setsid();
    if (run_init() < 0)
        console_only("welkin-init: no pipe: %s", strerror(errno));
    boot(&g);
    arena_done(&a);
    run_drain();
    _exit(0);
}
