/*
 * A model of other machines that are sent HTTP requests: each is kept, and answered in 10 ms of the
 * cloud's time with a status that the test chose.
 */
#pragma once

#include "api/poster.h"
#include "harness/world.h"

struct post_model;

/* Gives the world a poster; again after a crash.  status 0: nobody answers. */
void world_posts(struct world *w, int status);
/* What was sent since the last call of this, and how many there were; they live in the world. */
struct posted {
    struct str url, body;
    struct http_header *headers;
    size_t n_headers;
};
const struct posted *world_posted(struct world *w, size_t *ret_n);
struct str posted_header(const struct posted *p, const char *name);
/* For world.c: the daemon has started anew. */
void post_model_attach(struct world *w);
struct post_model *post_model_free(struct post_model *model);
