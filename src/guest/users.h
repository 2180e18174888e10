/*
 * Accounts of this image: found, and given ssh keys.
 */
#ifndef GUEST_USERS_H
#define GUEST_USERS_H

#include "guest.h"

struct account {
    struct str name, home;
    unsigned uid, gid;
};

bool account_find(struct guest *g, struct str name, struct account *ret);
/* The image's default user: ec2-user, admin, debian, ubuntu or alpine, if it has one. */
bool account_default(struct guest *g, struct account *ret);
/* Adds each line of `keys` to the user's authorized_keys, after `options` if not empty. */
void account_authorize(struct guest *g, const struct account *who, struct str keys,
                       struct str options);
/* The user and group of "user:group" as ids; false with a name that does not exist. */
bool account_owner(struct guest *g, struct str owner, unsigned *ret_uid, unsigned *ret_gid);

#endif
