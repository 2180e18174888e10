/*
 * The states of an instance.
 *
 *                 RunInstances                      StartInstances
 *                      │                    ┌──────────────────────────────┐
 *                      ▼                    ▼                              │
 *                   pending ──up──▶ running ──▶ stopping ──▶ stopped ──────┘
 *                   │     │             │           │           │
 *     boot failed   │     └─────────────┴─────┬─────┘           │ TerminateInstances
 *     (first time)  │                         ▼                 │
 *                   └────▶ terminated ◀── shutting-down         │
 *                               ▲───────────────────────────────┘
 *
 * Beside what the EC2 manual draws: a start of a stopped instance that fails goes from pending
 * back to stopped, and one that is pending again can be stopped.
 */
#include "ec2/capacity.h"
#include "ec2/volume.h"

#include "base/timefmt.h"
#include "ec2/row_ok.h"

static const struct sm_state states[] = {
    [EC2_PENDING] = {"pending", 0,
                     SM_TO(EC2_RUNNING) | SM_TO(EC2_STOPPING) | SM_TO(EC2_STOPPED) |
                         SM_TO(EC2_SHUTTING_DOWN) | SM_TO(EC2_TERMINATED)},
    [EC2_RUNNING] = {"running", 16, SM_TO(EC2_STOPPING) | SM_TO(EC2_SHUTTING_DOWN)},
    [EC2_SHUTTING_DOWN] = {"shutting-down", 32, SM_TO(EC2_TERMINATED)},
    [EC2_TERMINATED] = {"terminated", 48, SM_FINAL},
    [EC2_STOPPING] = {"stopping", 64, SM_TO(EC2_STOPPED) | SM_TO(EC2_SHUTTING_DOWN)},
    [EC2_STOPPED] = {"stopped", 80, SM_TO(EC2_PENDING) | SM_TO(EC2_TERMINATED)},
};

const struct sm ec2_instance_sm = {"instance", states, ARRAY_LEN(states)};

static struct str
user_initiated(struct arena *arena, int64_t now_ms)
{
    struct civil t = time_civil(now_ms);

    return str_fmt(arena, "User initiated (%04d-%02d-%02d %02d:%02d:%02d GMT)", t.year, t.month,
                   t.day, t.hour, t.minute, t.second);
}

struct ec2_instance_why
ec2_instance_why_user(struct arena *arena, int64_t now_ms)
{
    return (struct ec2_instance_why){
        .code = S("Client.UserInitiatedShutdown"),
        .message = S("Client.UserInitiatedShutdown: User initiated shutdown"),
        .transition = user_initiated(arena, now_ms),
    };
}

struct ec2_instance_why
ec2_instance_why_hibernate(struct arena *arena, int64_t now_ms)
{
    return (struct ec2_instance_why){
        .code = S("Client.UserInitiatedHibernate"),
        .message = S("Client.UserInitiatedHibernate: User initiated hibernate"),
        .transition = user_initiated(arena, now_ms),
    };
}

struct ec2_instance_why
ec2_instance_why_forgot(struct arena *arena, struct str sentence)
{
    if (!sentence.n)
        sentence = S("The machine ended unexpectedly");
    return (struct ec2_instance_why){
        .code = S("Server.InternalError"),
        .message = str_fmt(arena,
                           "Server.InternalError: The memory of the hibernated instance is lost. "
                           "%.*s",
                           STR_ARG(sentence)),
        .transition = S("Server.InternalError"),
    };
}

struct ec2_instance_why
ec2_instance_why_launch(struct str code)
{
    static const struct {
        const char *code, *message;
    } errors[] = {
        {INSTANCE_NO_KEY, INSTANCE_NO_KEY ": Client error on launch"},
        {INSTANCE_NO_STORAGE, INSTANCE_NO_STORAGE ": Volume limit exceeded"},
    };

    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if (str_is(code, errors[i].code))
            return (struct ec2_instance_why){code, str_from(errors[i].message), code};
    assert(!"a launch error of the table");
    return INSTANCE_WHY_NONE;
}

