/*
 * The workload, the ledger of what was answered, and the invariants.
 */
#include "sim/sim.h"

#include "ec2/ec2.h"
#include "harness/world.h"

#include <stdio.h>
#include <stdlib.h>

#define LEDGER_MAX 2048
#define BATCH_MAX 3
#define CONVERGED_MS (10 * 60 * 1000)

enum kind { INSTANCES, GROUP, KEY };

/* A call that made something: one id, or the instances of one RunInstances. */
struct entry {
    enum kind kind;
    bool answered; /* durable: it must be there after any crash */
    bool ended;    /* deleted or terminated since: it may be gone */
    unsigned n;
    char ids[BATCH_MAX][32];
};

struct sim {
    struct world *w;
    uint64_t rng;
    struct sim_totals *totals;
    char *why;
    bool broken;
    unsigned n;
    struct entry ledger[LEDGER_MAX];
};

static void
broke(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
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

static struct entry *
enter(struct sim *s, enum kind kind)
{
    struct entry *e = &s->ledger[s->n++];

    *e = (struct entry){.kind = kind, .answered = !s->w->hold_disk};
    return e;
}

static void
enter_id(struct entry *e, struct str id)
{
    assert(e->n < BATCH_MAX && id.n < sizeof(e->ids[0]));
    memcpy(e->ids[e->n++], id.p, id.n);
}

static bool
is_there(struct txn *txn, const struct entry *e, unsigned i)
{
    struct str id = str_from(e->ids[i]);

    switch (e->kind) {
    case INSTANCES:
        return ec2_instance_get(txn, id) != NULL;
    case GROUP:
        return ec2_security_group_get(txn, id) != NULL;
    case KEY:
        return ec2_key_pair_get(txn, id) != NULL;
    }
    return false;
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
        if (there)
            s->ledger[kept++] = *e;
    }
    s->n = kept;
    store_rollback(txn);
}

static void
all_answered(struct sim *s)
{
    for (unsigned i = 0; i < s->n; i++)
        s->ledger[i].answered = true;
}

/* ---- the workload ---- */

static struct str
call(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
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

static void
run_instances(struct sim *s)
{
    unsigned n = 1 + draw(s, BATCH_MAX);
    struct entry *group = draw(s, 2) ? pick(s, GROUP) : NULL;
    struct str xml = call(s,
                          "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro"
                          "&MinCount=%u&MaxCount=%u&InstanceInitiatedShutdownBehavior=%s%s%s",
                          n, n, draw(s, 2) ? "stop" : "terminate",
                          group ? "&SecurityGroupId.1=" : "", group ? group->ids[0] : "");

    if (s->w->http != 200)
        return;
    struct entry *e = enter(s, INSTANCES);
    for (unsigned i = 0; i < n; i++)
        enter_id(e, xml_text_at(xml, "instanceId", i));
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
    const char *id = e->ids[draw(s, e->n)];
    call(s, "Action=%s&InstanceId.1=%s", actions[action], id);
    if (action == 5)
        e->ended = true;
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
    e->ended = e->ended || s->w->http == 200;
}

static void
make_key(struct sim *s)
{
    struct str xml = call(s, "Action=CreateKeyPair&KeyName=k%u-%u&KeyType=ed25519",
                          s->totals->step, draw(s, 1000000));

    if (s->w->http == 200)
        enter_id(enter(s, KEY), xml_text(xml, "keyPairId"));
}

static void
tag_something(struct sim *s)
{
    if (s->n) {
        struct entry *e = &s->ledger[draw(s, s->n)];

        call(s, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=step&Tag.1.Value=%u", e->ids[0],
             s->totals->step);
    }
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

static void
step(struct sim *s)
{
    static const struct {
        unsigned weight;
        void (*fn)(struct sim *s);
    } acts[] = {{20, run_instances}, {30, change_instance}, {6, make_group}, {8, change_group},
                {3, make_key},       {10, tag_something},   {6, guest_acts}, {5, crash},
                {6, disk_acts}};
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
