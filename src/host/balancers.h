/*
 * Nodes of load balancers as sandboxes: the driver of struct api_balancers.
 *
 * A node is a machine of no row, in the network of its balancer's interface: its subnet, its
 * addresses, its security groups.  In it nothing runs but welkin-balancer, which has a socket to
 * the daemon and no other way to it.  One that a daemon left behind is ended by the next one's
 * reconciler, which knows of no such instance, and is made anew.
 *
 *   DATA/images/balancer    what the sandbox has for a root: that program
 */
#pragma once

#include "api/balancers.h"
#include "host/sandbox_driver.h"

struct host_balancers;

#define HOST_BALANCERS_IMAGE "balancer"
#define HOST_BALANCERS_PROGRAM "welkin-balancer"

/* Beside the sandbox host, which knows the networks.  0 or -errno. */
int host_balancers_new(struct host_balancers **ret, struct host_sandbox *sandbox);
struct host_balancers *host_balancers_free(struct host_balancers *b);
const struct api_balancers *host_balancers_driver(struct host_balancers *b);
void host_balancers_attach(struct host_balancers *b, const struct api_balancer_events *events);
