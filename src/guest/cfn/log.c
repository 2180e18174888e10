/*
 * Logs that turn over at 5 MiB and keep five old ones.
 *
 * Each line is one write(2) of a file opened for appending: cfn-init and cfn-hup may write at the
 * same time.
 */
#include "log.h"

#include "../file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TURN_BYTES = 5 << 20, KEPT = 5, LINE_MAX_BYTES = 1 << 20 };

static const char *const level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

static int main_fd = -1, command_fd = -1, wire_fd = -1;
static bool debug;

struct str
cfn_log_line(struct arena *a, int64_t unix_ms, int pid, enum cfn_level level, struct str message)
{
    char stamp[DATE_LOG_BYTES];

    assert(level <= CFN_ERROR);
    _Static_assert(COUNT_OF(level_names) == CFN_ERROR + 1, "a name for each level");
    date_log(stamp, unix_ms);
    if (pid)
        return arena_fmt(a, "%s P%d [%s] %.*s\n", stamp, pid, level_names[level], STR_ARG(message));
    return arena_fmt(a, "%s [%s] %.*s\n", stamp, level_names[level], STR_ARG(message));
}

static int
open_log(const char *name)
{
    char path[256], from[300], to[300];
    struct stat st;

    assert(name[0] && !strchr(name, '/'));
    snprintf(path, sizeof(path), "/var/log/%s", name);
    if (stat(path, &st) == 0 && st.st_size >= TURN_BYTES) {
        for (int i = KEPT; i > 0; i--) {
            snprintf(from, sizeof(from), i > 1 ? "%s.%d" : "%s", path, i - 1);
            snprintf(to, sizeof(to), "%s.%d", path, i);
            rename(from, to);
        }
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 && make_dirs("/var/log", 0755) == 0)
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return fd;
}

void
cfn_log_open(const char *name, bool verbose)
{
    debug = verbose;
    main_fd = open_log(name);
    if (main_fd < 0) {
        fprintf(stderr, "Could not open /var/log/%s for logging.  Using stderr instead.\n", name);
        main_fd = STDERR_FILENO;
        return;
    }
    command_fd = open_log("cfn-init-cmd.log");
    wire_fd = open_log("cfn-wire.log");
}

static void
add(int fd, int pid, enum cfn_level level, const char *fmt, va_list ap)
{
    struct arena a = {.max_bytes = 4 * LINE_MAX_BYTES};
    char *text = fd < 0 ? NULL : malloc(LINE_MAX_BYTES);

    if (!text)
        return;
    vsnprintf(text, LINE_MAX_BYTES, fmt, ap);
    write_all(fd, cfn_log_line(&a, now_ms(), pid, level, str_c(text)));
    free(text);
    arena_done(&a);
}

void
cfn_log(enum cfn_level level, const char *fmt, ...)
{
    va_list ap;

    if (level == CFN_DEBUG && !debug)
        return;
    va_start(ap, fmt);
    add(main_fd, 0, level, fmt, ap);
    va_end(ap);
}

void
cfn_log_command(enum cfn_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(command_fd, (int)getpid(), level, fmt, ap);
    va_end(ap);
}

void
cfn_log_wire(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(wire_fd, 0, CFN_DEBUG, fmt, ap);
    va_end(ap);
}
