/*
 * The instance metadata service, what lies behind http://169.254.169.254 inside an instance.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
 *
 * Pure but for the rows it reads: a request and who sent it go in, a reply comes out.  The
 * sockets are guestnet.c's business.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "codec/http.h"
#include "codec/identity.h"
#include "gen/store/ec2_rows.h"
#include "guestnet/role.h"

#define IMDS_KEY_BYTES 32

/* What the service makes things with that others must not be able to make. */
struct imds_keys {
    uint8_t token[IMDS_KEY_BYTES];      /* tokens of the service itself */
    uint8_t session[SESSION_KEY_BYTES]; /* credentials: the cloud's key "session" */
    uint8_t role[ROLE_KEY_BYTES];       /* which credentials */
    struct identity *identity;          /* signatures of the identity document */
};

struct imds_request {
    enum http_method method;
    struct str path;          /* raw, as sent */
    struct str token;         /* X-aws-ec2-metadata-token; p NULL when absent */
    struct str ttl;           /* X-aws-ec2-metadata-token-ttl-seconds; p NULL when absent */
    bool forwarded;           /* X-Forwarded-For is there */
};

struct imds_reply {
    unsigned status;
    struct str content_type;
    struct str body;
    int64_t ttl_s;            /* of the token given or used; 0: no such header */
    bool is_token;            /* its packets must not live longer than the hop limit */
    bool secret;              /* it holds credentials: wipe the arena once it was sent */
};

/*
 * Answers a request of the instance.  Everything in the reply lives in the arena or in rows of
 * the transaction.
 */
struct imds_reply imds_answer(struct txn *txn, struct arena *arena,
                              const struct ec2_instance_row *instance,
                              const struct imds_keys *keys, int64_t now_ms,
                              const uint8_t nonce[8], const struct imds_request *req);
