/*
 * The journal: groups of commits in the order in which they were made, each synced before anybody
 * is told of it.  Nobody outside src/store includes this.
 *
 * Two files, DATA/journal.0 and DATA/journal.1, are written in turn from their beginnings.  When
 * one is full the other is written anew, which it may be once SQLite has made durable all that it
 * holds.  Files keep their size, so a sync moves no metadata of the file system.
 *
 * A group is a head and records (struct record), and the groups of both files are numbered without
 * a gap.  A file ends where no group follows that has the next number and the right check: torn
 * writes and what an earlier round left there are told apart from groups by these two.
 *
 * Files are opened through an SQLite VFS, so that the disk of the simulation holds them too.
 * Functions answer SQLite's result codes.
 */
#pragma once

#include "base/buf.h"

enum { JOURNAL_HEAD_BYTES = 24 };

struct journal;

/* Opens or makes the files.  vfs: NULL is the system's.  file_bytes: when the other one is next. */
int journal_open(struct journal **ret, const char *vfs, const char *dir, uint64_t file_bytes);
struct journal *journal_close(struct journal *j);

/*
 * Calls fn for each group behind number `applied`, in order, and goes on behind the last one.
 * SQLITE_CORRUPT when groups are there but not the next one; *ret_first is the first of them then.
 * What fn answers other than SQLITE_OK ends it.
 */
int journal_replay(struct journal *j, uint64_t applied,
                   int (*fn)(void *ctx, uint64_t number, struct str records), void *ctx,
                   uint64_t *ret_first);

/* Forgets all groups: everything is in the database.  The next one is applied + 1. */
int journal_reset(struct journal *j, uint64_t applied);

/* Whether there is a place for another group, when SQLite has made durable all up to `applied`. */
bool journal_ready(const struct journal *j, uint64_t applied);

/*
 * Writes a group and syncs it.  group: JOURNAL_HEAD_BYTES that this fills in, then records.  Only
 * when journal_ready().  The number of the group is *ret.
 */
int journal_write(struct journal *j, struct buf *group, uint64_t *ret);

/* The file that is written, for messages. */
const char *journal_path(const struct journal *j);

/*
 * The group at the beginning of `bytes`, if there is one with this number (0: any); its length
 * with the head is *ret_bytes.
 */
bool journal_parse(struct str bytes, uint64_t number, uint64_t *ret_number, struct str *ret_records,
                   size_t *ret_bytes);
