/*
 * EC2 Instance Connect inside the guest: the keys that SendSSHPublicKey pushed for a user.
 */
#ifndef GUEST_CONNECT_H
#define GUEST_CONNECT_H

#include "text.h"

/* A name that may stand in the metadata's path. */
bool connect_user_ok(struct str user);
/* The lines of managed-ssh-keys/active-keys/USER that are public keys, each with its newline. */
struct str connect_keys(struct arena *a, struct str text);
/* `eic_run_authorized_keys USER [FINGERPRINT]`, which sshd runs; the exit status. */
int connect_command(char **argv);

#endif
