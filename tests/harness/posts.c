/* See posts.h. */
#include "harness/posts.h"

#include "base/list.h"

#include <stdlib.h>

enum { ANSWER_MS = 10 };

struct flight {
    struct flight *next;
    struct post_model *model;
    struct loop_timer timer;
    struct str id;
};

struct post_model {
    struct world *w;
    struct api_poster driver;
    struct api_poster_events events;
    int status;
    struct flight *flights;
    struct {
        struct posted *v;
        size_t n;
    } all;
    size_t seen;
};

static void
answer(struct loop_timer *timer)
{
    struct flight *f = CONTAINER_OF(timer, struct flight, timer);
    struct post_model *m = f->model;
    struct flight **at = &m->flights;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    m->events.posted(m->events.ctx, f->id, m->status,
                     m->status ? STR_NONE : S("the host cannot be reached"));
    free(f);
}

static int
post(void *ctx, const struct api_post *what)
{
    struct post_model *m = ctx;
    struct arena *a = &m->w->arena;
    struct flight *f = calloc(1, sizeof(*f));
    struct posted *p = LIST_PUSH(a, &m->all);

    CHECK(f != NULL);
    p->url = str_dup(a, what->url);
    p->body = str_dup(a, what->body);
    p->headers = arena_alloc(a, (what->n_headers + 1) * sizeof(*p->headers));
    for (size_t i = 0; i < what->n_headers; i++)
        p->headers[p->n_headers++] = (struct http_header){str_dup(a, what->headers[i].name),
                                                          str_dup(a, what->headers[i].value)};
    *f = (struct flight){.next = m->flights, .model = m, .id = str_dup(a, what->id)};
    f->timer.fn = answer;
    m->flights = f;
    loop_timer_set(m->w->loop, &f->timer, LOOP_CLOUD,
                   loop_now_ms(m->w->loop, LOOP_CLOUD) + ANSWER_MS);
    return 0;
}

static void
forget(struct post_model *m)
{
    while (m->flights) {
        struct flight *f = m->flights;

        m->flights = f->next;
        loop_timer_stop(m->w->loop, &f->timer);
        free(f);
    }
}

void
world_posts(struct world *w, int status)
{
    struct post_model *m = w->posts;

    if (!m) {
        m = w->posts = calloc(1, sizeof(*m));
        CHECK(m != NULL);
        m->w = w;
        m->driver = (struct api_poster){.ctx = m, .post = post};
        cloud_post(w->cloud, &m->driver, &m->events);
    }
    m->status = status;
}

void
post_model_attach(struct world *w)
{
    if (!w->posts)
        return;
    forget(w->posts);
    cloud_post(w->cloud, &w->posts->driver, &w->posts->events);
}

const struct posted *
world_posted(struct world *w, size_t *ret_n)
{
    struct post_model *m = w->posts;
    const struct posted *p = m->all.v + m->seen;

    *ret_n = m->all.n - m->seen;
    m->seen = m->all.n;
    return p;
}

struct str
posted_header(const struct posted *p, const char *name)
{
    for (size_t i = 0; i < p->n_headers; i++)
        if (str_eq_nocase(p->headers[i].name, str_from(name)))
            return p->headers[i].value;
    return STR_NONE;
}

struct post_model *
post_model_free(struct post_model *m)
{
    if (!m)
        return NULL;
    forget(m);
    free(m);
    return NULL;
}