struct ec2_instance_why
ec2_instance_why_guest(void)
{
    return (struct ec2_instance_why){
        .code = S("Client.InstanceInitiatedShutdown"),
        .message = S("Client.InstanceInitiatedShutdown: Instance initiated shutdown"),
        .transition = S(""),
    };
}

struct ec2_instance_why
ec2_instance_why_host(struct arena *arena, struct str sentence)
{
    if (!sentence.n)
        sentence = S("Internal error on launch");
    return (struct ec2_instance_why){
        .code = S("Server.InternalError"),
        .message = str_fmt(arena, "Server.InternalError: %.*s", STR_ARG(sentence)),
        .transition = S("Server.InternalError"),
    };
}

/* The cloud's own address was the caller's only while the instance ran; an Elastic IP stays. */
static int
release_public_address(struct txn *txn, struct ec2_instance_row *row)
{
    const struct ec2_interface_row *interface = ec2_interface_get(txn, row->interface_id);

    assert(!interface || str_eq(interface->instance_id, row->id));
    if (interface && interface->address_id.n)
        return 0;
    row->public_ip = S("");
    return interface ? ec2_interface_drop_public(txn, interface) : 0;
}

static int
release_all(struct txn *txn, struct ec2_instance_row *row)
{
    int r = ec2_interfaces_release(txn, row->id);

    assert(row->state != EC2_TERMINATED);
    if (r == 0)
        r = ec2_volumes_release(txn, row->id);
    if (r == 0)
        r = ec2_profile_release(txn, row->id);
    if (r == 0)
        r = ec2_event_window_forget(txn, row);
    if (r)
        return r;
    row->vpc_id = row->subnet_id = row->interface_id = S("");
    row->private_ip = row->public_ip = row->root_volume_id = S("");
    row->more_interfaces = 0;
    return 0;
}

int
ec2_instance_move(struct txn *txn, struct ec2_instance_row *row, enum ec2_instance_state to,
                  int64_t now_ms, struct ec2_instance_why why)
{
    int r = 0;

    assert(row->state >= 0 && row->state < (int64_t)ARRAY_LEN(states));
    if (!sm_allows(&ec2_instance_sm, (unsigned)row->state, to))
        return error_origin(EPROTO, "instance %.*s must not go from %s to %s", STR_ARG(row->id),
                            states[row->state].name, states[to].name);
    if (to == EC2_STOPPING || to == EC2_STOPPED)
        r = release_public_address(txn, row);
    /* A stopped instance is on no host: what was to happen to it there does not. */
    if (r == 0 && (to == EC2_STOPPED || to == EC2_TERMINATED))
        r = ec2_events_end(txn, row->id, NULL, now_ms);
    if (r)
        return r;
    if (to == EC2_TERMINATED) {
        r = release_all(txn, row);
        row->terminated_ms = now_ms;
    }
    if (r == 0 && ec2_vcpus_count(row) && to != EC2_RUNNING)
        r = ec2_vcpus_give_back(txn, row);
    if (r == 0 && (to == EC2_STOPPED || to == EC2_TERMINATED))
        r = ec2_capacity_give_back(txn, row);
    if (r == 0 && to == EC2_STOPPED)
        r = ec2_volumes_forget_keys(txn, row->id);
    if (r)
        return r;
    if (to == EC2_STOPPED || to == EC2_TERMINATED) {
        row->left_host = row->host;
        row->host = S("");
    }
    /* without affinity the next start may be on another Dedicated Host */
    if (to == EC2_STOPPED && !str_is(row->affinity, "host"))
        row->host_id = S("");
    row->state = to;
    row->state_since_ms = now_ms;
    row->reason_code = why.code;
    row->reason_message = why.message;
    row->transition_reason = why.transition;
    assert(ec2_instance_ok(row));
    r = ec2_instance_update(txn, row);
    return r < 0 ? r : ec2_notify_instance(txn, row, now_ms);
}
