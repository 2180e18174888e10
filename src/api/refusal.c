/*
 * What a refused caller is told: who, what, on which thing, and what kind of policy it lay with.
 * Which statement it was is for who may decode the message (EC2) or reads the log.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
#include "api/guard.h"
#include "api/wire.h"

#include "base/log.h"
#include "codec/aead.h"
#include "codec/json.h"

enum {
    ENCODED_MAX = 10240, /* what DecodeAuthorizationMessage takes */
    MESSAGE_MAX_BYTES = ENCODED_MAX / 4 * 3 - AEAD_NONCE_BYTES - AEAD_TAG_BYTES - 8,
};

/* ---- words ---- */

/* By enum policy_by: "because no X allows …", "with an explicit deny in Y". */
static const struct {
    const char *silent, *deny;
} words[] = {
    [POLICY_BY_NOBODY] = {"no identity-based policy", "an identity-based policy"},
    [POLICY_BY_ROOT] = {"no identity-based policy", "an identity-based policy"},
    [POLICY_BY_IDENTITY] = {"no identity-based policy", "an identity-based policy"},
    [POLICY_BY_RESOURCE] = {"no resource-based policy", "a resource-based policy"},
    [POLICY_BY_BOUNDARY] = {"no permissions boundary", "a permissions boundary"},
    [POLICY_BY_SESSION] = {"no session policy", "a session policy"},
    [POLICY_BY_SCP] = {"no service control policy", "a service control policy"},
};

/* " because no … allows the … action" or " with an explicit deny in …". */
static struct str
reason(struct api_call *call, const struct policy_request *asked,
       const struct policy_decision *decision, bool trust)
{
    const char *silent = words[decision->by].silent, *deny = words[decision->by].deny;

    assert(!decision->allowed);
    if (trust && decision->by == POLICY_BY_RESOURCE) {
        silent = "no role trust policy";
        deny = "the role trust policy";
    }
    return decision->explicit_deny ? str_fmt(call->arena, " with an explicit deny in %s", deny)
                                   : str_fmt(call->arena, " because %s allows the %.*s action",
                                             silent, STR_ARG(asked->action));
}

struct str
api_decided_by(struct arena *a, const struct policy_decision *decision)
{
    const struct policy_match *m = &decision->match;

    if (decision->by == POLICY_BY_ROOT)
        return S("being root");
    if (decision->by == POLICY_BY_NOBODY || !decision->policy)
        return str_from(words[decision->by].silent);
    return str_fmt(a, "statement %u%s%.*s%s of %s", m->statement + 1, m->sid.n ? " (" : "",
                   STR_ARG(m->sid), m->sid.n ? ")" : "", words[decision->by].deny);
}

struct str
api_policy_name(const struct api_caller *caller, const struct policy *policy)
{
    for (size_t i = 0; policy && i < caller->set.identity.n; i++)
        if (caller->set.identity.v[i] == policy)
            return caller->names.v[i];
    return S("");
}

/* ---- encoded messages ---- */

static void
items_open(struct json_out *o, struct str name)
{
    assert(name.n > 0);
    json_key(o, name);
    json_open(o, '{');
    json_key(o, S("items"));
    json_open(o, '[');
}

static void
items_close(struct json_out *o)
{
    json_close(o, ']');
    json_close(o, '}');
}

static void
matched(struct json_out *o, const struct policy_decision *decision)
{
    items_open(o, S("matchedStatements"));
    if (decision->explicit_deny) {
        json_open(o, '{');
        json_key(o, S("statementId"));
        json_str(o, decision->match.sid);
        json_key(o, S("effect"));
        json_str(o, S("DENY"));
        json_close(o, '}');
    }
    items_close(o);
    items_open(o, S("failures"));
    items_close(o);
}

static void
conditions(struct json_out *o, const struct policy_context *context)
{
    items_open(o, S("conditions"));
    for (size_t i = 0; i < context->n; i++) {
        json_open(o, '{');
        json_key(o, S("key"));
        json_str(o, context->v[i].name);
        items_open(o, S("values"));
        for (size_t k = 0; k < context->v[i].n; k++) {
            json_open(o, '{');
            json_key(o, S("value"));
            json_str(o, context->v[i].values[k]);
            json_close(o, '}');
        }
        items_close(o);
        json_close(o, '}');
    }
    items_close(o);
}

static void
message(struct buf *out, const struct policy_request *asked, const struct policy_decision *decision,
        const struct policy_context *context)
{
    struct json_out o = {.buf = out};

    json_open(&o, '{');
    json_key(&o, S("allowed"));
    json_bool(&o, false);
    json_key(&o, S("explicitDeny"));
    json_bool(&o, decision->explicit_deny);
    matched(&o, decision);
    json_key(&o, S("context"));
    json_open(&o, '{');
    json_key(&o, S("principal"));
    json_open(&o, '{');
    json_key(&o, S("id"));
    json_str(&o, asked->principal->id);
    json_key(&o, S("arn"));
    json_str(&o, asked->principal->arn);
    json_close(&o, '}');
    json_key(&o, S("action"));
    json_str(&o, asked->action);
    json_key(&o, S("resource"));
    json_str(&o, asked->resource);
    conditions(&o, context);
    json_close(&o, '}');
    json_close(&o, '}');
}

