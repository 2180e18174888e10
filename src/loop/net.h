/* Listening sockets and addresses as text. */
#pragma once

#include "base/str.h"

#include <sys/socket.h>

/*
 * A non-blocking TCP socket that listens on a numeric address ("127.0.0.1", "::1", "0.0.0.0") in
 * the namespace of the caller; port 0 lets the kernel choose.  0 or -errno, -EINVAL when the
 * address is no address.
 */
int net_listen_tcp(struct str address, uint16_t port, int *ret_fd);

/* A stream socket at a path; an abandoned socket file there is replaced, one in use is not
 * (-EADDRINUSE).  0 or -errno. */
int net_listen_unix(const char *path, unsigned mode, int *ret_fd);

/* The port that a socket is bound to; 0 when it has none. */
uint16_t net_port(int fd);
