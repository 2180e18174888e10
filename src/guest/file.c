/*
 * Files and logs.
 *
 * Log lines are written one by one, unbuffered: a boot that dies leaves its last fact on
 * disk.  Only those before the first program is run are held back, and come out at the
 * first warning, the first program, or the end.  The console may have no reader any
 * more; that is nobody's error.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool
file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool
file_is_executable(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

bool
write_all(int fd, struct str s)
{
    assert(fd >= 0 && (s.p || s.n == 0));
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s.p += n;
        assert((size_t)n <= s.n);
        s.n -= (size_t)n;
    }
    return true;
}

/* open(2) itself: musl's open() follows O_CLOEXEC with an fcntl that Linux does not need. */
static int
open_file(const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

bool
file_read(struct arena *a, const char *path, size_t max_bytes, struct str *ret)
{
    int fd = open_file(path, O_RDONLY | O_NONBLOCK, 0);
    struct buf b = buf_new(a, max_bytes);
    char chunk[4096];
    ssize_t n;

    if (fd < 0)
        return false;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0 && !b.over)
        buf_add(&b, (struct str){chunk, (size_t)n});
    close(fd);
    if (n < 0 || b.over)
        return false;
    assert(b.n <= max_bytes);
    *ret = arena_dup(a, buf_str(&b));
    return true;
}

static int
write_new(const char *path, struct str text, mode_t mode, int flags, uid_t uid, gid_t gid)
{
    int fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    bool fresh = fd >= 0;
    int r = 0;

    if (fd < 0 && errno == EEXIST && !(flags & O_EXCL))
        fd = open_file(path, O_WRONLY | O_CREAT | flags, mode);
    if (fd < 0)
        return -errno;
    /* The mode, whatever the umask or the old file says; only then the content. */
    if ((!fresh || (mode & 022)) && !(flags & O_APPEND) && fchmod(fd, mode) < 0)
        r = -errno;
    if (uid != (uid_t)-1 && fchown(fd, uid, gid) < 0)
        r = -errno;
    if (r == 0 && !write_all(fd, text))
        r = errno ? -errno : -EIO;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

int
file_write(const char *path, struct str text, mode_t mode)
{
    return write_new(path, text, mode, O_TRUNC, (uid_t)-1, (gid_t)-1);
}

int
file_append(const char *path, struct str text, mode_t mode)
{
    return write_new(path, text, mode, O_APPEND, (uid_t)-1, (gid_t)-1);
}

static int
replace(struct arena *a, const char *path, struct str text, mode_t mode, uid_t uid, gid_t gid)
{
    char *beside = arena_cstr(a, arena_fmt(a, "%s.welkin-new", path));

    unlink(beside);
    int r = write_new(beside, text, mode, O_EXCL, uid, gid);
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(beside);
    return r;
}

int
file_replace(struct arena *a, const char *path, struct str text, mode_t mode)
{
    return replace(a, path, text, mode, (uid_t)-1, (gid_t)-1);
}

int
file_edit(struct arena *a, const char *path, struct str text, mode_t mode_if_new)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return replace(a, path, text, mode_if_new, (uid_t)-1, (gid_t)-1);
    return replace(a, path, text, st.st_mode & 07777, st.st_uid, st.st_gid);
}

int
make_dirs(const char *path, mode_t mode)
{
    char part[4096];
    size_t n = strlen(path);

    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT || n >= sizeof(part))
        return -errno;
    memcpy(part, path, n + 1);
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return -errno;
        *p = '/';
    }
    return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -errno;
}

int
make_parents(struct arena *a, const char *path)
{
    char *dir = arena_cstr(a, str_c(path));
    char *slash = strrchr(dir, '/');

    if (!slash || slash == dir)
        return 0;
    *slash = '\0';
    return make_dirs(dir, 0755);
}

int
link_replace(const char *target, const char *path)
{
    if (symlink(target, path) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (unlink(path) < 0)
        return -errno;
    return symlink(target, path) == 0 ? 0 : -errno;
}

int64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

double
uptime_s(void)
{
    struct timespec t;
    struct stat st;

    /* The machine's uptime is the host's; /proc/1 was made when init was. */
    clock_gettime(CLOCK_REALTIME, &t);
    if (stat("/proc/1", &st) < 0)
        return 0;
    double up = (double)(t.tv_sec - st.st_ctim.tv_sec) +
                (double)(t.tv_nsec - st.st_ctim.tv_nsec) / 1e9;
    return up < 0 ? 0 : up;
}

static int log_fd = -1, output_fd = -1;
static bool held;
static char held_lines[16384];
static size_t n_held;

static int
log_open(const char *path)
{
    int fd = open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0640);

    if (fd < 0 && errno == ENOENT && make_dirs("/var/log", 0755) == 0)
        fd = open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0640);
    return fd < 0 ? -2 : fd; /* -2: do not try again */
}

void
log_output(struct str bytes)
{
    write_all(STDOUT_FILENO, bytes);
    if (output_fd == -1)
        output_fd = log_open("/var/log/cloud-init-output.log");
    if (output_fd >= 0)
        write_all(output_fd, bytes);
}

static void
log_write(bool warn, const char *fmt, va_list ap)
{
    char line[2048];
    char stamp[DATE_LOG_BYTES];

    date_log(stamp, now_ms());
    int head = snprintf(line, sizeof(line), "%s - welkin-init[%s]: ", stamp,
                        warn ? "WARNING" : "INFO");
    int n = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, ap);
    if (n < 0)
        return;
    size_t end = strnlen(line, sizeof(line) - 2);
    line[end++] = '\n';
    assert(end <= sizeof(line));
    if (held && !warn && end <= sizeof(held_lines) - n_held) {
        assert(n_held + end <= sizeof(held_lines));
        memcpy(held_lines + n_held, line, end);
        n_held += end;
        return;
    }
    log_release();
    if (log_fd >= 0)
        write_all(log_fd, (struct str){line, end});
    if (warn)
        log_output((struct str){line, end});
}

void
log_hold(void)
{
    held = true;
}

void
log_release(void)
{
    held = false;
    if (log_fd == -1)
        log_fd = log_open("/var/log/cloud-init.log");
    if (log_fd >= 0)
        write_all(log_fd, (struct str){held_lines, n_held});
    n_held = 0;
}

void
log_info(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_write(false, fmt, ap);
    va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_write(true, fmt, ap);
    va_end(ap);
}

static struct str
say(char *line, size_t cap, const char *fmt, va_list ap)
{
    int n = vsnprintf(line, cap - 1, fmt, ap);
    size_t end = n < 0 ? 0 : strnlen(line, cap - 2);

    assert(cap > 2);
    line[end++] = '\n';
    assert(end < cap);
    return (struct str){line, end};
}

void
console_say(const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    log_output(say(line, sizeof(line), fmt, ap));
    va_end(ap);
}

void
console_only(const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    write_all(STDOUT_FILENO, say(line, sizeof(line), fmt, ap));
    va_end(ap);
}
