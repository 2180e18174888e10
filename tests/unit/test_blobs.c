/* Blobs: files that are there whole or not at all, and not removed under a reader. */
#include "sys/blobs.h"
#include "harness/harness.h"

#include <poll.h>

#define NAME S("0123456789abcdef0123456789abcdef")
#define OTHER S("fedcba9876543210fedcba9876543210")

static void
make(struct blobs *blobs, struct str name, struct str bytes)
{
    struct blob *blob;

    CHECK_INT(blobs->driver->create(blobs, name, &blob), 0);
    CHECK_INT(blobs->driver->add(blob, bytes.p, bytes.n), 0);
    CHECK_INT(blobs->driver->finish(blob), 0);
}

static bool
is_name(void *ctx, struct str name)
{
    return str_eq(name, *(const struct str *)ctx);
}

static void
walk(struct blobs *blobs)
{
    struct blob *blob;
    char room[8] = "";

    make(blobs, NAME, S("hello world"));
    CHECK_INT(blobs->driver->create(blobs, NAME, &blob), -EEXIST);
    CHECK_INT(blobs->driver->read(blobs, NAME, 6, room, 5), 0);
    CHECK_STR(str_from(room), "world");
    CHECK_INT(blobs->driver->read(blobs, NAME, 7, room, 5), -EIO);
    CHECK_INT(blobs->driver->read(blobs, OTHER, 0, room, 1), -ENOENT);
    CHECK_INT(blobs->driver->create(blobs, OTHER, &blob), 0);
    blobs->driver->discard(blob);
    CHECK_INT(blobs->driver->read(blobs, OTHER, 0, room, 0), -ENOENT);
    blobs_hold(blobs);
    blobs_remove(blobs, NAME);
    CHECK_INT(blobs->driver->read(blobs, NAME, 0, room, 5), 0);
    blobs_release(blobs);
    CHECK_INT(blobs->driver->read(blobs, NAME, 0, room, 5), -ENOENT);
    make(blobs, NAME, S("kept"));
    make(blobs, OTHER, S("swept"));
    struct str kept = NAME;
    CHECK_INT(blobs->driver->sweep(blobs, is_name, &kept), 0);
    CHECK_INT(blobs->driver->read(blobs, NAME, 0, room, 4), 0);
    CHECK_INT(blobs->driver->read(blobs, OTHER, 0, room, 1), -ENOENT);
    CHECK_INT(blobs->driver->remove(blobs, NAME), 0);
}

TEST(blobs_in_files_and_in_memory_do_the_same)
{
    struct blobs *blobs;

    CHECK_INT(blobs_real_open(&blobs, test_dir()), 0);
    walk(blobs);
    blobs_free(blobs);
    blobs = blobs_fake_new();
    walk(blobs);
    CHECK_INT(blobs_fake_count(blobs), 0);
    blobs_free(blobs);
}

struct finished {
    struct blobs_finish finish;
    int n, result;
};

static void
on_finish(struct blobs_finish *finish, int result)
{
    struct finished *f = CONTAINER_OF(finish, struct finished, finish);

    f->n++;
    f->result = result;
}

TEST(a_thread_finishes_what_nobody_waits_for)
{
    struct finished f = {.finish.fn = on_finish}, forgotten = {.finish.fn = on_finish};
    struct blobs *blobs;
    struct blob *blob;
    struct pollfd fd = {.events = POLLIN};
    char room[4];

    CHECK_INT(blobs_real_open(&blobs, test_dir()), 0);
    CHECK_INT(blobs_real_start(blobs, &fd.fd), 0);
    CHECK_INT(blobs->driver->create(blobs, OTHER, &blob), 0);
    CHECK_INT(blobs->driver->add(blob, "efgh", 4), 0);
    CHECK_INT(blobs->driver->finish_later(blob, &forgotten.finish), -EINPROGRESS);
    blobs->driver->forget(blobs, &forgotten.finish);
    CHECK_INT(blobs->driver->create(blobs, NAME, &blob), 0);
    CHECK_INT(blobs->driver->add(blob, "abcd", 4), 0);
    CHECK_INT(blobs->driver->finish_later(blob, &f.finish), -EINPROGRESS);
    CHECK_INT(f.n, 0);
    while (!f.n && poll(&fd, 1, 10000) == 1)
        blobs_real_poll(blobs);
    CHECK_INT(f.n, 1);
    CHECK_INT(f.result, 0);
    CHECK_INT(forgotten.n, 0); /* it came before */
    CHECK_INT(blobs->driver->read(blobs, NAME, 0, room, 4), 0);
    CHECK_INT(blobs->driver->read(blobs, OTHER, 0, room, 4), 0);
    /* one that is on its way when all ends is finished too */
    CHECK_INT(blobs->driver->remove(blobs, NAME), 0);
    CHECK_INT(blobs->driver->create(blobs, NAME, &blob), 0);
    CHECK_INT(blobs->driver->finish_later(blob, &f.finish), -EINPROGRESS);
    blobs->driver->forget(blobs, &f.finish);
    blobs_free(blobs);
    CHECK_INT(blobs_real_open(&blobs, test_dir()), 0);
    CHECK_INT(blobs->driver->read(blobs, NAME, 0, room, 0), 0);
    blobs_free(blobs);
}

TEST(files_are_found_again_by_the_next_who_opens)
{
    struct blobs *blobs;
    char room[4];

    CHECK_INT(blobs_real_open(&blobs, test_dir()), 0);
    make(blobs, NAME, S("abcd"));
    blobs_free(blobs);
    CHECK_INT(blobs_real_open(&blobs, test_dir()), 0);
    CHECK_INT(blobs->driver->read(blobs, NAME, 0, room, 4), 0);
    CHECK_INT(blobs->driver->remove(blobs, NAME), 0);
    blobs_free(blobs);
}
