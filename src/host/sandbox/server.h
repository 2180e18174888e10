/*
 * Connections of the privileged process, and one request on its way through.
 */
#pragma once

#include "host/sandbox/sandbox.h"

#include <stdlib.h>
#include <unistd.h>

struct out;

struct conn {
    struct source source;
    uint32_t id;   /* never reused */
    uint32_t slot; /* 0 … CONNS - 1 */
    bool hello, want_events;
    bool doomed;   /* close it when nobody is using it */
    struct out *first, **last; /* what could not be sent yet */
    size_t queued_bytes;
};

struct call {
    struct conn *conn;
    struct ticket ticket;
    const void *req;
    void *tail; /* writable: strings are cut in place */
    size_t tail_n;
    int *fds;
    size_t n_fds;
    struct why why;
    bool later; /* the answer comes by answer() */
    const int *reply_fds;
    size_t n_reply_fds;
    char *reply; /* PRIV_MESSAGE_MAX bytes, room for the header in front */
    size_t reply_n;
};

/* Sets the reply's struct and tail; answers 0. */
int call_reply(struct call *c, const void *p, size_t n, const void *tail, size_t tail_n);
/* What a request may be by itself (request.c): sizes are right, the tail follows the struct. */
int check_vpc_open(const void *req, struct str tail, struct why *why);
int check_group(const void *req, struct str tail, struct why *why);
int check_group_drop(const void *req, struct str tail, struct why *why);
int check_subnet(const void *req, struct str tail, struct why *why);
int check_subnet_drop(const void *req, struct str tail, struct why *why);
int check_class(const void *req, struct str tail, struct why *why);
int check_public_ip(const void *req, struct str tail, struct why *why);
int check_nics(const void *req, struct str tail, struct why *why);
int check_peer(const void *req, struct str tail, struct why *why);
int check_launch(const void *req, struct str tail, struct why *why);
int check_signal(const void *req, struct str tail, struct why *why);
int check_console_write(const void *req, struct str tail, struct why *why);
int check_exec(const void *req, struct str tail, struct why *why);
int check_limits(const void *req, struct str tail, struct why *why);
int check_trust(const void *req, struct str tail, struct why *why);
int check_disk(const void *req, struct str tail, struct why *why);
int check_snapshot(const void *req, struct str tail, struct why *why);
int check_snapshot_drop(const void *req, struct str tail, struct why *why);
int check_volume(const void *req, struct str tail, struct why *why);
int check_volume_out(const void *req, struct str tail, struct why *why);
int check_volume_drop(const void *req, struct str tail, struct why *why);
int check_volume_copy(const void *req, struct str tail, struct why *why);
int check_freeze(const void *req, struct str tail, struct why *why);

/*
 * Whether a request of n bytes may be carried out at all: its size, its machine's name, its
 * fields.  Touches nothing else.  0 or -errno with the sentence.
 */
int priv_check(uint16_t number, const void *req, size_t n, size_t n_fds, struct why *why);
int priv_dispatch(struct host *h, struct call *c, uint16_t number, size_t n);

int server_open(struct host *h);
void server_close(struct host *h);

static inline void
free_strings(char ***v)
{
    free(*v);
}
