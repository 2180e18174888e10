/*
 * The workload, the ledger of what was answered, and the invariants.
 */
#include "sim/sim.h"

#include "ec2/ec2.h"
#include "gen/store/kms_rows.h"
#include "gen/store/secretsmanager_rows.h"
#include "gen/store/ssm_rows.h"
#include "harness/world.h"

#include <stdio.h>
#include <stdlib.h>

#define LEDGER_MAX 2048
#define BATCH_MAX 3
#define MAYBE_MAX 8
#define NO_TAG (-1)
#define CONVERGED_MS (10 * 60 * 1000)
#define ID_BYTES 40
#define BLOB_BYTES 512
#define OWNER "000000000000"
#define REGION "us-east-1"
#define PLAIN_BASE64 "c2VhbGVk" /* "sealed" */

enum kind { INSTANCES, GROUP, KEY, PARAMETER, SECRET, CIPHER };

/* Something that was set: what it must be, or what it may be while that is not durable. */
struct fact {
    int64_t sure;
    unsigned n_maybe;
    int64_t maybe[MAYBE_MAX]; /* in the order in which they were set */
    bool any;                 /* more than fit */
};

/* A call that made something: one id, or the instances of one RunInstances. */
struct entry {
    enum kind kind;
    bool answered;                    /* durable: it must be there after any crash */
    bool ended;                       /* deleted or terminated since: it may be gone */
    bool ended_by_call, end_answered; /* and must be, once that is durable */
    bool stop_on_off;                 /* of RunInstances: InstanceInitiatedShutdownBehavior */
    unsigned token;                   /* of RunInstances; 0: none */
    uint64_t seq;                     /* the commit that made it */
    struct fact tag;                  /* of its first id: the value of `step` */
    struct fact check;                /* of its first id: SourceDestCheck */
    struct fact value;                /* of a parameter or secret */
    unsigned n;
    char ids[BATCH_MAX][ID_BYTES]; /* a parameter's and a secret's is its name */
    char blob[BLOB_BYTES];         /* of a key of KMS: what it encrypted first, in base64 */
};

struct sim {
    struct world *w;
    uint64_t rng;
    struct sim_totals *totals;
    char *why;
    bool broken;
    unsigned tokens; /* given out */
    unsigned n_lost;
    struct entry lost[8]; /* calls with a token that a crash undid: their clients try again */
    unsigned n;
    struct entry ledger[LEDGER_MAX];
};

