/*
 * The event loop: file descriptors, timers on two clocks, and work to be done at the end of a
 * turn.  One thread, no locks.
 *
 * The simulation uses the same loop without descriptors: loop_run_timers() moves a fake world's
 * clock from timer to timer.
 */
#pragma once

#include "base/heap.h"
#include "sys/env.h"

struct loop;

enum loop_clock {
    LOOP_CLOUD, /* env->now_ms: what users see; stands still when they stop it */
    LOOP_MONO,  /* env->mono_ns / 1e6: real time for sockets and sandboxes */
};

/* A timer lies in what waits for it.  Zero it, set fn, and start it. */
struct loop_timer {
    struct heap_node node;
    enum loop_clock clock;
    void (*fn)(struct loop_timer *timer);
};

/* A descriptor to watch.  It lies in its owner and must stay until loop_fd_remove(). */
struct loop_fd {
    int fd;
    void (*fn)(struct loop_fd *source, uint32_t events); /* EPOLLIN, EPOLLOUT, … */
};

/* Something to call once at the end of this turn, before the loop sleeps. */
struct loop_task {
    struct loop_task *next;
    bool queued;
    void (*fn)(struct loop_task *task);
};

/*
 * Makes a loop.  With descriptors == false no kernel object is made (simulation).  0 or -errno.
 */
int loop_new(struct loop **ret, struct env *env, bool descriptors);
struct loop *loop_free(struct loop *loop);
struct env *loop_env(struct loop *loop);

/* (Re)starts a timer for an absolute time of its clock in ms; a past time fires next turn. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, enum loop_clock clock,
                    int64_t due_ms);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);
/* Now, in ms of that clock. */
int64_t loop_now_ms(struct loop *loop, enum loop_clock clock);

/* events: EPOLLIN | EPOLLOUT | EPOLLET as epoll(7) has them.  0 or -errno. */
int loop_fd_add(struct loop *loop, struct loop_fd *source, uint32_t events);
int loop_fd_change(struct loop *loop, struct loop_fd *source, uint32_t events);
/* Safe inside any callback: events already fetched for it are dropped. */
void loop_fd_remove(struct loop *loop, struct loop_fd *source);

void loop_defer(struct loop *loop, struct loop_task *task);
/* Takes a task out again; one that is not queued is left alone. */
void loop_task_cancel(struct loop *loop, struct loop_task *task);

/* Must be called after the cloud's clock was set, so that timers are looked at anew. */
void loop_clock_changed(struct loop *loop);

/* Runs until loop_stop().  0 or -errno. */
int loop_run(struct loop *loop);
/* One turn: waits at most timeout_ms (-1: no limit). */
int loop_turn(struct loop *loop, int timeout_ms);
void loop_stop(struct loop *loop);

/*
 * Simulation: runs deferred tasks and due timers.  Then, if a cloud timer is due by until_ms,
 * answers true with *ret_ms = its time, so that the caller can move its clock there and call
 * again; false when nothing is due by then.
 */
bool loop_run_timers(struct loop *loop, int64_t until_ms, int64_t *ret_ms);
