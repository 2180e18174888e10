/*
 * A turn of the loop:
 *
 *   1. sleep until a descriptor is ready, a timer is due or a task waits
 *   2. call the owners of all descriptors that are ready
 *   3. call the timers that are due
 *   4. call the tasks that were deferred until now
 *
 * Step 4 is where the store commits: one commit answers everybody who wrote in steps 2 and 3,
 * which is why step 2 goes on until the kernel has no more to tell.  What is deferred or set to
 * a past time in a step runs in the next turn, and that turn does not sleep; so nothing that
 * renews itself can starve the others.
 */
#include "loop/loop.h"

#include "base/error.h"
#include "base/log.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 512
/* Full rounds of step 2: so many connections may join one commit. */
#define ROUNDS_MAX 8
/* The system's clock can be set while we sleep, so the cloud's clock is looked at this often. */
#define CLOUD_SLEEP_MAX_MS 10000
/* The simulation makes no more rounds than this without moving a clock: a timer that sets itself
 * to the present is our bug. */
#define SIM_ROUNDS_MAX 1000000

struct loop {
    struct env *env;
    int epoll; /* -1 without descriptors */
    struct heap timers[2];
    struct loop_task *first, **tail;
    struct loop_task *running; /* those of this turn that were not called yet */
    bool stopped;

    struct epoll_event events[EVENTS_MAX];
    int next_event, n_events; /* of `events`, those that were not handled yet */

    int64_t mono_ms; /* read once a turn; -1 outside of turns */
    /* The cloud's clock at the last sleep: as long as it stands still its timers wake nobody. */
    int64_t slept_cloud_ms;
    bool cloud_stands;
};

int
loop_new(struct loop **ret, struct env *env, bool descriptors)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (!loop)
        return error_origin(ENOMEM, "cannot make a loop");
    loop->env = env;
    loop->tail = &loop->first;
    loop->epoll = descriptors ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (descriptors && loop->epoll < 0) {
        int r = error_origin(errno, "epoll_create1");
        free(loop);
        return r;
    }
    loop->mono_ms = -1;
    *ret = loop;
    return 0;
}

struct loop *
loop_free(struct loop *loop)
{
    if (!loop)
        return NULL;
    if (loop->epoll >= 0)
        close(loop->epoll);
    heap_done(&loop->timers[LOOP_CLOUD]);
    heap_done(&loop->timers[LOOP_MONO]);
    free(loop);
    return NULL;
}

struct env *
loop_env(struct loop *loop)
{
    return loop->env;
}

static int64_t
read_mono_ms(const struct loop *loop)
{
    return loop->env->mono_ns(loop->env) / 1000000;
}

int64_t
loop_now_ms(struct loop *loop, enum loop_clock clock)
{
    assert(clock == LOOP_CLOUD || clock == LOOP_MONO);
    if (clock == LOOP_MONO)
        return loop->mono_ms >= 0 ? loop->mono_ms : read_mono_ms(loop);
    return loop->env->now_ms(loop->env);
}

void
loop_timer_set(struct loop *loop, struct loop_timer *timer, enum loop_clock clock, int64_t due_ms)
{
    assert(timer->fn);
    if (timer->clock != clock)
        loop_timer_stop(loop, timer);
    timer->clock = clock;
    heap_put(&loop->timers[clock], &timer->node, due_ms);
}

void
loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    assert(timer->clock == LOOP_CLOUD || timer->clock == LOOP_MONO);
    heap_remove(&loop->timers[timer->clock], &timer->node);
}

int
loop_fd_add(struct loop *loop, struct loop_fd *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    assert(source->fd >= 0);
    assert(loop->epoll >= 0 && source->fn);
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0)
        return error_origin(errno, "cannot watch descriptor %d", source->fd);
    return 0;
}

int
loop_fd_change(struct loop *loop, struct loop_fd *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    assert(loop->epoll >= 0 && source->fd >= 0);
    if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event) < 0)
        return error_origin(errno, "cannot watch descriptor %d", source->fd);
    return 0;
}

void
loop_fd_remove(struct loop *loop, struct loop_fd *source)
{
    assert(loop->epoll >= 0);
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    for (int i = loop->next_event; i < loop->n_events; i++)
        if (loop->events[i].data.ptr == source)
            loop->events[i].data.ptr = NULL;
}

void
loop_defer(struct loop *loop, struct loop_task *task)
{
    assert(task->fn);
    if (task->queued)
        return;
    task->queued = true;
    task->next = NULL;
    *loop->tail = task;
    loop->tail = &task->next;
}

void
loop_clock_changed(struct loop *loop)
{
    loop->cloud_stands = false;
}

static bool
run_tasks(struct loop *loop)
{
    bool any = loop->first;

    assert(!loop->running);
    /* One that is queued from here on belongs to the next turn. */
    loop->running = loop->first;
    loop->first = NULL;
    loop->tail = &loop->first;
    while (loop->running) {
        struct loop_task *task = loop->running;
        loop->running = task->next;
        task->queued = false;
        task->fn(task);
    }
    return any;
}

