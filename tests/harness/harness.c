/*
 * Runs tests, each in a process of its own: a crash, a hang, a leaked descriptor or a poisoned
 * static in one test is that test's failure and nobody else's.
 *
 * The child tells how it ended through a page that it shares with the parent; what it printed
 * is kept in a memfd and shown only when it failed.  All that it forked and left behind dies
 * with its process group.  With -j several workers, forked before the first test, take whichever
 * test is next.
 */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOW 10 /* times as long as alone a test may take on a machine with other work */
#define ARENA_MAX_BYTES ((size_t)1 << 30)
#define OUTPUT_SHOWN_BYTES (64 * 1024)
#define WORKERS_MAX 64

enum outcome { RUNNING, PASSED, FAILED, SKIPPED };

/* What the child leaves for the parent.  The texts are cut rather than missed. */
struct report {
    enum outcome outcome;
    char why[1024];
    char dir[256]; /* test_dir(), for the parent to remove */
};

/* What all workers share. */
struct totals {
    atomic_uint next; /* the test that is taken next, counted among those that are wanted */
    atomic_uint n[SKIPPED + 1];
};

static struct {
    struct test *first, **tail;
    struct report *report; /* of this worker */
    struct totals *totals;
    struct arena arena;
    jmp_buf unwind; /* -f: where a failed or skipped test goes on */
    bool forked;
    void (*prepare)(void); /* NULL: nothing */
} run = {.tail = &run.first};

void
test_register(struct test *t)
{
    *run.tail = t;
    run.tail = &t->next;
}

void
test_prepare(void (*fn)(void))
{
    assert(!run.prepare);
    run.prepare = fn;
}

/* Ends the test in whatever way it runs. */
NORETURN static void
leave(enum outcome outcome)
{
    run.report->outcome = outcome;
    if (!run.forked)
        longjmp(run.unwind, 1);
    /* Not exit(): a test that failed in the middle owes no clean-up to a leak checker. */
    fflush(NULL);
    _exit(0);
}

void
test_fail(const char *file, int line, const char *fmt, ...)
{
    struct report *r = run.report;
    int n = snprintf(r->why, sizeof(r->why), "%s:%d: ", file, line);
    va_list ap;

    va_start(ap, fmt);
    if (n >= 0 && (size_t)n < sizeof(r->why))
        vsnprintf(r->why + n, sizeof(r->why) - (size_t)n, fmt, ap);
    va_end(ap);
    leave(FAILED);
}

void
test_skip(const char *why, ...)
{
    va_list ap;

    va_start(ap, why);
    vsnprintf(run.report->why, sizeof(run.report->why), why, ap);
    va_end(ap);
    leave(SKIPPED);
}

struct arena *
test_arena(void)
{
    return &run.arena;
}

const char *
test_cstr(struct str s)
{
    return str_cstr(&run.arena, s);
}

const char *
test_fmt(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str s = str_vfmt(&run.arena, fmt, ap);
    va_end(ap);
    return s.p;
}

struct str
test_read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    size_t n = 0, cap = 4096, got;
    char *p;

    if (!f)
        FAIL("cannot open %s: %s", path, strerror(errno));
    p = arena_alloc_raw(&run.arena, cap);
    while ((got = fread(p + n, 1, cap - n, f)) > 0) {
        n += got;
        if (n == cap) {
            p = arena_grow(&run.arena, p, cap, cap * 2);
            cap *= 2;
        }
    }
    if (ferror(f)) {
        fclose(f);
        FAIL("cannot read %s", path);
    }
    fclose(f);
    return str_of(p, n);
}

const char *
test_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = run.report->dir;

    if (*dir)
        return dir;
    int n = snprintf(dir, sizeof(run.report->dir), "%s/welkin-test.XXXXXX", tmp ? tmp : "/tmp");
    if (n < 0 || (size_t)n >= sizeof(run.report->dir) || !mkdtemp(dir)) {
        *dir = '\0';
        FAIL("cannot make a directory for the test: %s", strerror(errno));
    }
    return dir;
}

const char *
test_shared(void)
{
    static char path[PATH_MAX];
    const char *from = getenv("WELKIN_SHARED");

    if (!realpath(from ? from : "../shared", path))
        SKIP("%s is absent", from ? from : "../shared");
    return path;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    remove(path);
    return 0;
}

static unsigned
count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static void
call_test(const struct test *t)
{
    unsigned before = count_fds();

    t->fn();
    unsigned after = count_fds();
    if (after != before)
        test_fail(t->file, 0, "%u descriptors before the test, %u after it", before, after);
    run.report->outcome = PASSED;
}

static void
run_here(const struct test *t)
{
    if (setjmp(run.unwind) == 0)
        call_test(t);
}

NORETURN static void
run_child(const struct test *t, int output)
{
    setpgid(0, 0);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    close(output);
    call_test(t);
    arena_done(&run.arena);
    /* exit() and not _exit(): a leak checker looks now, and its complaint is a failure. */
    exit(0);
}

/* Seconds of a processor that a process used. */
static unsigned
cpu_s(pid_t pid)
{
    struct timespec used = {0};
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) == 0)
        clock_gettime(clock, &used);
    return (unsigned)used.tv_sec;
}

/*
 * Waits for the child; answers its status, or -1 when its time was over.  What counts is the
 * processor's time, for a machine that has much else to do makes every test slow; one that only
 * sleeps ends after SLOW times as long.
 */
