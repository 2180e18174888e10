/* What functions.c (sandboxes) and functions_api.c (what runs in them asks for) share. */
#pragma once

#include "base/map.h"
#include "host/functions.h"
#include "loop/http_server.h"

/* Where runtimes find their API, which is AWS's own address. */
#define RUNTIME_API_IP 0xa9fe6401u /* 169.254.100.1 */
#define RUNTIME_API_PORT 9001
#define FUNCTIONS_NETWORK 0xc0000000u /* 192.0.0.0: nobody's network */
#define FUNCTIONS_PREFIX 22
#define FUNCTIONS_FIRST_IP (FUNCTIONS_NETWORK + 4)

/* A sandbox. */
struct box {
    struct host_functions *f;
    char id[API_FUNCTION_ID_MAX];
    size_t id_n;
    unsigned slot; /* its place in boxes */
    int tries;     /* of places, and of images */
    unsigned image;
    bool launched; /* a sandbox runs */
    bool failed;   /* and never will again */
    bool stopping, frozen;
    bool own_bootstrap; /* the function's archive has the runtime, else a layer */
    int code_fd;    /* a tar stream, until it is unpacked */
    struct buf env; /* NAME=value, each ended by NUL; secret */
    uint16_t n_env;
    char runtime[40];
    int64_t memory_mib, used_mib;
    struct loop_fd log;        /* fd -1: none */
    int log_end;               /* the guest's end, until the runtime has it */
    uint32_t exec;             /* what runs in it now */
    bool runs;                 /* that is the runtime, no longer its preparation */
    struct http_request *held; /* it waits for work */
};

struct host_functions {
    struct host_functions_config config;
    struct api_functions driver;
    struct api_function_events events;
    struct priv_conn *conn, *asks;
    struct loop_fd source;
    struct loop_task flush;
    struct http_server *server;
    struct box *boxes[HOST_FUNCTIONS_MAX];
    struct map by_id;
    unsigned next_slot;
    bool network_asked;
    struct missing { /* images that were not there a moment ago */
        char name[64];
        int64_t until_ms;
    } missing[8];
    unsigned next_missing;
};

static inline struct str
box_id(const struct box *box)
{
    assert(box->id_n > 0 && box->id_n < sizeof(box->id));
    return str_of(box->id, box->id_n);
}

/* What the guest has printed so far goes to the events. */
void box_drain(struct box *box);

/* ---- functions_api.c ---- */

int functions_api_new(struct host_functions *f);
void functions_api_give(struct box *box, const struct api_function_work *work);
/* Nobody will give it work any more. */
void functions_api_end(struct box *box);
