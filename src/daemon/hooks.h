/* Scripts of the user's that run when the cloud is ready: DATA/init/ready.d/NAME.sh. */
#pragma once

#include "loop/loop.h"

struct hooks;

/*
 * Begins to run them, in the order of their names, each when the one before has ended; returns at
 * once.  endpoint ("http://127.0.0.1:4566") is their AWS_ENDPOINT_URL, their keys are test/test,
 * their region us-east-1.  One that is executable is run as it is, others by /bin/sh.  A failure
 * is a line in the log.  0, also when there are none, or -errno.
 */
int hooks_start(struct hooks **ret, struct loop *loop, const char *data_dir, const char *endpoint);
/* Whether all have ended. */
bool hooks_done(const struct hooks *hooks);
/* Ends one that still runs.  Takes NULL. */
struct hooks *hooks_free(struct hooks *hooks);
