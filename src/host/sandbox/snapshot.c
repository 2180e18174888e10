/*
 * Snapshots of instances' roots: what a guest changed becomes a layer of images, a folder of
 * DATA/images.
 *
 * A child of low priority copies it under another name, and gives it its own when it is whole.  So
 * what is there is whole, whoever was killed meanwhile; what is not is begun anew when the daemon
 * asks again.
 */
#include "host/sandbox/copy_tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SNAPSHOTS_MAX 16 /* at once */

struct snapshot {
    struct snapshot *next;
    struct ticket ticket;
    char name[PRIV_ID_MAX];
};

static void
name_new(char *to, size_t n, const char *name)
{
    text_set(to, n, "new.%s", name);
}

/* ---- the child ---- */

static int
copy(int images, int upper, const char *name)
{
    char new[PRIV_ID_MAX + 8];

    name_new(new, sizeof(new), name);
    if (mkdirat(images, new, 0700) < 0)
        return -errno;
    FD_CLEANUP int to = openat(images, new, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = to < 0 ? -errno : copy_tree(upper, to);

    if (r == 0 && (syncfs(to) < 0 || renameat(images, new, images, name) < 0))
        r = -errno;
    return r;
}

struct copying {
    int images, upper;
    const char *name;
};

static int
copier(const void *arg)
{
    const struct copying *c = arg;

    return copy(c->images, c->upper, c->name);
}

/* ---- the parent ---- */

static void
copied(struct host *h, void *ctx, int status)
{
    struct snapshot *it = ctx, **at = &h->snapshots;
    struct why why, ignored;

    assert(h->n_snapshots > 0 && it->ticket.seq != 0);
    if (status < 0) {
        why_set(&why, -status, "the disk could not be copied: %s", strerror(-status));
        answer(h, &it->ticket, status, why.text, strlen(why.text));
        snapshot_drop(h, it->name, &ignored);
    } else {
        answer(h, &it->ticket, 0, NULL, 0);
    }
    while (*at != it)
        at = &(*at)->next;
    *at = it->next;
    h->n_snapshots--;
    free(it);
}

static struct snapshot *
find(struct host *h, const char *name)
{
    for (struct snapshot *it = h->snapshots; it; it = it->next)
        if (strcmp(it->name, name) == 0)
            return it;
    return NULL;
}

static int
start(struct host *h, const char *name, int upper, const struct ticket *ticket, struct why *why)
{
    assert(upper >= 0 && !find(h, name) && h->n_snapshots < SNAPSHOTS_MAX);
    struct snapshot *it = calloc(1, sizeof(*it));
    const struct copying c = {.images = h->images, .upper = upper, .name = name};
    const struct job_plan plan = {
        .fn = copier, .arg = &c, .keep = {h->images, upper}, .n_keep = 2, .is_long = true};

    if (!it)
        return why_set(why, ENOMEM, "out of memory");
    text_set(it->name, sizeof(it->name), "%s", name);
    it->ticket = *ticket;
    int r = job_start(h, &plan, copied, it);
    if (r < 0) {
        free(it);
        return why_set(why, -r, "no process could be made to copy the disk");
    }
    it->next = h->snapshots;
    h->snapshots = it;
    h->n_snapshots++;
    return 0;
}

int
snapshot_make(struct host *h, const struct priv_snapshot *q, const struct ticket *ticket,
              bool *ret_later, struct why *why)
{
    char path[PRIV_ID_MAX + 8];
    struct snapshot *it = find(h, q->name);

    assert(machine_id_ok(q->id) && ticket->seq != 0);
    *ret_later = it != NULL;
    if (it) { /* the daemon that asked first is gone */
        it->ticket = *ticket;
        return 0;
    }
    if (faccessat(h->images, q->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (h->n_snapshots == SNAPSHOTS_MAX)
        return why_set(why, EAGAIN, "%d snapshots are being made already", SNAPSHOTS_MAX);
    if (disk_is_encrypted(h, q->id))
        return why_set(why, EOPNOTSUPP, "the disk of %s is encrypted", q->id);
    int r = snapshot_drop(h, q->name, why); /* what a copier that was killed left */
    if (r < 0)
        return r;
    text_set(path, sizeof(path), "%s/upper", q->id);
    FD_CLEANUP int upper =
        openat(h->machines, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (upper < 0)
        return why_set(why, errno, "the disk of %s could not be opened: %s", q->id,
                       strerror(errno));
    r = start(h, q->name, upper, ticket, why);
    *ret_later = r == 0;
    return r;
}

int
snapshot_drop(struct host *h, const char *name, struct why *why)
{
    char new[PRIV_ID_MAX + 8];

    name_new(new, sizeof(new), name);
    int r = remove_folder(h, h->images, new, why);

    return r < 0 ? r : remove_folder(h, h->images, name, why);
}
