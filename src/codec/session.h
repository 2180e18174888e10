/*
 * Temporary credentials.  A session token is stateless: it is its own claim, sealed with
 * AES-256-GCM under the cloud's key "session" (store/keys.h) and bound to its access key id, so it
 * survives a restart, costs no memory, and one whose byte was changed is worth nothing.  The secret
 * key is derived from the access key id under the same cloud key.  Pure.
 *
 * Used by STS (all of its calls), by the metadata service (roles of instances) and by the API's
 * front, which opens what a signed request carries.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { SESSION_KEY_BYTES = 32, SESSION_TOKEN_MAX_BYTES = 8192 };

enum session_kind {
    SESSION_ROLE,      /* AssumeRole and its kin, roles of instances */
    SESSION_USER,      /* GetSessionToken of a user or root: the user's own permissions */
    SESSION_FEDERATED, /* GetFederationToken */
};

struct session {
    enum session_kind kind;
    struct str access_key;  /* ASIA… 20 characters */
    struct str account;
    struct str owner_id;    /* AROA… of the role, AIDA… of the user, the account of its root */
    struct str name;        /* RoleSessionName, federated name; the instance id for EC2 */
    int64_t issued_ms, expires_ms;
    struct str_list policies;     /* inline session policies: JSON texts */
    struct str_list policy_arns;  /* managed session policies */
    struct str_list tags;         /* k, v, k, v …: aws:PrincipalTag */
    struct str_list transitive;   /* keys of tags that go on in a chain */
    struct str source_identity;
    struct str provider;          /* of AssumeRoleWithWebIdentity / SAML, else empty */
    struct str instance_arn;      /* ec2:SourceInstanceARN, of an instance's role, else empty */
    bool chained;   /* got by a session: lasts at most an hour */
    bool mfa;       /* aws:MultiFactorAuthPresent */
    int64_t mfa_ms; /* when: aws:MultiFactorAuthAge */
};

/*
 * Access key ids in AWS's manner: four letters and 16 characters of A-Z2-7 that hold 10 bytes.
 * They tell the account: random bytes are marked with it before they become a key id, and
 * session_key_account() reads it back (absent: no key id), for GetAccessKeyInfo.
 */
void session_mark_account(uint8_t random[10], struct str account);
struct str session_key_account(struct arena *a, struct str access_key);
/* `prefix`: "AKIA", "ASIA" … In the arena. */
struct str session_key_chars(struct arena *a, const char *prefix, const uint8_t random[10]);
/* "ASIA" and those 16 characters. */
struct str session_access_key(struct arena *a, const uint8_t random[10]);
/* 40 characters. */
struct str session_secret(struct arena *a, const uint8_t key[SESSION_KEY_BYTES],
                          struct str access_key);
/* The token; `nonce` is random.  Absent when it would be longer than SESSION_TOKEN_MAX_BYTES. */
struct str session_seal(struct arena *a, const uint8_t key[SESSION_KEY_BYTES],
                        const uint8_t nonce[12], const struct session *session);
/* False unless the token is whole, ours, and sealed for this access key.  Expiry is not looked
 * at: the caller has the clock. */
bool session_open(struct arena *a, const uint8_t key[SESSION_KEY_BYTES], struct str access_key,
                  struct str token, struct session *ret);