void
loop_task_cancel(struct loop *loop, struct loop_task *task)
{
    if (!task->queued)
        return;
    task->queued = false;
    for (struct loop_task **link = &loop->running; *link; link = &(*link)->next) {
        if (*link == task) {
            *link = task->next;
            return;
        }
    }
    struct loop_task **link = &loop->first;
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    if (!*link)
        loop->tail = link;
}

static bool
run_timers(struct loop *loop, enum loop_clock clock)
{
    struct heap *heap = &loop->timers[clock];
    struct heap_node *node = heap_first(heap);
    uint64_t end = heap->order;
    bool any = false;

    if (!node)
        return false;
    int64_t now_ms = loop_now_ms(loop, clock);
    while (node && node->due <= now_ms && node->order < end) {
        struct loop_timer *timer = CONTAINER_OF(node, struct loop_timer, node);
        heap_remove(heap, node);
        timer->fn(timer);
        any = true;
        node = heap_first(heap);
    }
    return any;
}

/* How long the loop may sleep: -1 for ever. */
static int
sleep_ms(struct loop *loop, int limit_ms)
{
    const struct heap_node *mono = heap_first(&loop->timers[LOOP_MONO]);
    const struct heap_node *cloud = heap_first(&loop->timers[LOOP_CLOUD]);
    int64_t ms = limit_ms < 0 ? INT_MAX : limit_ms;

    if (loop->first)
        return 0;
    if (mono)
        ms = MIN(ms, MAX(mono->due - loop->mono_ms, 0));
    if (cloud) {
        int64_t now_ms = loop->env->now_ms(loop->env);
        bool stands = loop->cloud_stands && now_ms == loop->slept_cloud_ms;
        int64_t cloud_ms = MIN(MAX(cloud->due - now_ms, 0), CLOUD_SLEEP_MAX_MS);

        if (!stands || cloud_ms == 0)
            ms = MIN(ms, cloud_ms);
        loop->cloud_stands = stands;
        loop->slept_cloud_ms = now_ms;
    }
    return ms == INT_MAX && limit_ms < 0 ? -1 : (int)ms;
}

/* Whether the cloud's clock stood still while real time went by. */
static void
look_at_clocks(struct loop *loop)
{
    int64_t mono_ms = read_mono_ms(loop);

    assert(loop->mono_ms >= 0);
    if (heap_first(&loop->timers[LOOP_CLOUD]) && mono_ms - loop->mono_ms >= 2)
        loop->cloud_stands = loop->env->now_ms(loop->env) == loop->slept_cloud_ms;
    loop->mono_ms = mono_ms;
}

static void
handle_events(struct loop *loop, int n)
{
    assert(n <= EVENTS_MAX);
    loop->n_events = n;
    for (loop->next_event = 0; loop->next_event < loop->n_events;) {
        const struct epoll_event *event = &loop->events[loop->next_event++];
        struct loop_fd *source = event->data.ptr;
        if (source)
            source->fn(source, event->events);
    }
    loop->next_event = loop->n_events = 0;
}

int
loop_turn(struct loop *loop, int timeout_ms)
{
    int n = 0;

    assert(loop->next_event == 0 && loop->n_events == 0);
    if (loop->epoll >= 0) {
        loop->mono_ms = read_mono_ms(loop);
        int wait_ms = sleep_ms(loop, timeout_ms);
        log_flush();
        for (int round = 0; round < ROUNDS_MAX; round++) {
            n = epoll_wait(loop->epoll, loop->events, EVENTS_MAX, round ? 0 : wait_ms);
            if (n < 0 && errno != EINTR)
                return error_origin(errno, "epoll_wait");
            look_at_clocks(loop);
            handle_events(loop, n);
            if (n < EVENTS_MAX)
                break;
        }
    }
    run_timers(loop, LOOP_MONO);
    run_timers(loop, LOOP_CLOUD);
    run_tasks(loop);
    loop->mono_ms = -1;
    return 0;
}

int
loop_run(struct loop *loop)
{
    int r = 0;

    assert(loop->epoll >= 0);
    loop->stopped = false;
    log_gather(true);
    while (!loop->stopped && r == 0)
        r = loop_turn(loop, -1);
    log_gather(false);
    return r;
}

void
loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

bool
loop_run_timers(struct loop *loop, int64_t until_ms, int64_t *ret_ms)
{
    int rounds = 0;
    bool any;

    do {
        any = run_tasks(loop);
        any |= run_timers(loop, LOOP_MONO);
        any |= run_timers(loop, LOOP_CLOUD);
        if (rounds++ >= SIM_ROUNDS_MAX)
            abort();
    } while (any);

    const struct heap_node *next = heap_first(&loop->timers[LOOP_CLOUD]);
    if (!next || next->due > until_ms)
        return false;
    *ret_ms = next->due;
    return true;
}
