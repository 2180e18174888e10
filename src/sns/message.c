/*
 * Messages as subscribers get them: a JSON document that is printed as AWS prints it, and signed.
 * A signature does not say for whom a message is, so there is one for each text of it.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
#include "sns/sns.h"

#include "base/timefmt.h"
#include "codec/uri.h"

#define DOCUMENT_MAX ((size_t)2 << 20)

struct str
sns_message_body(const struct sns_message *m, struct str protocol)
{
    const struct json *own = m->bodies ? json_get_str(m->bodies, protocol) : NULL;

    assert(m->body.p);
    return own && own->kind == JSON_STRING ? own->text : m->body;
}

/* ---- signatures ---- */

/* What is signed: names and values on lines of their own, by name; absent ones are left out. */
static struct str
text_to_sign(struct arena *a, const struct str (*pairs)[2], size_t n)
{
    struct buf buf;

    buf_init(&buf, DOCUMENT_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!pairs[i][1].p)
            continue;
        buf_add_str(&buf, pairs[i][0]);
        buf_add_char(&buf, '\n');
        buf_add_str(&buf, pairs[i][1]);
        buf_add_char(&buf, '\n');
    }
    assert(!buf_failed(&buf));
    struct str text = str_dup(a, buf_str(&buf));

    buf_done(&buf);
    return text;
}

static int
version_of(const struct sns_topic_row *topic)
{
    return str_is(topic->signature_version, "2") ? 2 : 1;
}

/* Absent when it cannot be made: a message without is better than none. */
static struct str
sign(struct api_call *call, const struct sns_topic_row *topic, struct str text,
     struct str *ret_certificate)
{
    struct str signature = S("");

    *ret_certificate = S("");
    if (sns_sign(call, text, version_of(topic), &signature, ret_certificate) < 0)
        return S("");
    return signature;
}

static struct str
certificate_url(struct arena *a, const struct sns_topic_row *topic, struct str name)
{
    return str_fmt(a, "https://sns.%.*s.amazonaws.com/%.*s", STR_ARG(topic->region), STR_ARG(name));
}

static void
sign_message(struct api_call *call, struct sns_message *m, struct str body)
{
    const struct str pairs[][2] = {
        {S("Message"), body},          {S("MessageId"), m->id},
        {S("Subject"), m->subject},    {S("Timestamp"), time_iso(call->arena, m->at_ms)},
        {S("TopicArn"), m->topic->id}, {S("Type"), S("Notification")},
    };

    if (m->signature.p && str_eq(m->signed_body, body))
        return;
    m->signature =
        sign(call, m->topic, text_to_sign(call->arena, pairs, ARRAY_LEN(pairs)), &m->certificate);
    m->signed_body = body;
}

/* ---- documents ---- */

/* A member of AWS's document: `  "Name" : "text"`. */
static void
put(struct buf *buf, const char *name, struct str text, bool last)
{
    struct json_out o = {buf};

    if (!text.p)
        return;
    buf_add_fmt(buf, "  \"%s\" : ", name);
    json_str(&o, text);
    buf_add_str(buf, last ? S("\n") : S(",\n"));
}

static void
put_attributes(struct json_out *o, const struct sns_message *m)
{
    json_open(o, '{');
    LIST_EACH(&m->attributes, at) {
        json_key(o, at->name);
        json_open(o, '{');
        json_key_str(o, "Type", at->type);
        json_key_str(o, "Value", at->value);
        json_close(o, '}');
    }
    json_close(o, '}');
}

static struct str
end(struct arena *a, struct buf *buf)
{
    assert(!buf_failed(buf)); /* texts are bounded, and six bytes is the most for one */
    struct str text = str_dup(a, buf_str(buf));

    buf_done(buf);
    return text;
}

static struct str
link(struct arena *a, const struct sns_subscription_row *to, const char *action, const char *member,
     struct str value, struct str more)
{
    bool aws = str_starts(to->base_url, S("https://sns.")) &&
               str_find(to->base_url, S(".amazonaws.com/")) != SIZE_MAX;

    assert(to->base_url.n > 0);
    /* other names do not tell which service is asked */
    return str_fmt(a, "%.*s?Action=%s%s&%s=%.*s%.*s", STR_ARG(to->base_url), action,
                   aws ? "" : "&Version=2010-03-31", member, STR_ARG(value), STR_ARG(more));
}

