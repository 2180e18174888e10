/*
 * One line a fact, on stderr:
 *
 *   2026-11-21T01:30:00.123Z info  instance i-0123… is running after 4 ms
 *
 * The text is a sentence without a full stop.  Secrets never go in: not a signature, a token,
 * user data, a secret key.  Control characters are printed as \xNN, so that a client cannot
 * forge a line.
 */
#pragma once

#include "base/base.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Where lines go (-1: nowhere), the least important level that is shown, and the clock. */
void log_init(int fd, enum log_level most, int64_t (*now_ms)(void));

/* Whether a line of that level is shown, for who would make one at a cost. */
bool log_shows(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Gathers this thread's lines until log_flush(), which must come before the thread sleeps; those
 * that warn are written at once, with what was gathered before.
 */
void log_gather(bool on);
void log_flush(void);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
