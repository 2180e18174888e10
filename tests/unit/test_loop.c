#include "loop/loop.h"

#include "harness/harness.h"

#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;
static char trace[64];
static size_t n_trace;

static void
note(char c)
{
    CHECK(n_trace < sizeof(trace) - 1);
    trace[n_trace++] = c;
    trace[n_trace] = '\0';
}

struct named_timer {
    struct loop_timer timer;
    char name;
    int again; /* set itself to the present so many times */
};

static void
on_timer(struct loop_timer *timer)
{
    struct named_timer *t = CONTAINER_OF(timer, struct named_timer, timer);

    note(t->name);
    if (t->again-- > 0)
        loop_timer_set(loop, timer, timer->clock, loop_now_ms(loop, timer->clock));
}

#define TIMER(c, times) {.timer.fn = on_timer, .name = (c), .again = (times)}

TEST(the_simulation_moves_from_timer_to_timer)
{
    struct env_fake fake;
    env_fake_init(&fake, 1);
    CHECK_INT(loop_new(&loop, &fake.env, false), 0);
    struct named_timer a = TIMER('a', 0), b = TIMER('b', 2), c = TIMER('c', 0), d = TIMER('d', 0);
    int64_t start = fake.now_ms, next;

    loop_timer_set(loop, &b.timer, LOOP_CLOUD, start + 1000);
    loop_timer_set(loop, &a.timer, LOOP_CLOUD, start + 500);
    loop_timer_set(loop, &c.timer, LOOP_CLOUD, start + 3600000);
    loop_timer_set(loop, &d.timer, LOOP_CLOUD, start + 600);
    loop_timer_stop(loop, &d.timer);
    while (loop_run_timers(loop, start + 2000, &next))
        fake.now_ms = next;
    CHECK_STR(str_from(trace), "abbb");
    CHECK_INT(fake.now_ms, start + 1000);
    loop_timer_set(loop, &a.timer, LOOP_MONO, 0);
    CHECK(!loop_run_timers(loop, start + 2000, &next));
    CHECK_STR(str_from(trace), "abbba");
    loop_free(loop);
}

static struct loop_task task_a, task_b, task_c;

static void
on_task(struct loop_task *task)
{
    note(task == &task_a ? 'a' : task == &task_b ? 'b' : 'c');
    if (task == &task_a) {
        loop_defer(loop, &task_c);
        loop_defer(loop, &task_a);
        loop_task_cancel(loop, &task_b);
    }
}

TEST(tasks_run_at_the_end_of_the_turn_and_new_ones_in_the_next)
{
    CHECK_INT(loop_new(&loop, env_real(), true), 0);
    task_a.fn = task_b.fn = task_c.fn = on_task;
    loop_defer(loop, &task_a);
    loop_defer(loop, &task_b);
    loop_defer(loop, &task_b);
    CHECK_INT(loop_turn(loop, -1), 0);
    CHECK_STR(str_from(trace), "a");
    loop_task_cancel(loop, &task_a);
    CHECK_INT(loop_turn(loop, -1), 0);
    CHECK_STR(str_from(trace), "ac");
    CHECK_INT(loop_turn(loop, 0), 0);
    CHECK_STR(str_from(trace), "ac");
    loop_free(loop);
}

struct pipe_end {
    struct loop_fd source;
    struct pipe_end *other;
};

static void
on_pipe(struct loop_fd *source, uint32_t events)
{
    struct pipe_end *p = CONTAINER_OF(source, struct pipe_end, source);

    CHECK(events & EPOLLIN);
    note('x');
    loop_fd_remove(loop, &p->other->source);
    /* Its memory may be anything now, and the event that was fetched for it must not come. */
    memset(&p->other->source.fn, 0, sizeof(p->other->source.fn));
    loop_stop(loop);
}

TEST(an_event_of_a_removed_descriptor_is_dropped)
{
    int one[2], two[2];
    struct pipe_end a = {.source.fn = on_pipe}, b = {.source.fn = on_pipe};

    CHECK(pipe(one) == 0 && pipe(two) == 0);
    CHECK_INT(loop_new(&loop, env_real(), true), 0);
    a.other = &b;
    b.other = &a;
    a.source.fd = one[0];
    b.source.fd = two[0];
    CHECK_INT(loop_fd_add(loop, &a.source, EPOLLIN), 0);
    CHECK_INT(loop_fd_add(loop, &b.source, EPOLLIN), 0);
    CHECK(write(one[1], "x", 1) == 1 && write(two[1], "x", 1) == 1);
    CHECK_INT(loop_run(loop), 0);
    CHECK_STR(str_from(trace), "x");
    loop_free(loop);
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(two[i]);
    }
}

static void
on_stop(struct loop_timer *timer UNUSED)
{
    loop_stop(loop);
}

TEST(real_time_wakes_the_loop_and_not_early)
{
    struct loop_timer stop = {.fn = on_stop};

    CHECK_INT(loop_new(&loop, env_real(), true), 0);
    int64_t before = loop_now_ms(loop, LOOP_MONO);
    loop_timer_set(loop, &stop, LOOP_MONO, before + 30);
    CHECK_INT(loop_run(loop), 0);
    CHECK(loop_now_ms(loop, LOOP_MONO) - before >= 30);
    loop_free(loop);
}

static unsigned n_clock_reads;

static int64_t
count_reads(struct env *env UNUSED)
{
    n_clock_reads++;
    return 1000000;
}

/* A cloud whose clock was stopped must not wake the daemon again and again. */
TEST(a_stopped_clock_costs_no_wake_ups_and_moves_on_when_told)
{
    struct env env = *env_real();
    struct named_timer cloud = TIMER('c', 0);
    struct loop_timer stop = {.fn = on_stop};

    env.now_ms = count_reads;
    CHECK_INT(loop_new(&loop, &env, true), 0);
    loop_timer_set(loop, &cloud.timer, LOOP_CLOUD, 1000005);
    loop_timer_set(loop, &stop, LOOP_MONO, loop_now_ms(loop, LOOP_MONO) + 200);
    CHECK_INT(loop_run(loop), 0);
    CHECK(n_clock_reads < 20);
    CHECK_STR(str_from(trace), "");

    env.now_ms = env_real()->now_ms;
    loop_clock_changed(loop);
    CHECK_INT(loop_turn(loop, 0), 0);
    CHECK_STR(str_from(trace), "c");
    loop_free(loop);
}