static int
wait_child(pid_t pid, unsigned limit_s)
{
    int pidfd = pidfd_open(pid, 0), status = 0, ready = pidfd < 0;
    struct pollfd p = {.fd = pidfd, .events = POLLIN};

    for (unsigned s = 0; ready == 0 && s < SLOW * limit_s && cpu_s(pid) < limit_s; s++)
        do
            ready = poll(&p, 1, 1000);
        while (ready < 0 && errno == EINTR);
    if (pidfd >= 0)
        close(pidfd);
    kill(-pid, SIGKILL);
    if (ready == 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    kill(-pid, SIGKILL);
    return ready == 0 ? -1 : status;
}

static void
judge(const struct test *t, int status)
{
    struct report *r = run.report;
    int n = 0;

    if (status == -1)
        n = snprintf(r->why, sizeof(r->why), "%s: it takes more than %u s", t->file, t->limit_s);
    else if (WIFSIGNALED(status))
        n = snprintf(r->why, sizeof(r->why), "%s: killed by signal %d (%s)", t->file,
                     WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        n = snprintf(r->why, sizeof(r->why), "%s: exit status %d", t->file, WEXITSTATUS(status));
    else if (r->outcome == RUNNING)
        n = snprintf(r->why, sizeof(r->why), "%s: the test called exit()", t->file);
    if (n > 0)
        r->outcome = FAILED;
}

static void
show_output(int fd)
{
    static char text[OUTPUT_SHOWN_BYTES];
    ssize_t n = pread(fd, text, sizeof(text), 0);

    if (n > 0)
        fwrite(text, 1, (size_t)n, stdout);
}

static void
run_forked(const struct test *t)
{
    int output = memfd_create("test-output", MFD_CLOEXEC);
    pid_t pid;

    fflush(NULL);
    if (output < 0 || (pid = fork()) < 0) {
        perror("harness");
        exit(2);
    }
    if (pid == 0)
        run_child(t, output);
    setpgid(pid, pid);
    judge(t, wait_child(pid, t->limit_s));
    if (run.report->outcome == FAILED)
        show_output(output);
    close(output);
}

static void
run_one(const struct test *t)
{
    struct report *r = run.report;

    *r = (struct report){.outcome = RUNNING};
    arena_init(&run.arena, ARENA_MAX_BYTES);
    if (run.forked)
        run_forked(t);
    else
        run_here(t);
    arena_done(&run.arena);
    if (*r->dir)
        nftw(r->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);

    atomic_fetch_add(&run.totals->n[r->outcome], 1);
    if (r->outcome == FAILED)
        printf("FAIL %s\n     %s\n", t->name, r->why);
    else if (r->outcome == SKIPPED)
        printf("skip %s: %s\n", t->name, r->why);
}

static bool
wanted(const struct test *t, char **patterns, int n)
{
    for (int i = 0; i < n; i++)
        if (str_glob(str_from(patterns[i]), str_from(t->name)))
            return true;
    return n == 0;
}

static void *
shared_page(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        perror("harness");
        exit(2);
    }
    return p;
}

/* Takes one test after the other, as long as there are any. */
static void
work(char **patterns, int n_patterns)
{
    unsigned at = 0, mine = atomic_fetch_add(&run.totals->next, 1);

    run.report = shared_page(sizeof(*run.report));
    for (struct test *t = run.first; t; t = t->next) {
        if (!wanted(t, patterns, n_patterns) || at++ != mine)
            continue;
        run_one(t);
        fflush(stdout);
        mine = atomic_fetch_add(&run.totals->next, 1);
    }
}

/* Answers whether all workers came to their end. */
static bool
work_beside(unsigned n_workers, char **patterns, int n_patterns)
{
    bool whole = true;
    int status;

    /* A failure is told in one write, whole among those of other workers. */
    setvbuf(stdout, NULL, _IOFBF, 2 * OUTPUT_SHOWN_BYTES);
    for (unsigned i = 0; i < n_workers; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            work(patterns, n_patterns);
            _exit(0);
        }
        whole &= pid > 0;
    }
    while (wait(&status) > 0 || errno == EINTR)
        whole &= status == 0;
    return whole;
}

static void
list(char **patterns, int n_patterns)
{
    for (struct test *t = run.first; t; t = t->next)
        if (wanted(t, patterns, n_patterns))
            printf("%s\t%s\t%s\n", t->name, t->file, t->proves);
}

int
main(int argc, char **argv)
{
    unsigned n_workers = 1;
    bool only_list = false, whole = true;
    uint64_t n;
    int opt;

    run.forked = true;
    while ((opt = getopt(argc, argv, "lfj:")) != -1) {
        if (opt == '?' || (opt == 'j' && (!str_to_u64(str_from(optarg), &n) || !n))) {
            fprintf(stderr, "usage: %s [-l] [-f] [-j workers] [name or glob]...\n", argv[0]);
            return 2;
        }
        if (opt == 'j')
            n_workers = (unsigned)MIN(n, WORKERS_MAX);
        only_list |= opt == 'l';
        run.forked &= opt != 'f';
    }
    if (only_list) {
        list(argv + optind, argc - optind);
        return 0;
    }
    run.totals = shared_page(sizeof(*run.totals));
    if (run.prepare)
        run.prepare();
    if (n_workers == 1 || !run.forked)
        work(argv + optind, argc - optind);
    else
        whole = work_beside(n_workers, argv + optind, argc - optind);
    printf("%u passed, %u failed, %u skipped\n", run.totals->n[PASSED], run.totals->n[FAILED],
           run.totals->n[SKIPPED]);
    return run.totals->n[FAILED] || !whole;
}
