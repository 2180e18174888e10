/*
 * The data directory: one daemon at a time, nothing readable by others.
 *
 * All functions answer 0 or -errno and log nothing: the caller has the sentence for the operator.
 */
#pragma once

#include "base/base.h"

/* Makes the directory with mode 0700 (its parents must exist); one that is there is left alone. */
int datadir_make(const char *dir);

/*
 * Locks DIR/NAME for as long as the descriptor is open, and writes our process id into it.  -EBUSY
 * when another process has it; *ret_pid is that one's then, or 0.
 */
int datadir_lock(const char *dir, const char *name, int *ret_fd, int *ret_pid);

/* Makes the file when absent, and its mode 0600 in any case. */
int datadir_private_file(const char *path);

/* Reads a file of n bytes.  -ENOENT; -EPERM when others may read it; -EUCLEAN: another size. */
int datadir_read_key(const char *dir, const char *name, void *p, size_t n);

/* Makes a new file with mode 0600, durable before this returns.  -EEXIST when it is there. */
int datadir_write_key(const char *dir, const char *name, const void *p, size_t n);