static void broke(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void
broke(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (s->broken)
        return;
    s->broken = true;
    va_start(ap, fmt);
    vsnprintf(s->why, SIM_WHY_BYTES, fmt, ap);
    va_end(ap);
}

static unsigned
draw(struct sim *s, unsigned n)
{
    s->rng ^= s->rng << 13;
    s->rng ^= s->rng >> 7;
    s->rng ^= s->rng << 17;
    return (unsigned)(s->rng >> 33) % n;
}

/* ---- the ledger ---- */

static uint64_t
newest_seq(struct sim *s)
{
    return store_commit(world_begin(s->w));
}

static void
set_fact(struct sim *s, struct fact *f, int64_t value)
{
    if (!s->w->hold_disk)
        *f = (struct fact){.sure = value};
    else if (f->n_maybe < MAYBE_MAX)
        f->maybe[f->n_maybe++] = value;
    else
        f->any = true;
}

static void
fact_is_durable(struct fact *f, int64_t now)
{
    *f = (struct fact){.sure = now};
}

/* Whether it may be that; from now on it is. */
static bool
settle_fact(struct fact *f, int64_t now)
{
    bool good = f->any || now == f->sure;

    for (unsigned i = 0; i < f->n_maybe; i++)
        good = good || now == f->maybe[i];
    fact_is_durable(f, now);
    return good;
}

static struct entry *
enter(struct sim *s, enum kind kind)
{
    struct entry *e = &s->ledger[s->n++];

    *e = (struct entry){.kind = kind,
                        .answered = !s->w->hold_disk,
                        .seq = newest_seq(s),
                        .tag.sure = NO_TAG,
                        .check.sure = kind == INSTANCES};
    return e;
}

static void
enter_id(struct entry *e, struct str id)
{
    assert(e->n < BATCH_MAX && id.n < sizeof(e->ids[0]));
    memcpy(e->ids[e->n++], id.p, id.n);
}

/* Its tags when it is there, else NULL. */
static const struct str_list *
tags_of(struct txn *txn, const struct entry *e, unsigned i)
{
    struct str id = str_from(e->ids[i]);
    const struct ec2_instance_row *instance;
    const struct ec2_security_group_row *group;
    const struct ec2_key_pair_row *key;
    const struct ssm_parameter_row *parameter;
    const struct secret_row *secret;
    const struct kms_key_row *cipher;

    switch (e->kind) {
    case INSTANCES:
        instance = ec2_instance_get(txn, id);
        return instance ? &instance->tags : NULL;
    case GROUP:
        group = ec2_security_group_get(txn, id);
        return group ? &group->tags : NULL;
    case KEY:
        key = ec2_key_pair_get(txn, id);
        return key ? &key->tags : NULL;
    case PARAMETER:
        id = str_cat(test_arena(), S(OWNER "/" REGION), id);
        parameter = ssm_parameter_get(txn, id);
        return parameter ? &parameter->tags : NULL;
    case SECRET:
        secret = secret_by_name_get(txn, S(OWNER), S(REGION), id);
        return secret ? &secret->tags : NULL;
    case CIPHER:
        id = str_cat(test_arena(), S("arn:aws:kms:" REGION ":" OWNER ":key/"), id);
        cipher = kms_key_get(txn, id);
        return cipher ? &cipher->tags : NULL;
    }
    return NULL;
}

static bool
is_there(struct txn *txn, const struct entry *e, unsigned i)
{
    return tags_of(txn, e, i) != NULL;
}

static int64_t
step_of(const struct str_list *tags)
{
    int64_t step = NO_TAG;

    for (size_t i = 0; i + 1 < tags->n; i += 2)
        if (str_is(tags->v[i], "step") && !str_to_i64(tags->v[i + 1], &step))
            step = NO_TAG;
    return step;
}

static void
check_facts(struct sim *s, struct txn *txn, struct entry *e)
{
    const struct ec2_instance_row *row =
        e->kind == INSTANCES ? ec2_instance_get(txn, str_from(e->ids[0])) : NULL;
    int64_t step = step_of(tags_of(txn, e, 0)), sure = e->tag.sure;

    if (!settle_fact(&e->tag, step))
        broke(s, "%s has the tag step=%lld, and %lld was answered", e->ids[0], (long long)step,
              (long long)sure);
    if (row && !settle_fact(&e->check, row->source_dest_check))
        broke(s, "%s has sourceDestCheck=%d, and the opposite was answered", e->ids[0],
              row->source_dest_check);
}

/* What was answered as deleted or terminated does not come back. */
static void
check_ended(struct sim *s, struct txn *txn, struct entry *e)
{
    for (unsigned i = 0; i < e->n; i++) {
        const struct ec2_instance_row *row =
            e->kind == INSTANCES ? ec2_instance_get(txn, str_from(e->ids[i])) : NULL;

        if (!e->end_answered || !is_there(txn, e, i))
            continue;
        if (!row)
            broke(s, "%s was answered as deleted and is there", e->ids[i]);
        else if (row->state != EC2_SHUTTING_DOWN && row->state != EC2_TERMINATED)
            broke(s, "%s was answered as terminated and is in state %d", e->ids[i],
                  (int)row->state);
    }
}

static struct str json_call(struct sim *s, const char *service, const char *operation,
                            const char *fmt, ...) PRINTF_LIKE(4, 5);
static struct str
json_call(struct sim *s, const char *service, const char *operation, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str json = str_vfmt(test_arena(), fmt, ap);
    va_end(ap);
    s->totals->calls++;
    struct str reply = world_json(s->w, service, operation, json.p);
    if (s->w->http >= 500)
        broke(s, "HTTP %d for %s %.100s: %.*s", s->w->http, operation, json.p,
              (int)MIN(reply.n, 200), reply.p);
    return reply;
}

/* What was sealed opens, and is what was put last. */
static void
check_value(struct sim *s, struct entry *e)
{
    int64_t sure = e->value.sure, now = 0;
    struct str text;

    if (e->kind == PARAMETER)
        text = json_path(
            json_call(s, "ssm", "GetParameter", "{'Name':'%s','WithDecryption':true}", e->ids[0]),
            "Parameter.Value");
    else if (e->kind == SECRET)
        text = json_path(
            json_call(s, "secretsmanager", "GetSecretValue", "{'SecretId':'%s'}", e->ids[0]),
            "SecretString");
    else
        text = json_path(json_call(s, "kms", "Decrypt", "{'CiphertextBlob':'%s'}", e->blob),
                         "Plaintext");
    s->totals->opened++;
    if (e->kind == CIPHER) {
        if (!str_is(text, PLAIN_BASE64))
            broke(s, "HTTP %d for what the key %s encrypted", s->w->http, e->ids[0]);
    } else if (!str_to_i64(text, &now)) {
        broke(s, "HTTP %d for the value of %s", s->w->http, e->ids[0]);
    } else if (!settle_fact(&e->value, now)) {
        broke(s, "%s has the value %lld, and %lld was answered", e->ids[0], (long long)now,
              (long long)sure);
    }
}

static void
check_values(struct sim *s)
{
    for (unsigned i = 0; i < s->n && !s->broken; i++)
        if (s->ledger[i].kind >= PARAMETER && !s->ledger[i].ended)
            check_value(s, &s->ledger[i]);
}

/* After a crash: all that was answered, a beginning of the rest, nothing by half. */
static void
check_ledger(struct sim *s)
{
    struct txn *txn = world_begin(s->w);
    bool lost_one = false;
    unsigned kept = 0;

    for (unsigned i = 0; i < s->n; i++) {
        struct entry *e = &s->ledger[i];
        unsigned there = 0;

        for (unsigned k = 0; k < e->n; k++)
            there += is_there(txn, e, k);
        if (e->ended) {
            check_ended(s, txn, e);
            /* an end that was not durable may not have been */
            e->ended = there != e->n || e->end_answered || e->kind == INSTANCES;
            e->ended_by_call = e->end_answered;
            s->ledger[kept++] = *e;
            continue;
        }
        if (there != 0 && there != e->n)
            broke(s, "%u of the %u that one call made are there (%s)", there, e->n, e->ids[0]);
        if (e->answered && there == 0)
            broke(s, "%s was answered and is lost", e->ids[0]);
        if (there && lost_one)
            broke(s, "%s survived, and one that was made before it did not", e->ids[0]);
        lost_one = lost_one || (!there && !e->answered);
        e->answered = true;
        if (there && !s->broken)
            check_facts(s, txn, e);
        else if (e->token && s->n_lost < ARRAY_LEN(s->lost))
            s->lost[s->n_lost++] = *e;
        if (there)
            s->ledger[kept++] = *e;
    }
    s->n = kept;
    store_rollback(txn);
    check_values(s);
}

static void
all_answered(struct sim *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct entry *e = &s->ledger[i];

        e->answered = true;
        e->end_answered = e->end_answered || e->ended_by_call;
    }
    struct txn *txn = world_begin(s->w);
    for (unsigned i = 0; i < s->n; i++) {
        struct entry *e = &s->ledger[i];

        /* what is durable now is what is there now: the order of the sets does not matter */
        if (!e->ended && is_there(txn, e, 0))
            check_facts(s, txn, e);
    }
    store_rollback(txn);
    check_values(s);
}

