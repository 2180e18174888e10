/*
 * Resource Access Manager: things of one account that others may use.  Handlers are declared by the
 * generated header; here is what the service's files share.
 *
 * Nothing is given out here: the service that owns a thing looks at the rows (ram.tbl) and knows
 * what a consumer may do with it.
 */
#pragma once

#include "api/api.h"
#include "api/tags.h"
#include "gen/api/ram.h"
#include "gen/store/ram_rows.h"

extern const struct api_service_hooks ram_hooks;

enum {
    RAM_SHARES_MAX = 5000,   /* of an account in a Region */
    RAM_ENTITIES_MAX = 1000, /* of each kind in a share */
    RAM_TAGS_MAX = 50,
    RAM_DELETED_SHOWN_MS = 3600 * 1000,
};
#define RAM_INVITATION_MS (INT64_C(7) * 24 * 3600 * 1000)

#define RAM_ERRORS(X)                                                                              \
    X(IdempotentParameterMismatchException)                                                        \
    X(InvalidNextTokenException)                                                                   \
    X(InvalidParameterException)                                                                   \
    X(InvalidResourceTypeException)                                                                \
    X(MalformedArnException)                                                                       \
    X(OperationNotPermittedException)                                                              \
    X(ResourceShareInvitationAlreadyAcceptedException)                                             \
    X(ResourceShareInvitationAlreadyRejectedException)                                             \
    X(ResourceShareInvitationArnNotFoundException)                                                 \
    X(ResourceShareInvitationExpiredException)                                                     \
    X(ResourceShareLimitExceededException)                                                         \
    X(TagLimitExceededException)                                                                   \
    X(UnknownResourceException)

enum ram_error {
#define X(name) RAM_ERROR_##name,
    RAM_ERRORS(X)
#undef X
        RAM_N_ERRORS
};
extern const struct api_error ram_errors[RAM_N_ERRORS];
#define RAM_ERR(name) (ram_errors[RAM_ERROR_##name])

/* ---- ram.c ---- */

int
ram_page_open(struct api_call *call, struct str token, struct opt_i64 max, struct api_page *ret);
struct str ram_page_next(struct api_call *call, const struct api_page *page);
/* A key of pages: rows in the order of their making. */
struct str ram_page_key(struct api_call *call, int64_t created_ms, struct str id);
/* "The parameter NAME is not implemented by Welkin". */
int ram_unsupported(struct api_call *call, const char *member);

/* ---- share.c ---- */

/* An active share of the caller's.  Faults: MalformedArnException, UnknownResourceException. */
int ram_share_find(struct api_call *call, struct str arn, const struct ram_share_row **ret);
/* Whether the share is still shown. */
bool ram_share_visible(const struct api_call *call, const struct ram_share_row *row);

/* Those that the caller owns (SELF) or is a principal of (OTHER-ACCOUNTS), the oldest first. */
struct ram_shares {
    const struct ram_share_row **v;
    size_t n;
};
struct ram_shares ram_shares_of(struct api_call *call, struct str owner);
/* The same, but only those of the ARNs, if there are any.  UnknownResourceException. */
int ram_shares_named(struct api_call *call, struct str owner, const struct str_list *arns,
                     struct ram_shares *ret);
int ram_share_touch(struct api_call *call, const struct ram_share_row *row);

/* ---- holds.c: what is true of every row, as assertions ---- */

void ram_share_assert(const struct ram_share_row *row);
void ram_association_assert(const struct ram_association_row *row);
void ram_invitation_assert(const struct ram_invitation_row *row);

/* ---- association.c ---- */

const struct ram_association_row *
ram_association_find(struct api_call *call, struct str share, struct str entity);
bool ram_is_associated(struct api_call *call, struct str share, struct str entity);
int ram_association_set(struct api_call *call, const struct ram_share_row *share, const char *kind,
                        struct str entity, const char *status);
/* Adds things and accounts to the share; accounts get invitations. */
int ram_associate(struct api_call *call, const struct ram_share_row *share,
                  const struct str_list *resources, const struct str_list *principals);
/* The share ends: nobody is with it any more. */
int ram_associations_end(struct api_call *call, const struct ram_share_row *share);

/* ---- invitation.c ---- */

int ram_invite(struct api_call *call, const struct ram_share_row *share, struct str account);
/* Takes an invitation back that nobody has answered. */
int ram_uninvite(struct api_call *call, struct str share, struct str account);

/* ---- kind.c: what can be shared ---- */

struct ram_kind {
    const char *type;       /* "ec2:DedicatedHost" */
    const char *service;    /* of its ARN */
    const char *prefix;     /* of the ARN's last part */
    const char *permission; /* the name of AWS's permission for it */
    /* Whether the account has such a thing in the Region. */
    bool (*is)(struct api_call *call, struct str id);
};
extern const struct ram_kind ram_kinds[];
extern const size_t ram_n_kinds;

/* The kind of a thing by its ARN, NULL when it cannot be shared. */
const struct ram_kind *ram_kind_of(struct str arn);
/* A type by its name, whose case does not matter. */
const struct ram_kind *ram_kind_named(struct str type);
/* A thing of the caller's that may be shared. */
int ram_thing_check(struct api_call *call, struct str arn);
/* The ARN of AWS's permission for that kind. */
struct str ram_permission_arn(struct api_call *call, const struct ram_kind *kind);

/* ---- list.c ---- */

struct ram_Resource ram_resource_show(const struct ram_association_row *row);
