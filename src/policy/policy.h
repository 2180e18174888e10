/*
 * The policy engine: documents of the IAM policy language, and what they decide.  Pure: rows,
 * clocks and requests are the caller's; the same arguments give the same answer.
 *
 *   policy_parse()    a document, checked as IAM checks it, compiled into one immutable block
 *   policy_eval()     what one document says of a request
 *   policy_decide()   what a set of documents says together, in AWS's order of evaluation
 *
 * A decision costs ≤ 5 µs with 10 attached policies, so nothing is parsed while deciding: action
 * patterns are kept lower-case and split at the colon, policy variables are found at parsing.
 *
 * The language is that of version 2012-10-17 (variables are expanded) and 2008-10-17 (they are
 * literal text):
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* What kind of document it is decides which elements it must and must not have. */
enum policy_kind {
    POLICY_IDENTITY, /* Resource required, no Principal; also boundaries and session policies */
    POLICY_RESOURCE, /* Principal required; Resource required unless the service says otherwise */
    POLICY_TRUST,    /* of a role: Principal required, no Resource */
    POLICY_SCP,      /* of an organization: as identity */
    POLICY_MANAGED,  /* as identity; the version must be 2012-10-17 */
};

/* Statements, patterns and values of one document are bounded; the caller bounds text lower. */
enum { POLICY_STATEMENTS_MAX = 1000, POLICY_VALUES_MAX = 20000, POLICY_TEXT_MAX = 1 << 20 };

struct policy;

/*
 * Compiles a document into memory of its own (policy_free()).  0; 1: malformed, *ret_why is a
 * sentence in AWS's words ("Syntax errors in policy.", "Policy statement must contain
 * resources.", …) that lives in the arena; -ENOMEM.  *ret is written on success only.
 */
int policy_parse(struct policy **ret, struct str json, enum policy_kind kind, struct arena *a,
                 struct str *ret_why);
/* Takes NULL, answers NULL. */
struct policy *policy_free(struct policy *policy);
/* Bytes that it holds, for caches. */
size_t policy_bytes(const struct policy *policy);

/*
 * What the document names, as written, without repetition (keys are compared without case), in
 * its order; the lists live in the arena, the text in the policy.  Keys are those of conditions
 * and of variables: GetContextKeysFor…Policy.  Actions and resources: last accessed data.
 */
void policy_context_keys(const struct policy *policy, struct arena *a, struct str_list *ret);
void policy_actions(const struct policy *policy, struct arena *a, struct str_list *ret);
void policy_resources(const struct policy *policy, struct arena *a, struct str_list *ret);

/*
 * Whether a resource's policy gives something to everybody, as S3's Block Public Access and Secrets
 * Manager's BlockPublicPolicy mean it (public.c tells the rule).
 */
bool policy_is_public(const struct policy *policy, struct arena *a);

/* The principals that it names: {"AWS", "arn:aws:iam::123456789012:user/a"}, {"Service", …}; "*" is
 * {"AWS", "*"}.  For IAM, which looks whether they exist and keeps ids for them. */
struct policy_named {
    struct str type, text;
};

struct policy_named_list {
    struct policy_named *v;
    size_t n;
};

void policy_principals(const struct policy *policy, struct arena *a,
                       struct policy_named_list *ret);

/* A condition key with its values.  Names are compared without case; a tag's key behind the
 * slash (aws:RequestTag/CostCenter) too.  An absent key is one that is not in the context. */
struct policy_key {
    struct str name;
    const struct str *values;
    size_t n;
    bool multi; /* a multivalued key (aws:TagKeys): for ForAllValues/ForAnyValue and variables */
};

struct policy_context {
    struct policy_key *v;
    size_t n;
};

/* Who asks, in all the forms by which a Principal element can name it. */
enum policy_principal_kind {
    POLICY_ANONYMOUS,
    POLICY_ROOT,      /* arn:aws:iam::ACCOUNT:root */
    POLICY_USER,      /* arn:aws:iam::ACCOUNT:user/… */
    POLICY_SESSION,   /* an assumed role: arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME */
    POLICY_FEDERATED_USER, /* GetFederationToken: arn:aws:sts::ACCOUNT:federated-user/NAME */
    POLICY_WEB_IDENTITY,   /* before it has a role: the provider is `provider` */
    POLICY_SERVICE,   /* an AWS service: ec2.amazonaws.com in `service` */
};

struct policy_principal {
    enum policy_principal_kind kind;
    struct str account; /* 12 digits; empty of a service */
    struct str arn;     /* as GetCallerIdentity shows it; empty of a service */
    struct str id;      /* aws:userid: AIDA…, AROA…:NAME, the account of a root */
    /* Of a session: arn:aws:iam::ACCOUNT:role/PATH/NAME.  Of a federated user: the ARN of the user
     * who asked for it. */
    struct str role_arn;
    struct str unique_id; /* what a Principal that was saved as an ARN became: AIDA…, AROA… */
    struct str service, provider;
    struct str canonical_id; /* of the account, as S3 has it; may be absent */
};

struct policy_request {
    struct str action;   /* "ec2:RunInstances", in AWS's spelling; compared without case */
    struct str resource; /* an ARN, or "*" for actions without resources */
    const struct policy_principal *principal;
    const struct policy_context *context;
};

enum policy_effect { POLICY_SILENT, POLICY_ALLOW, POLICY_DENY };

/* Which statement spoke, for explanations.  `statement` counts from 0. */
struct policy_match {
    enum policy_effect effect;
    unsigned statement;
    struct str sid; /* may be empty; lives in the policy */
};

/* A Deny wins over every Allow of the document.  Principal elements are compared in resource and
 * trust policies. */
struct policy_match policy_eval(const struct policy *policy, const struct policy_request *req);

/*
 * How an Allow of a resource policy names the principal decides how far it reaches: one that names
 * the user or the session itself is not limited by boundary and session policies' silence, one
 * that names the account or role is.  policy_decide() follows
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
struct policy_list {
    const struct policy *const *v;
    size_t n;
};

struct policy_set {
    struct policy_list identity;    /* managed and inline, of the user and its groups or the role */
    const struct policy *boundary;  /* NULL: none */
    /* Ignored unless has_session: none given means no limit, except of a federated user, whose
     * session then has no permissions but those that resources give it. */
    struct policy_list session;
    bool has_session;
    const struct policy *resource;  /* NULL: the resource has none */
    /* Every level of the organization from the root down must allow; none: no organization. */
    const struct policy_list *scps;
    size_t n_scps;
    struct str resource_account;    /* who owns the resource; empty: the principal's account */
    /* The resource's policy is the only authority, and lets identity policies speak only where it
     * allows the account (KMS keys; roles' trust policies for sts:AssumeRole). */
    bool resource_rules;
};

/* Where the decision fell.  Of an implicit deny: who would have had to allow. */
enum policy_by {
    POLICY_BY_NOBODY,    /* no identity policy allows it */
    POLICY_BY_ROOT,      /* an account's root in its own account needs no policy */
    POLICY_BY_IDENTITY,
    POLICY_BY_RESOURCE,  /* allowed; denied; or the only authority, and did not allow */
    POLICY_BY_BOUNDARY,  /* denied, or did not allow */
    POLICY_BY_SESSION,
    POLICY_BY_SCP,
};

struct policy_decision {
    bool allowed;
    bool explicit_deny;
    enum policy_by by;
    const struct policy *policy; /* the document that decided, NULL when silence did */
    struct policy_match match;
};

struct policy_decision policy_decide(const struct policy_set *set,
                                     const struct policy_request *req);
