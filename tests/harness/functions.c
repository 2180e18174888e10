/* An environment is a timer: first it begins, then it answers what it was given. */
#include "harness/functions.h"

#include "base/map.h"

#include <stdlib.h>

enum { BEGIN_MS = 20, MAX = 8 };

struct box {
    struct box *next;
    struct function_model *model;
    struct str id;
    struct str_list env;
    struct loop_timer timer;
    struct api_function_work work; /* request_id.p NULL: none */
    struct function_says says;
    int64_t nth;
    size_t layers;
    bool begun, asked, frozen;
};

struct function_model {
    struct world *w;
    function_fn *fn;
    struct api_functions driver;
    struct api_function_events events;
    struct box *all;
    const char *no_start, *init_error;
};

static struct box *
find(struct function_model *m, struct str id)
{
    struct box *box = m->all;

    while (box && !str_eq(box->id, id))
        box = box->next;
    return box;
}

static void
after(struct box *box, int64_t ms)
{
    struct loop *loop = box->model->w->loop;

    loop_timer_set(loop, &box->timer, LOOP_CLOUD, loop_now_ms(loop, LOOP_CLOUD) + ms);
}

static void
begin(struct box *box)
{
    struct function_model *m = box->model;
    const char *no_start = m->no_start, *init_error = m->init_error;

    box->begun = true;
    m->no_start = m->init_error = NULL;
    if (no_start)
        m->events.ended(m->events.ctx, box->id, STR_NONE, str_from(no_start));
    else if (init_error)
        m->events.init_error(m->events.ctx, box->id, str_from(init_error));
    else
        m->events.next(m->events.ctx, box->id);
}

/* In a turn of its own: whoever gave it work has a transaction open. */
static void
ask(struct box *box)
{
    struct function_model *m = box->model;
    const struct function_asked asked = {.work = box->work,
                                         .env = box->env,
                                         .id = box->id,
                                         .layers = box->layers,
                                         .nth = ++box->nth};

    box->asked = true;
    box->says = (struct function_says){0};
    m->fn(m->w, &asked, &box->says);
    if (!box->says.never)
        after(box, box->says.after_ms);
}

static void
fired(struct loop_timer *timer)
{
    struct box *box = CONTAINER_OF(timer, struct box, timer);
    struct function_model *m = box->model;
    struct str id = box->id, request = box->work.request_id;

    if (!box->begun) {
        begin(box);
        return;
    }
    CHECK(request.p && !box->frozen);
    if (!box->asked) {
        ask(box);
        return;
    }
    struct function_says says = box->says;

    if (says.prints)
        m->events.printed(m->events.ctx, id, str_from(says.prints));
    if (says.ends) {
        m->events.ended(m->events.ctx, id, str_from(says.ends), STR_NONE);
        return;
    }
    box->work.request_id = STR_NONE;
    m->events.answered(m->events.ctx, id, request, says.error, says.body.p ? says.body : S("null"));
    if (find(m, id))
        m->events.next(m->events.ctx, id);
}

static int
start(void *ctx, const struct api_function_start *start, struct str *ret_why UNUSED)
{
    struct function_model *m = ctx;
    struct arena *a = &m->w->arena;
    struct box *box = calloc(1, sizeof(*box));

    CHECK(box && start->code.n > 0 && start->memory_mib >= 128);
    box->model = m;
    box->layers = start->layers.n;
    box->id = str_dup(a, start->id);
    LIST_EACH(&start->env, one)
        *LIST_PUSH(a, &box->env) = str_dup(a, *one);
    box->timer.fn = fired;
    box->next = m->all;
    m->all = box;
    after(box, BEGIN_MS);
    return 0;
}

static void
give(void *ctx, struct str id, const struct api_function_work *work)
{
    struct function_model *m = ctx;
    struct arena *a = &m->w->arena;
    struct box *box = find(m, id);

    CHECK(box && box->begun && !box->work.request_id.p);
    box->work = (struct api_function_work){
        str_dup(a, work->request_id), str_dup(a, work->function_arn),
        str_dup(a, work->client_context), str_dup(a, work->payload), work->deadline_ms};
    box->asked = false;
    after(box, 0);
}

static void
stop(void *ctx, struct str id)
{
    struct function_model *m = ctx;
    struct box **at = &m->all, *box = find(m, id);

    if (!box)
        return;
    while (*at != box)
        at = &(*at)->next;
    *at = box->next;
    loop_timer_stop(m->w->loop, &box->timer);
    free(box);
}

static void
freeze(void *ctx, struct str id, bool frozen)
{
    struct box *box = find(ctx, id);

    CHECK(box && box->frozen != frozen);
    box->frozen = frozen;
}

static int64_t
memory(void *ctx UNUSED, struct str id UNUSED)
{
    return 42;
}

void
function_model_attach(struct world *w)
{
    if (w->functions)
        cloud_run_functions(w->cloud, &w->functions->driver, &w->functions->events);
}

void
world_functions(struct world *w, function_fn *fn)
{
    struct function_model *m = calloc(1, sizeof(*m));

    CHECK(m && !w->functions);
    m->w = w;
    m->fn = fn;
    m->driver = (struct api_functions){.ctx = m,
                                       .max = MAX,
                                       .start = start,
                                       .give = give,
                                       .stop = stop,
                                       .freeze = freeze,
                                       .memory = memory};
    w->functions = m;
    function_model_attach(w);
}

void
world_function_no_start(struct world *w, const char *sentence)
{
    w->functions->no_start = sentence;
}

void
world_function_init_error(struct world *w, const char *body)
{
    w->functions->init_error = body;
}

size_t
world_environments(const struct world *w, size_t *ret_frozen)
{
    size_t n = 0, frozen = 0;

    for (const struct box *box = w->functions->all; box; box = box->next) {
        n++;
        frozen += box->frozen;
    }
    if (ret_frozen)
        *ret_frozen = frozen;
    return n;
}

struct str
world_from_function(struct world *w, const struct api_request *req, int *ret_status)
{
    struct api_reply reply = {0};
    struct arena arena;

    arena_init(&arena, (size_t)16 << 20);
    buf_init(&reply.body, (size_t)1 << 20);
    api_handle(cloud_api(w->cloud), &arena, req, &reply);
    struct str body = str_dup(&w->arena, buf_str(&reply.body));

    *ret_status = reply.status;
    buf_done(&reply.body);
    arena_done(&arena);
    return body;
}

struct function_model *
function_model_free(struct function_model *m)
{
    if (!m)
        return NULL;
    CHECK(!m->all);
    free(m);
    return NULL;
}
