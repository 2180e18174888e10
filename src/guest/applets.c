/*
 * `cloud-init` for people and scripts that ask it about the boot.
 *
 * Answers from the same files that the real one reads.  What it does not do it refuses
 * with a sentence and a status, never with silence.
 */
#include "power.h"

#include "fetch.h"
#include "file.h"
#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum boot_state { BOOT_NOT_RUN, BOOT_RUNNING, BOOT_DONE, BOOT_ERROR };

static const char *const boot_names[] = {"not run", "running", "done", "error"};

/* JSON is YAML, so the one parser reads status.json too. */
static enum boot_state
boot_state(struct arena *a, struct str *ret_detail)
{
    struct str text = S(""), why;
    const struct node *v1;

    _Static_assert(COUNT_OF(boot_names) == BOOT_ERROR + 1, "a name for each");
    *ret_detail = S(DATASOURCE_NAME);
    if (file_read(a, "/run/cloud-init/result.json", 1 << 20, &text)) {
        v1 = node_get(node_parse(a, text, &why), "v1");
        const struct node *errors = node_get(v1, "errors");
        struct buf b = buf_new(a, 65536);

        for (const struct node *e = errors ? errors->first : NULL; e; e = e->next)
            buf_fmt(&b, "%.*s\n", STR_ARG(node_scalar(e)));
        if (b.n)
            *ret_detail = str_trim(buf_str(&b));
        return b.n ? BOOT_ERROR : BOOT_DONE;
    }
    if (!file_read(a, "/run/cloud-init/status.json", 1 << 20, &text))
        return BOOT_NOT_RUN;
    v1 = node_get(node_parse(a, text, &why), "v1");
    *ret_detail = arena_fmt(a, "Running in stage: %.*s", STR_ARG(node_text(v1, "stage")));
    return BOOT_RUNNING;
}

static int
status_command(char **argv)
{
    struct timespec quarter = {.tv_nsec = 250000000};
    bool wait = false, full = false;
    struct arena a = {.max_bytes = 16 << 20};
    struct str detail;

    for (; *argv; argv++) {
        if (strcmp(*argv, "--wait") == 0 || strcmp(*argv, "-w") == 0)
            wait = true;
        else if (strcmp(*argv, "--long") == 0 || strcmp(*argv, "-l") == 0)
            full = true;
        else
            return fprintf(stderr, "cloud-init (welkin-init): status %s is not implemented\n",
                           *argv), 2;
    }
    enum boot_state s = boot_state(&a, &detail);
    while (wait && (s == BOOT_NOT_RUN || s == BOOT_RUNNING)) {
        write_all(1, S("."));
        nanosleep(&quarter, NULL);
        arena_done(&a);
        s = boot_state(&a, &detail);
    }
    assert(s <= BOOT_ERROR);
    printf("%sstatus: %s\n", wait ? "\n" : "", boot_names[s]);
    if (full)
        printf("boot_status_code: enabled-by-generator\ndetail:\n%.*s\n", STR_ARG(detail));
    arena_done(&a);
    return s == BOOT_ERROR;
}

static int
query_command(char **argv)
{
    static const struct {
        const char *name, *item;
    } items[] = {
        {"instance_id", "meta-data/instance-id"},
        {"local_hostname", "meta-data/local-hostname"},
        {"region", "meta-data/placement/region"},
        {"availability_zone", "meta-data/placement/availability-zone"},
        {"userdata", "user-data"},
    };
    struct arena a = {.max_bytes = 64 << 20};
    struct imds m;
    struct str value = S("");

    if (!argv[0] || argv[1])
        return fprintf(stderr, "cloud-init (welkin-init): query takes one name\n"), 2;
    char *name = arena_cstr(&a, str_c(argv[0]));
    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : *c;
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        if (strcmp(items[i].name, name) != 0)
            continue;
        int r = imds_open(&m, &a);
        if (r == 0)
            r = imds_get(&m, items[i].item, &value);
        if (r < 0 && r != -ENOENT)
            return fprintf(stderr, "metadata: %s\n", strerror(-r)), 1;
        printf("%.*s\n", STR_ARG(value));
        arena_done(&a);
        return 0;
    }
    if (strcmp(name, "cloud_name") == 0)
        return puts("aws") < 0;
    fprintf(stderr, "cloud-init (welkin-init): query of '%s' is not implemented\n", argv[0]);
    return 1;
}

int
cloud_init_command(char **argv)
{
    const char *what = argv[1] ? argv[1] : "";

    if (strcmp(what, "status") == 0)
        return status_command(argv + 2);
    if (strcmp(what, "query") == 0)
        return query_command(argv + 2);
    if (strcmp(what, "--version") == 0 || strcmp(what, "-v") == 0)
        return printf("welkin-init %s (not cloud-init)\n", WELKIN_INIT_VERSION) < 0;
    fprintf(stderr, "cloud-init (welkin-init): '%s' is not implemented; there are status "
                    "[--wait] [--long], query NAME and --version\n", what);
    return 2;
}