/* base64 whose two odd characters are fit for a URL, as AWS's messages have them. */
static struct str
url_form(struct arena *a, struct str base64, bool back)
{
    char *p = arena_dup(a, base64.p, base64.n);

    assert(str_ok(base64));
    for (size_t i = 0; i < base64.n; i++) {
        if (p[i] == (back ? '-' : '+'))
            p[i] = back ? '+' : '-';
        else if (p[i] == (back ? '_' : '/'))
            p[i] = back ? '/' : '_';
    }
    return str_of(p, base64.n);
}

/*
 * nonce | AES-256-GCM | tag, bound to the account: details of a refusal are for those of the
 * account whom a policy lets decode them.  Too many conditions are left out.
 */
static struct str
encoded(struct api_call *call, const struct policy_request *asked,
        const struct policy_decision *decision)
{
    static const struct policy_context none;
    struct buf plain;
    uint8_t nonce[AEAD_NONCE_BYTES], *sealed;

    buf_init(&plain, MESSAGE_MAX_BYTES);
    message(&plain, asked, decision, asked->context);
    if (buf_failed(&plain)) {
        buf_done(&plain);
        buf_init(&plain, MESSAGE_MAX_BYTES);
        message(&plain, asked, decision, &none);
    }
    size_t n = sizeof(nonce) + plain.n + AEAD_TAG_BYTES;

    call->env->random(call->env, nonce, sizeof(nonce));
    sealed = arena_alloc_raw(call->arena, n);
    memcpy(sealed, nonce, sizeof(nonce));
    aead_seal(call->guard->message_key, nonce, call->account, buf_str(&plain),
              sealed + sizeof(nonce));
    buf_done(&plain);
    struct str text = url_form(call->arena, str_base64(call->arena, str_of(sealed, n)), false);

    assert(text.n <= ENCODED_MAX);
    return text;
}

bool
api_authorization_message(struct api_call *call, struct str text, struct str *ret)
{
    struct str raw;

    assert(str_ok(text));
    if (!str_unbase64(call->arena, url_form(call->arena, text, true), &raw) ||
        raw.n < AEAD_NONCE_BYTES + AEAD_TAG_BYTES)
        return false;
    struct str sealed = str_cut(raw, AEAD_NONCE_BYTES, raw.n);
    uint8_t *plain = arena_alloc_raw(call->arena, sealed.n);

    if (!aead_open(call->guard->message_key, (const uint8_t *)raw.p, call->account, sealed, plain))
        return false;
    *ret = str_of(plain, sealed.n - AEAD_TAG_BYTES);
    return true;
}

/* ---- the fault ---- */

static const struct api_error errors[API_N_PROTOCOLS] = {
    [API_EC2] = {"UnauthorizedOperation", 403},  [API_QUERY] = {"AccessDenied", 403},
    [API_JSON] = {"AccessDeniedException", 400}, [API_REST_JSON] = {"AccessDeniedException", 403},
    [API_REST_XML] = {"AccessDenied", 403},      [API_CBOR] = {"AccessDeniedException", 400},
};

int
api_refusal(struct api_call *call, const struct policy_request *asked,
            const struct policy_decision *decision, bool resource_is_trust)
{
    enum api_protocol protocol = call->wire->protocol;
    struct str who = asked->principal->arn, on = STR_NONE;
    struct str why = reason(call, asked, decision, resource_is_trust);
    static const struct api_error named = {"AuthorizationError", 403};
    const struct api_error *error = &errors[protocol];

    assert(!decision->allowed);
    /* SNS has an error of its own for it */
    if (protocol == API_QUERY && api_error_find(call->service, S("AuthorizationError")))
        error = &named;
    if (asked->principal->kind == POLICY_ANONYMOUS && call->service->bare_errors)
        return api_fault(call, &errors[protocol], "Access Denied");
    /* EC2 does not speak of a resource where there is none */
    if (protocol != API_EC2 || !str_is(asked->resource, "*"))
        on = str_fmt(call->arena,
                     call->service->bare_errors ? " on resource: \"%.*s\"" : " on resource: %.*s",
                     STR_ARG(asked->resource));
    if (protocol != API_EC2)
        return api_fault(call, error,
                         "User: %.*s is not authorized to perform: %.*s%.*s%.*s", STR_ARG(who),
                         STR_ARG(asked->action), STR_ARG(on), STR_ARG(why));
    struct str code = encoded(call, asked, decision);

    return api_fault(call, &errors[protocol],
                     "You are not authorized to perform this operation. User: %.*s is not "
                     "authorized to perform: %.*s%.*s%.*s. Encoded authorization failure message: "
                     "%.*s",
                     STR_ARG(who), STR_ARG(asked->action), STR_ARG(on), STR_ARG(why),
                     STR_ARG(code));
}
