/*
 * The role of an instance, as the metadata service tells it: iam/info and
 * iam/security-credentials/.
 *
 * Credentials are sessions of the role with the instance's id as their name.  They are a function
 * of the association, the role and the time: nothing is stored, and a restarted daemon gives the
 * same ones.  They hold for six hours and are replaced after five, so that who reads them has an
 * hour at least, and who read the old ones has that hour to come back.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html
 */
#pragma once

#include "codec/session.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/iam_rows.h"

enum {
    ROLE_CREDENTIALS_S = 6 * 3600, /* from LastUpdated to Expiration */
    ROLE_PERIOD_S = 5 * 3600,      /* until others are given */
};

#define ROLE_KEY_BYTES 32

struct role_view {
    const struct ec2_instance_row *instance;
    const struct ec2_profile_association_row *association; /* NULL: the instance has no profile */
    const struct iam_profile_row *profile;                 /* NULL: it was deleted */
    const struct iam_role_row *role;                       /* NULL: the profile is empty */
};

struct role_view role_look(struct txn *txn, const struct ec2_instance_row *instance);

/* The JSON of iam/info.  There must be an association. */
struct str role_info(struct arena *a, const struct role_view *view, int64_t now_ms);

/*
 * The JSON of iam/security-credentials/ROLE, which says AssumeRoleUnauthorizedAccess when the
 * role's trust policy does not let EC2 assume it.  There must be a role.  session_key is the
 * cloud's key "session"; role_key is a key for this alone.  *ret_secret is set when the text holds
 * a secret.
 */
struct str role_credentials(struct arena *a, const struct role_view *view,
                            const uint8_t session_key[SESSION_KEY_BYTES],
                            const uint8_t role_key[ROLE_KEY_BYTES], int64_t now_ms,
                            bool *ret_secret);