static void
ended(struct sim *s, struct entry *e)
{
    e->ended = e->ended_by_call = true;
    e->end_answered = !s->w->hold_disk;
}

/* ---- the workload ---- */

static struct str call(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static struct str
call(struct sim *s, const char *fmt, ...)
{
    char form[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(form, sizeof(form), fmt, ap);
    va_end(ap);
    s->totals->calls++;
    struct str xml = world_call(s->w, form);
    if (s->w->http >= 500)
        broke(s, "HTTP %d for %.100s: %.*s", s->w->http, form, (int)MIN(xml.n, 200), xml.p);
    return xml;
}

/* A live entry of that kind, or NULL. */
static struct entry *
pick(struct sim *s, enum kind kind)
{
    unsigned start = s->n ? draw(s, s->n) : 0;

    for (unsigned i = 0; i < s->n; i++) {
        struct entry *e = &s->ledger[(start + i) % s->n];

        if (e->kind == kind && !e->ended)
            return e;
    }
    return NULL;
}

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=%u"          \
    "&MaxCount=%u&InstanceInitiatedShutdownBehavior=%s"

#define HIBERNATES                                                                                 \
    "&HibernationOptions.Configured=true&BlockDeviceMapping.1.DeviceName=/dev/xvda"                \
    "&BlockDeviceMapping.1.Ebs.Encrypted=true"
#define READY_MS (2 * 60 * 1000)

static void
run_instances(struct sim *s)
{
    unsigned n = 1 + draw(s, BATCH_MAX);
    struct entry *group = draw(s, 2) ? pick(s, GROUP) : NULL;
    struct str xml = call(s, RUN "%s%s%s", n, n, draw(s, 2) ? "stop" : "terminate",
                          group ? "&SecurityGroupId.1=" : "", group ? group->ids[0] : "",
                          draw(s, 3) ? "" : HIBERNATES);

    if (s->w->http != 200)
        return;
    struct entry *e = enter(s, INSTANCES);
    for (unsigned i = 0; i < n; i++)
        enter_id(e, xml_text_at(xml, "instanceId", i));
}

static struct str
run_with_token(struct sim *s, unsigned token, unsigned n, bool stop)
{
    return call(s, RUN "&ClientToken=token-%u", n, n, stop ? "stop" : "terminate", token);
}

static void
run_with_new_token(struct sim *s)
{
    unsigned n = 1 + draw(s, BATCH_MAX), token = ++s->tokens;
    bool stop = draw(s, 2);
    struct str xml = run_with_token(s, token, n, stop);

    if (s->w->http != 200)
        return;
    struct entry *e = enter(s, INSTANCES);
    e->token = token;
    e->stop_on_off = stop;
    for (unsigned i = 0; i < n; i++)
        enter_id(e, xml_text_at(xml, "instanceId", i));
}

/* The client has not read the answer and asks again: it gets the same instances. */
static void
retry(struct sim *s)
{
    struct entry *e = pick(s, INSTANCES);

    if (!e || !e->token)
        return;
    struct str xml = run_with_token(s, e->token, e->n, e->stop_on_off);
    s->totals->retries++;
    for (unsigned i = 0; i < e->n; i++)
        if (!str_is(xml_text_at(xml, "instanceId", i), e->ids[i]))
            broke(s, "token-%u made %s, and with it again HTTP %d %.100s", e->token, e->ids[i],
                  s->w->http, xml.p);
    if (xml_count(xml, "instanceId") != e->n)
        broke(s, "token-%u made %u instances, and with it again others", e->token, e->n);
}

/* Calls that a crash undid are made again, and made just once. */
static void
retry_lost(struct sim *s)
{
    for (unsigned k = 0; k < s->n_lost && s->n < LEDGER_MAX; k++) {
        const struct entry *old = &s->lost[k];
        struct str xml = run_with_token(s, old->token, old->n, old->stop_on_off);

        s->totals->retries++;
        if (s->w->http != 200 || xml_count(xml, "instanceId") != old->n) {
            broke(s, "token-%u was undone, and again it is HTTP %d", old->token, s->w->http);
            return;
        }
        struct entry *e = enter(s, INSTANCES);
        e->token = old->token;
        e->stop_on_off = old->stop_on_off;
        for (unsigned i = 0; i < old->n; i++)
            enter_id(e, xml_text_at(xml, "instanceId", i));
    }
    s->n_lost = 0;
}

static void
change_instance(struct sim *s)
{
    static const char *const actions[] = {"StopInstances", "StartInstances", "RebootInstances",
                                          "StopInstances", "StartInstances", "TerminateInstances"};
    unsigned action = draw(s, ARRAY_LEN(actions));
    struct entry *e = pick(s, INSTANCES);

    if (!e)
        return;
    if (action < 5) {
        call(s, "Action=%s&InstanceId.1=%s", actions[action], e->ids[draw(s, e->n)]);
        return;
    }
    /* all of a call at once, so that an entry is there or gone as a whole */
    call(s, "Action=TerminateInstances&InstanceId.1=%s%s%s%s%s", e->ids[0],
         e->n > 1 ? "&InstanceId.2=" : "", e->n > 1 ? e->ids[1] : "",
         e->n > 2 ? "&InstanceId.3=" : "", e->n > 2 ? e->ids[2] : "");
    if (s->w->http == 200)
        ended(s, e);
}

/* Those that were not launched for it, or do not run, refuse. */
static void
hibernate(struct sim *s)
{
    struct entry *e = pick(s, INSTANCES);

    if (!e)
        return;
    world_advance(s->w, READY_MS);
    call(s, "Action=StopInstances&Hibernate=true&InstanceId.1=%s", e->ids[draw(s, e->n)]);
}

static void
change_attribute(struct sim *s)
{
    struct entry *e = pick(s, INSTANCES);
    bool on = draw(s, 2);

    if (!e)
        return;
    call(s, "Action=ModifyInstanceAttribute&InstanceId=%s&SourceDestCheck.Value=%s", e->ids[0],
         on ? "true" : "false");
    if (s->w->http == 200)
        set_fact(s, &e->check, on);
}

static void
make_group(struct sim *s)
{
    struct str xml = call(s, "Action=CreateSecurityGroup&GroupName=g%u-%u&GroupDescription=sim",
                          s->totals->step, draw(s, 1000000));

    if (s->w->http == 200)
        enter_id(enter(s, GROUP), xml_text(xml, "groupId"));
}

static void
change_group(struct sim *s)
{
    struct entry *e = pick(s, GROUP);

    if (!e)
        return;
    if (draw(s, 3)) {
        call(s,
             "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=%u&ToPort=%u"
             "&CidrIp=10.0.0.0/8",
             e->ids[0], 1 + draw(s, 50), 100);
        return;
    }
    call(s, "Action=DeleteSecurityGroup&GroupId=%s", e->ids[0]);
    if (s->w->http == 200)
        ended(s, e);
}

static void
make_key(struct sim *s)
{
    struct str xml = call(s, "Action=CreateKeyPair&KeyName=k%u-%u&KeyType=ed25519", s->totals->step,
                          draw(s, 1000000));

    if (s->w->http == 200)
        enter_id(enter(s, KEY), xml_text(xml, "keyPairId"));
}

static void
tag_something(struct sim *s)
{
    struct entry *e = pick(s, draw(s, PARAMETER));

    if (e) {
        call(s, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=step&Tag.1.Value=%u", e->ids[0],
             s->totals->step);
        if (s->w->http == 200)
            set_fact(s, &e->tag, s->totals->step);
    }
}

static void
put_parameter(struct sim *s)
{
    struct entry *e = draw(s, 2) ? pick(s, PARAMETER) : NULL;
    int64_t value = s->totals->step;

    if (e) {
        json_call(s, "ssm", "PutParameter", "{'Name':'%s','Value':'%lld','Overwrite':true}",
                  e->ids[0], (long long)value);
        if (s->w->http == 200)
            set_fact(s, &e->value, value);
        return;
    }
    struct str name = str_fmt(test_arena(), "/sim/p%u-%u", s->totals->step, draw(s, 1000000));
    json_call(s, "ssm", "PutParameter", "{'Name':'%s','Value':'%lld','Type':'%s','Tier':'%s'}",
              name.p, (long long)value, draw(s, 2) ? "SecureString" : "String",
              draw(s, 4) ? "Standard" : "Advanced");
    if (s->w->http != 200)
        return;
    e = enter(s, PARAMETER);
    e->value.sure = value;
    enter_id(e, name);
}

#define TOKEN "'ClientRequestToken':'00000000-0000-4000-8000-%012u'"

static void
put_secret(struct sim *s)
{
    struct entry *e = draw(s, 2) ? pick(s, SECRET) : NULL;
    unsigned token = ++s->tokens;
    int64_t value = s->totals->step;

    if (e) {
        json_call(s, "secretsmanager", "PutSecretValue",
                  "{'SecretId':'%s','SecretString':'%lld'," TOKEN "}", e->ids[0], (long long)value,
                  token);
        if (s->w->http == 200)
            set_fact(s, &e->value, value);
        return;
    }
    struct str name = str_fmt(test_arena(), "sim/s%u-%u", s->totals->step, draw(s, 1000000));
    json_call(s, "secretsmanager", "CreateSecret", "{'Name':'%s','SecretString':'%lld'," TOKEN "}",
              name.p, (long long)value, token);
    if (s->w->http != 200)
        return;
    e = enter(s, SECRET);
    e->value.sure = value;
    enter_id(e, name);
}

static void
delete_configuration(struct sim *s)
{
    struct entry *e = pick(s, draw(s, 2) ? PARAMETER : SECRET);

    if (!e)
        return;
    if (e->kind == PARAMETER)
        json_call(s, "ssm", "DeleteParameter", "{'Name':'%s'}", e->ids[0]);
    else
        json_call(s, "secretsmanager", "DeleteSecret",
                  "{'SecretId':'%s','ForceDeleteWithoutRecovery':true}", e->ids[0]);
    if (s->w->http == 200)
        ended(s, e);
}

/* A new key and what it encrypts at once; or the key is rotated, and that must open still. */
static void
encrypt(struct sim *s)
{
    struct entry *e = draw(s, 2) ? pick(s, CIPHER) : NULL;

    if (e) {
        json_call(s, "kms", "RotateKeyOnDemand", "{'KeyId':'%s'}", e->ids[0]);
        return;
    }
    struct str id = json_path(json_call(s, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");

    if (s->w->http != 200)
        return;
    id = str_dup(test_arena(), id);
    e = enter(s, CIPHER);
    enter_id(e, id);
    struct str blob = json_path(
        json_call(s, "kms", "Encrypt", "{'KeyId':'%s','Plaintext':'" PLAIN_BASE64 "'}", e->ids[0]),
        "CiphertextBlob");

    if (s->w->http != 200 || blob.n >= sizeof(e->blob))
        broke(s, "HTTP %d for Encrypt under a new key", s->w->http);
    else
        memcpy(e->blob, blob.p, blob.n);
}

/* A guest does something by itself. */
static void
guest_acts(struct sim *s)
{
    static const enum host_exit kinds[] = {HOST_EXIT_POWEROFF, HOST_EXIT_REBOOT, HOST_EXIT_CRASHED};
    struct entry *e = pick(s, INSTANCES);
    enum host_exit kind = kinds[draw(s, ARRAY_LEN(kinds))];

    if (!e)
        return;
    struct str id = str_from(e->ids[draw(s, e->n)]);
    if (!host_sim_runs(s->w->sim, id))
        return;
    host_sim_exit(s->w->sim, id, kind);
    s->totals->exits++;
    /* It may be one that terminates by itself. */
    e->ended = true;
    world_settle(s->w);
}

/* ---- invariants ---- */

static void
check_instance(struct sim *s, struct txn *txn, const struct ec2_instance_row *row)
{
    const struct ec2_interface_row *nic = ec2_interface_get(txn, row->interface_id);
    bool gone = row->state == EC2_TERMINATED;

    if (row->state < EC2_PENDING || row->state > EC2_STOPPED)
        broke(s, "%.*s is in state %d", STR_ARG(row->id), (int)row->state);
    if (!gone && (!nic || !str_eq(nic->instance_id, row->id)))
        broke(s, "%.*s has no interface", STR_ARG(row->id));
    if (!gone && !ec2_volume_get(txn, row->root_volume_id))
        broke(s, "%.*s has no root volume", STR_ARG(row->id));
    if (gone && nic)
        broke(s, "%.*s is terminated and has its interface still", STR_ARG(row->id));
}

static void
check_rows(struct sim *s)
{
    struct txn *txn = world_begin(s->w);

    STORE_EACH(txn, ec2_instance_by_key, row)
        check_instance(s, txn, row);
    STORE_EACH(txn, ec2_interface_by_key, nic) {
        if (nic->instance_id.n && !ec2_instance_get(txn, nic->instance_id))
            broke(s, "%.*s is of an instance that is not there", STR_ARG(nic->id));
    }
    STORE_EACH(txn, ec2_sg_rule_by_key, rule) {
        if (!ec2_security_group_get(txn, rule->group_id))
            broke(s, "%.*s is of a group that is not there", STR_ARG(rule->id));
    }
    store_rollback(txn);
}

/* Left alone, everything comes to rest, and what runs is what shall run. */
static void
check_converged(struct sim *s)
{
    world_advance(s->w, CONVERGED_MS);
    struct txn *txn = world_begin(s->w);
    size_t running = 0;

    STORE_EACH(txn, ec2_instance_by_key, row) {
        bool runs = host_sim_runs(s->w->sim, row->id);

        running += runs;
        if (row->state != EC2_RUNNING && row->state != EC2_STOPPED && row->state != EC2_TERMINATED)
            broke(s, "%.*s stays in state %d", STR_ARG(row->id), (int)row->state);
        bool frozen = host_sim_frozen(s->w->sim, row->id);

        if (frozen != (row->state == EC2_STOPPED && row->hibernated))
            broke(s, "%.*s is in state %d, and frozen or not", STR_ARG(row->id), (int)row->state);
        if (runs != (row->state == EC2_RUNNING))
            broke(s, "%.*s is in state %d and its machine %s", STR_ARG(row->id), (int)row->state,
                  runs ? "runs" : "does not run");
    }
    if (running != host_sim_running(s->w->sim))
        broke(s, "machines run that no instance asks for");
    store_rollback(txn);
}

/* ---- a run ---- */

static void
crash(struct sim *s)
{
    unsigned how = draw(s, 4);

    if (how == 0) {
        s->totals->power_losses++;
        world_power_loss(s->w);
    } else {
        s->totals->crashes++;
        world_crash(s->w);
    }
    world_hold_disk(s->w, false);
    check_ledger(s);
    retry_lost(s);
}

static void
disk_acts(struct sim *s)
{
    if (s->w->hold_disk) {
        world_hold_disk(s->w, false);
        all_answered(s);
    } else {
        world_hold_disk(s->w, true);
    }
}

/* What the failing disk took before it failed was answered. */
static void
answered_so_far(struct sim *s)
{
    uint64_t durable = store_durable_seq(cloud_store(s->w->cloud));

    for (unsigned i = 0; i < s->n; i++)
        s->ledger[i].answered = s->ledger[i].answered || s->ledger[i].seq <= durable;
}

/*
 * The disk is full or breaks in the middle of a few calls.  The store says that it failed, answers
 * nothing any more, and the daemon ends; it starts again when somebody has made room.
 */
static void
disk_fails(struct sim *s)
{
    static void (*const acts[])(struct sim * s) = {
        run_instances,   run_with_new_token, make_group,    tag_something,
        change_instance, change_attribute,   put_parameter, put_secret};
    struct store *store = cloud_store(s->w->cloud);

    if (s->w->hold_disk || s->n + 4 > LEDGER_MAX)
        return;
    world_hold_disk(s->w, true);
    disk_fake_fail_after(&s->w->disk, 1 + draw(s, 24), draw(s, 2) ? ENOSPC : EIO, draw(s, 2));
    for (unsigned i = 0; i < 4; i++)
        acts[draw(s, ARRAY_LEN(acts))](s);
    int r = store_flush(store);
    disk_fake_fail_after(&s->w->disk, 0, 0, false);
    if (r == 0 && !store_failed(store)) {
        world_hold_disk(s->w, false);
        all_answered(s);
        return;
    }
    if (r == 0 || !store_failed(store))
        broke(s, "the store failed and does not say so (%d)", r);
    /* whatever is done now must not become durable */
    uint64_t durable = store_durable_seq(store);
    make_group(s);
    if (store_flush(store) == 0 || store_durable_seq(store) != durable)
        broke(s, "a store that has failed goes on");
    answered_so_far(s);
    s->totals->disk_faults++;
    crash(s);
}

static void
step(struct sim *s)
{
    static const struct {
        unsigned weight;
        void (*fn)(struct sim *s);
    } acts[] = {{14, run_instances},
                {8, run_with_new_token},
                {30, change_instance},
                {10, hibernate},
                {6, make_group},
                {8, change_group},
                {3, make_key},
                {10, tag_something},
                {8, change_attribute},
                {10, put_parameter},
                {8, put_secret},
                {3, delete_configuration},
                {5, encrypt},
                {4, retry},
                {6, guest_acts},
                {5, crash},
                {6, disk_acts},
                {2, disk_fails}};
    unsigned total = 0, at, i = 0;

    for (size_t k = 0; k < ARRAY_LEN(acts); k++)
        total += acts[k].weight;
    for (at = draw(s, total); at >= acts[i].weight; i++)
        at -= acts[i].weight;
    if (s->n < LEDGER_MAX)
        acts[i].fn(s);
    if (draw(s, 3) == 0)
        world_advance(s->w, draw(s, 200));
    check_rows(s);
}

bool
sim_run(uint64_t seed, unsigned steps, struct sim_totals *totals, char why[SIM_WHY_BYTES])
{
    struct sim *s = calloc(1, sizeof(*s));

    assert(s);
    s->w = world_new_seed(seed);
    s->rng = seed * 0x9e3779b97f4a7c15u + 1;
    s->totals = totals;
    s->why = why;
    for (totals->step = 1; totals->step <= steps && !s->broken; totals->step++)
        step(s);
    if (!s->broken) {
        world_hold_disk(s->w, false);
        check_converged(s);
        check_rows(s);
    }
    bool ok = !s->broken;
    if (ok)
        world_free(s->w);
    free(s);
    return ok;
}
