/*
 * Running programs of the image.
 *
 * Everything started here writes to one pipe, whose other end goes to the console and
 * to cloud-init-output.log.  A daemon that a script leaves behind keeps that pipe:
 * run_drain() goes on copying until the last holder is gone, as cloud-init's `tee` does.
 */
#ifndef GUEST_RUN_H
#define GUEST_RUN_H

#include "text.h"

/* Call once, in the process that will run things. */
int run_init(void);

/*
 * Work that can wait for the first line of the first program.  run_later_now() does it
 * if nothing was started.
 */
void run_later(void (*work)(void *ctx), void *ctx);
void run_later_now(void);

/* Where `program` is on the PATH, or empty. */
struct str run_find(struct arena *a, const char *program);

/*
 * Runs argv and copies its output until it has ended.  `env_extra` is "NAME=value" or
 * NULL.  0 with the exit code (128 + n for a signal), or a negative errno when it could
 * not be started.
 */
int run_wait(struct arena *a, char *const argv[], const char *env_extra, int *ret_status);
/* The same with `input` at its stdin and without its output being shown. */
int run_quietly(struct arena *a, char *const argv[], struct str input, int *ret_status);

/*
 * Runs the executable files of a folder in the order of their names.  The number that
 * failed; *ret_why is then cloud-init's sentence about them.
 */
size_t run_parts(struct arena *a, const char *dir, struct str *ret_why);

/* Copies what daemons still write, until nobody holds the pipe. */
void run_drain(void);

extern char *run_environment[];

#endif
