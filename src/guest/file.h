/*
 * Files of the image, and the guest's two logs.
 *
 * What answers int answers 0 or a negative errno.
 */
#ifndef GUEST_FILE_H
#define GUEST_FILE_H

#include "text.h"

#include <sys/types.h>

bool file_exists(const char *path);
bool file_is_executable(const char *path);
/* False when it cannot be read or is larger than max_bytes. */
bool file_read(struct arena *a, const char *path, size_t max_bytes, struct str *ret);
/* Writes in place, for files that nobody else may be reading. */
int file_write(const char *path, struct str text, mode_t mode);
int file_append(const char *path, struct str text, mode_t mode);
/* Writes beside it and renames, so that a reader or a crash sees the old or the new. */
int file_replace(struct arena *a, const char *path, struct str text, mode_t mode);
/* As file_replace, but keeps the mode and owner of what is there. */
int file_edit(struct arena *a, const char *path, struct str text, mode_t mode_if_new);
int make_dirs(const char *path, mode_t mode);
/* The folders above `path`. */
int make_parents(struct arena *a, const char *path);
int link_replace(const char *target, const char *path);
bool write_all(int fd, struct str s);

int64_t now_ms(void);
double uptime_s(void);

/* cloud-init.log holds what init did and why; cloud-init-output.log and the console
 * hold what a person watching the boot should see.  All three are opened lazily. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void console_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* From log_hold() on, lines that are no warnings wait in memory for log_release(). */
void log_hold(void);
void log_release(void);
/* Output of scripts: as it came, to the console and to cloud-init-output.log. */
void log_output(struct str bytes);
/* Only the console: before there is a disk to write to, and for PID 1. */
void console_only(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
