/*
 * What sandbox_driver.c (machines) and sandbox_network.c (networks) share.
 */
#pragma once

#include "base/map.h"
#include "host/sandbox_driver.h"

/* A VPC that was opened. */
struct sandbox_vpc {
    struct host_sandbox *s;
    int64_t number;
    struct priv_cidr cidrs[PRIV_CIDRS_MAX];
    uint32_t n_cidrs;
    uint32_t n_told; /* of them */
    bool plain; /* asked for again, without the API's listeners */
    bool open;  /* it was answered */
    bool gone;  /* its row is */
    uint8_t id_n;
    char id[30];
    struct map groups;  /* sent to this VPC: by group id, struct sent */
    struct map classes; /* by their number as text */
    struct map subnets; /* sent: by subnet id, struct sent_subnet */
};

struct host_sandbox {
    struct host_sandbox_config config;
    struct host_driver driver;
    struct host_events events;
    struct priv_conn *conn; /* requests and events, watched by the loop */
    struct priv_conn *asks; /* questions that are waited for: no event can come in between */
    struct loop_fd source;
    struct loop_task flush;
    struct loop_task look;
    struct map vpcs;         /* by id */
    struct map dirty_groups; /* by group id, struct sent: rules changed */
    struct map dirty_nics;   /* by interface id, struct sent */
    struct map dirty_machines; /* by instance id, struct sent: interfaces came or went */
    struct map dirty_peerings; /* by id, struct sent */
    struct map dirty_edges;  /* by id of a VPC, route table or network ACL, struct sent */
    struct map left_publics; /* by "VPC ADDRESS", struct sent: an interface has it no more */
    char boot_id[40];
    void (*on_console)(void *ctx, const struct priv_ev_console *ev, struct str bytes);
    void *console_ctx;
};

/* Sends a request at the end of this turn; fn may be NULL, or sandbox_logged with what it is. */
int sandbox_ask(struct host_sandbox *s, enum priv_op op, const void *req, size_t n, struct str tail,
                priv_reply_fn *fn, const void *arg);
/* A failure of what nobody waits for; arg: "the rules of a group". */
void sandbox_logged(void *arg, struct priv_message *m);

/* ---- sandbox_network.c ---- */

/* The VPC, which is opened when it is not yet; NULL when its row is not whole. */
struct sandbox_vpc *sandbox_vpc_open(struct host_sandbox *s, const struct ec2_vpc_row *row);
/*
 * What must have been told before a machine of that interface is launched in the VPC; answers the
 * class of its groups (0: none).
 */
uint32_t sandbox_network_ready(struct host_sandbox *s, struct sandbox_vpc *vpc, struct txn *txn,
                               const struct ec2_interface_row *nic);
/*
 * Tells of all interfaces of an instance, and of the public addresses that they have: at a launch
 * that has more than LAUNCH says, and when they change.
 */
void sandbox_machine_network(struct host_sandbox *s, struct sandbox_vpc *vpc, struct txn *txn,
                             struct str instance_id);
/* Whether a launch of the instance has more to tell than LAUNCH does. */
bool sandbox_has_more(const struct ec2_instance_row *row, const struct ec2_interface_row *primary);
/* The same as sandbox_machine_network(), at the end of this turn. */
void sandbox_machine_dirty(struct host_sandbox *s, struct str instance_id);
/* No private address: the translation goes. */
void sandbox_public_ip(struct host_sandbox *s, const struct sandbox_vpc *vpc, struct str public,
                       struct str private);
/* Follows rows from now on, and opens the networks of all that is alive. */
void sandbox_network_attach(struct host_sandbox *s);
void sandbox_network_init(struct host_sandbox *s);
void sandbox_network_done(struct host_sandbox *s);
