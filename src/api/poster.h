/*
 * Who sends HTTP requests to other machines.  Services know it by this; the daemon gives threads
 * and sockets (daemon/poster.c), tests a model.  What was to be sent is a row of the service's, so
 * nothing here needs to outlive the daemon.
 */
#pragma once

#include "base/str.h"
#include "codec/http.h"

#define API_POST_TIMEOUT_MS 15000 /* of one request, from its beginning to the reply's head */
#define API_POST_ID_MAX 64

struct api_post {
    struct str id;                     /* the service's, to know the outcome by */
    struct str url;                    /* http:// or https:// */
    const struct http_header *headers; /* beside Host, Content-Length and Connection */
    size_t n_headers;
    struct str body;
};

struct api_poster {
    void *ctx;
    /* Copies it and begins; -EAGAIN: there are too many under way, ask again when one has ended. */
    int (*post)(void *ctx, const struct api_post *post);
};

/* From the loop, never from inside post().  status 0: there was no reply, and why is a sentence. */
struct api_poster_events {
    void *ctx;
    void (*posted)(void *ctx, struct str id, int status, struct str why);
};