struct str
sns_message_envelope(struct api_call *call, struct sns_message *m,
                     const struct sns_subscription_row *to)
{
    struct str body = sns_message_body(m, to->protocol);
    struct arena *a = call->arena;
    bool attributes = m->attributes.n > 0;
    struct buf buf;

    sign_message(call, m, body);
    buf_init(&buf, DOCUMENT_MAX);
    buf_add_lit(&buf, "{\n");
    put(&buf, "Type", S("Notification"), false);
    put(&buf, "MessageId", m->id, false);
    put(&buf, "SequenceNumber", m->sequence, false);
    put(&buf, "TopicArn", m->topic->id, false);
    put(&buf, "Subject", m->subject, false);
    put(&buf, "Message", body, false);
    put(&buf, "Timestamp", time_iso(a, m->at_ms), false);
    put(&buf, "SignatureVersion", version_of(m->topic) == 2 ? S("2") : S("1"), false);
    put(&buf, "Signature", m->signature, false);
    put(&buf, "SigningCertURL", certificate_url(a, m->topic, m->certificate), false);
    put(&buf, "UnsubscribeURL", link(a, to, "Unsubscribe", "SubscriptionArn", to->id, S("")),
        !attributes);
    if (attributes) {
        buf_add_lit(&buf, "  \"MessageAttributes\" : {\n");
        LIST_EACH(&m->attributes, at) {
            struct json_out o = {&buf};

            buf_add_lit(&buf, "    ");
            json_str(&o, at->name);
            buf_add_lit(&buf, " : {\"Type\":");
            o.comma = false;
            json_str(&o, at->type);
            buf_add_lit(&buf, ",\"Value\":");
            o.comma = false;
            json_str(&o, at->value);
            buf_add_str(&buf, at + 1 < m->attributes.v + m->attributes.n ? S("},\n") : S("}\n"));
        }
        buf_add_lit(&buf, "  }\n");
    }
    buf_add_char(&buf, '}');
    return end(a, &buf);
}

struct str
sns_message_event(struct api_call *call, struct sns_message *m,
                  const struct sns_subscription_row *to)
{
    struct str body = sns_message_body(m, to->protocol);
    struct arena *a = call->arena;
    struct buf buf;
    struct json_out o = {&buf};

    sign_message(call, m, body);
    buf_init(&buf, DOCUMENT_MAX);
    buf_add_lit(&buf, "{\"Records\":[");
    json_open(&o, '{');
    json_key_str(&o, "EventSource", S("aws:sns"));
    json_key_str(&o, "EventVersion", S("1.0"));
    json_key_str(&o, "EventSubscriptionArn", to->id);
    json_key(&o, S("Sns"));
    json_open(&o, '{');
    json_key_str(&o, "Type", S("Notification"));
    json_key_str(&o, "MessageId", m->id);
    json_key_str(&o, "TopicArn", m->topic->id);
    json_key(&o, S("Subject"));
    if (m->subject.p)
        json_str(&o, m->subject);
    else
        json_null(&o);
    json_key_str(&o, "Message", body);
    json_key_str(&o, "Timestamp", time_iso(a, m->at_ms));
    json_key_str(&o, "SignatureVersion", version_of(m->topic) == 2 ? S("2") : S("1"));
    json_key_str(&o, "Signature", m->signature);
    json_key_str(&o, "SigningCertUrl", certificate_url(a, m->topic, m->certificate));
    json_key_str(&o, "UnsubscribeUrl",
                 link(a, to, "Unsubscribe", "SubscriptionArn", to->id, S("")));
    json_key(&o, S("MessageAttributes"));
    put_attributes(&o, m);
    json_close(&o, '}');
    json_close(&o, '}');
    buf_add_lit(&buf, "]}");
    return end(a, &buf);
}

struct str
sns_message_confirm(struct api_call *call, const struct sns_topic_row *topic,
                    const struct sns_subscription_row *to, struct str id, bool leave)
{
    struct arena *a = call->arena;
    struct str more = str_fmt(a, "&Token=%.*s", STR_ARG(to->token));
    struct str url = link(a, to, "ConfirmSubscription", "TopicArn", topic->id, more);
    struct str type = leave ? S("UnsubscribeConfirmation") : S("SubscriptionConfirmation");
    struct str text =
        leave ? str_fmt(a,
                        "You have chosen to deactivate subscription %.*s.\nTo cancel this "
                        "operation and restore the subscription, visit the SubscribeURL included "
                        "in this message.",
                        STR_ARG(to->id))
              : str_fmt(a,
                        "You have chosen to subscribe to the topic %.*s.\nTo confirm the "
                        "subscription, visit the SubscribeURL included in this message.",
                        STR_ARG(topic->id));
    struct str time = time_iso(a, call->now_ms), certificate;
    const struct str pairs[][2] = {
        {S("Message"), text},   {S("MessageId"), id},    {S("SubscribeURL"), url},
        {S("Timestamp"), time}, {S("Token"), to->token}, {S("TopicArn"), topic->id},
        {S("Type"), type},
    };
    struct str signature =
        sign(call, topic, text_to_sign(a, pairs, ARRAY_LEN(pairs)), &certificate);
    struct buf buf;

    assert(to->token.n > 0);
    buf_init(&buf, DOCUMENT_MAX);
    buf_add_lit(&buf, "{\n");
    put(&buf, "Type", type, false);
    put(&buf, "MessageId", id, false);
    put(&buf, "Token", to->token, false);
    put(&buf, "TopicArn", topic->id, false);
    put(&buf, "Message", text, false);
    put(&buf, "SubscribeURL", url, false);
    put(&buf, "Timestamp", time, false);
    put(&buf, "SignatureVersion", version_of(topic) == 2 ? S("2") : S("1"), false);
    put(&buf, "Signature", signature, false);
    put(&buf, "SigningCertURL", certificate_url(a, topic, certificate), true);
    buf_add_char(&buf, '}');
    return end(a, &buf);
}
