/*
 * The commands' side of the admin API: one request to a running daemon, waited for.
 */
#pragma once

#include "base/str.h"

struct client_reply {
    int status;
    struct str body;
};

/*
 * endpoint: "127.0.0.1:4566".  path with its query.  body may be empty.  Unless `sink` is NULL the
 * reply's body is handed to it piece by piece as it comes and is not kept.  0 or -errno
 * (-ECONNREFUSED: no daemon).
 */
int client_call(struct arena *arena, const char *endpoint, const char *method, const char *path,
                struct str body, void (*sink)(struct str piece), struct client_reply *ret);
