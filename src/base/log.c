/*
 * The log is for the person who runs the daemon.  It is written with one write(2) of whole lines,
 * so that lines of several processes do not mix.
 */
#include "base/log.h"

#include "base/error.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define GATHER_MAX_BYTES (16 << 10)

static int log_fd = 2;
static enum log_level log_most = LOG_INFO;
static int64_t (*log_now_ms)(void);

/* Lines of this thread that were not written yet. */
static _Thread_local struct {
    char p[GATHER_MAX_BYTES];
    size_t n;
    bool on;
} gathered;

void
log_flush(void)
{
    assert(gathered.n <= sizeof(gathered.p));
    if (gathered.n && write(log_fd, gathered.p, gathered.n) < 0)
        (void)0; /* nobody is left to be told */
    gathered.n = 0;
}

void
log_gather(bool on)
{
    log_flush();
    gathered.on = on;
}

void
log_init(int fd, enum log_level most, int64_t (*now_ms)(void))
{
    assert(most <= LOG_DEBUG);
    log_fd = fd;
    log_most = most;
    log_now_ms = now_ms;
}

/* Appends the text with control characters spelled out; answers the new length. */
static size_t
add_printable(char *line, size_t n, const char *text)
{
    static const char digits[] = "0123456789abcdef";

    assert(n < LINE_MAX_BYTES);
    for (; *text && n + 5 < LINE_MAX_BYTES; text++) {
        unsigned char c = (unsigned char)*text;

        if (c >= 0x20 && c != 0x7f) {
            line[n++] = (char)c;
            continue;
        }
        line[n++] = '\\';
        line[n++] = 'x';
        line[n++] = digits[c >> 4];
        line[n++] = digits[c & 15];
    }
    return n;
}

static void
write_line(enum log_level level, const char *text)
{
    static const char *const names[] = {"error ", "warn  ", "info  ", "debug "};
    char line[LINE_MAX_BYTES];
    size_t n = 0;

    assert(level <= LOG_DEBUG);
    if (log_now_ms) {
        time_iso_buf(log_now_ms(), line);
        n = TIME_ISO_LEN;
        line[n++] = ' ';
    }
    memcpy(line + n, names[level], 6);
    n = add_printable(line, n + 6, text);
    line[n++] = '\n';
    assert(n <= sizeof(line));
    if (sizeof(gathered.p) - gathered.n < n)
        log_flush();
    memcpy(gathered.p + gathered.n, line, n);
    gathered.n += n;
    if (!gathered.on || level <= LOG_WARN)
        log_flush();
}

bool
log_shows(enum log_level level)
{
    assert(level <= LOG_DEBUG);
    return level <= log_most && log_fd >= 0;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES];
    va_list ap;

    if (!log_shows(level))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    write_line(level, text);
}

int
error_origin_(int err, const char *file, int line, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES / 2];
    va_list ap;

    assert(err > 0);
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log_error("%s: %s (%s:%d)", text, strerror(err), file, line);
    return -err;
}
