/*
 * A model of where functions run, for whole clouds in one process: environments that begin in 20 ms
 * of the cloud's time, and say what the test has them say.
 *
 *   static void
 *   echo(struct world *w, const struct function_asked *asked, struct function_says *says)
 *   {
 *       says->body = asked->work.payload;
 *   }
 *   world_functions(w, echo);
 */
#pragma once

#include "api/functions.h"
#include "harness/world.h"

struct function_asked {
    struct api_function_work work;
    struct str_list env; /* of its environment */
    struct str id;       /* of the environment */
    size_t layers;       /* how many archives it has beside the function's */
    int64_t nth;         /* invocation in it, from 1 */
};

/* What becomes of it; zero: null is answered at once. */
struct function_says {
    int64_t after_ms;
    bool never; /* it does not answer */
    bool error;
    struct str body; /* lives in the world's arena */
    const char *prints;
    const char *ends; /* its runtime ends so: "exit status 1" */
};

typedef void
function_fn(struct world *w, const struct function_asked *asked, struct function_says *says);

/* Gives the world functions that run, and again after a crash. */
void world_functions(struct world *w, function_fn *fn);
/* The next environment cannot begin: why, as the driver's sentence; or loads nothing: a body. */
void world_function_no_start(struct world *w, const char *sentence);
void world_function_init_error(struct world *w, const char *body);
/* How many environments there are, and how many stand still. */
size_t world_environments(const struct world *w, size_t *ret_frozen);
/* From inside a function: a request to the API, as a program in its sandbox sends it. */
struct str world_from_function(struct world *w, const struct api_request *req, int *ret_status);
struct function_model *function_model_free(struct function_model *model);
/* For world.c: the daemon has started anew. */
void function_model_attach(struct world *w);
