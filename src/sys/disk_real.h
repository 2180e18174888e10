/*
 * The system's SQLite VFS, but writes to a write-ahead log are gathered in memory and given to the
 * kernel as one when the log is synced.
 *
 * SQLite writes each page of a commit with two system calls; for a group of sixteen small commits
 * that was a third of the time to durability (32 calls, 115 µs, against 20 µs for one).
 *
 * A log grows by pieces of zeroes (64 KiB to 1 MiB), so that a sync within them moves no metadata
 * of the file system: on ext4 that doubled the rate of durable commits.
 *
 * Only for connections with synchronous = FULL or EXTRA: they sync the log before they tell other
 * connections, or a checkpoint, that its new pages are there.
 */
#pragma once

/* Registers it when that was not done yet, and answers its name; NULL when SQLite refuses. */
const char *disk_real_vfs(void);
