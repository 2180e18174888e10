/*
 * The poster of api/poster.h: a few threads that make one request each, with blocking sockets and
 * a time for all of it.  Certificates of https are checked against the system's.
 */
#pragma once

#include "api/poster.h"
#include "loop/loop.h"

struct poster;

/* 0 or -errno. */
int poster_new(struct poster **ret, struct loop *loop);
const struct api_poster *poster_driver(struct poster *poster);
void poster_attach(struct poster *poster, const struct api_poster_events *events);
/* Gives up requests that are under way; those whose name is being looked up are waited for. */
struct poster *poster_free(struct poster *poster);
