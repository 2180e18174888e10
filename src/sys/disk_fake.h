/*
 * A disk in memory that fails and crashes as real ones do: an SQLite VFS.
 *
 * Each file is two images: what programs read, and what has been synced.  A crash keeps the synced
 * image and, of what was written since, an arbitrary part: each sector of each write is kept, lost
 * or torn (its first bytes new, the rest old) under the seed.  So unsynced writes also appear out
 * of order.  A deletion that was not synced may be undone.
 *
 *   disk_fake_init(&disk, seed, 512);
 *   env.vfs = disk.name;            the store opens its database there
 *   … disk_fake_crash(&disk);
 *   store_abandon(store);           handles from before the crash read and write no more
 *   … open it again
 *
 * One connection at a time, with locking_mode = EXCLUSIVE; one thread.
 */
#pragma once

#include <sqlite3.h>

#include "base/base.h"

struct disk_fake_file;

struct disk_fake {
    sqlite3_vfs vfs;
    char name[48];
    struct disk_fake_file *files;
    uint64_t rng;
    unsigned sector_bytes;
    unsigned epoch;       /* crashes so far */
    uint64_t n_ops;       /* writes, syncs, truncations and deletions so far */
    uint64_t fail_at;     /* the operation that fails, or 0 */
    bool fail_on;         /* all behind it fail as well */
    int fail_errno;
};

/* sector_bytes: 512 or 4096.  The struct must not move until disk_fake_done(). */
void disk_fake_init(struct disk_fake *disk, uint64_t seed, unsigned sector_bytes);

/* Gives `to`, which is empty, the files of `from` as programs read them, all of it synced. */
void disk_fake_copy(struct disk_fake *to, const struct disk_fake *from);

/* All connections must be closed. */
void disk_fake_done(struct disk_fake *disk);

/*
 * Makes the n-th operation from now on fail (1: the next one), and with `on` all behind it; n == 0
 * ends that.  ENOSPC is "disk full" where something is written; else it is an I/O error.  A write
 * that fails may have written its first half.
 */
void disk_fake_fail_after(struct disk_fake *disk, uint64_t n, int err, bool on);

void disk_fake_crash(struct disk_fake *disk);

/* Whether any file that exists has these bytes somewhere: secrets must not. */
bool disk_fake_holds(const struct disk_fake *disk, const void *p, size_t n);
