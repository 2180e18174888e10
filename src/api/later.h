/*
 * Replies that are not there yet when their handler returns: what a function answers.
 *
 * The handler makes one of these in the call's arena and answers 0; its transaction is committed.
 * When the output (or a fault) is there, whoever has the api_later says so with api_later_done().
 * Who carries the request out (the front, tests) finds it in the reply, waits, and then has the
 * reply filled in by api_later_reply().  Arena, request and reply must live until then; one that
 * cannot wait any longer says so by api_later_leave(), and nobody touches them any more.
 */
#pragma once

#include "api/api.h"

struct api_later {
    struct api_call *call; /* from its handler's return on: to word a fault in */
    void *res;             /* the operation's output, to be filled in */
    void *who;             /* the handler's */
    /* Nobody waits any more. */
    void (*leave)(struct api_later *later);
    /* NULL: the output is encoded as the operation's; else this fills in the reply instead. */
    void (*write)(struct api_later *later, struct api_reply *reply);

    /* dispatch.c's and the front's. */
    void *state;
    bool done;
    int result;
    void (*told)(void *ctx);
    void *ctx;
};

/* For a handler: the call will be answered later; a call inside another cannot be. */
struct api_later *
api_later_new(struct api_call *call, void *res, void (*leave)(struct api_later *later), void *who);
/* 0: res is whole; positive: the call has a fault; negative: ours.  Once. */
void api_later_done(struct api_later *later, int result);

/* For who carries requests out: told is called once, perhaps at once. */
void api_later_wait(struct api_later *later, void (*told)(void *ctx), void *ctx);
/* After it was told: fills in the reply, as api_handle() does. */
void api_later_reply(struct api_later *later, struct api_reply *reply);
void api_later_leave(struct api_later *later);
