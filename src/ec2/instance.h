/*
 * What the files of instances share: the state machine, the reply's form of a row, and checks
 * that launching and modifying have in common.
 *
 *   instance_sm.c         states, and the one function that moves an instance
 *   instance_reconcile.c  follows the host and the clock
 *   instance_run.c        RunInstances; instance_check.c reads its parameters, instance_network.c
 *                         those of its interfaces
 *   instance_place.c      Placement of launches and starts: zones, groups, what lacks
 *   instance_token.c      client tokens
 *   instance_slot.c       ranges of user ids
 *   instance_show.c       a row as the API shows it
 *   instance.c            finding, DescribeInstances
 *   instance_credit.c     the credit option of burstable instances
 *   instance_event.c      scheduled events; instance_upkeep.c carries them out
 *   instance_status.c     DescribeInstanceStatus, …CreditSpecifications, GetConsoleOutput
 *   instance_monitoring.c MonitorInstances, UnmonitorInstances
 *   instance_power.c      Start, Stop, Reboot, Terminate
 *   instance_hibernate.c  whether an instance can be hibernated
 *   instance_profile.c    instance profiles and their associations
 *   instance_fit.c        what an instance asks of its type
 *   instance_attribute.c  Describe, Modify, Reset of attributes; instance_options.c metadata's
 */
#pragma once

#include "base/sm.h"
#include "ec2/ec2.h"
#include "ec2/volume.h"
#include "gen/store/iam_rows.h"

enum {
    /* A page ends after so many rows that were looked at; a reply that was built counts for more.
     * It is what bounds the time of a page whose filters nearly nothing passes. */
    INSTANCE_WALK_WORK_MAX = 10000,
    INSTANCE_WALK_REPLY_WORK = 9,
    INSTANCE_USER_DATA_BYTES_MAX = 16384, /* decoded */
    INSTANCE_RUN_MAX = 1000,              /* of one RunInstances */
    INSTANCE_HOP_LIMIT_MAX = 64,
    /* A terminated instance is shown this long. */
    INSTANCE_TERMINATED_SHOWN_MS = 3600 * 1000,
    /* A guest that was not heard passes its status check after this long. */
    INSTANCE_INITIALIZING_MS = 60 * 1000,
};

/* ---- instance_sm.c ---- */

extern const struct sm ec2_instance_sm; /* by enum ec2_instance_state; codes are EC2's */

/* Why an instance is in its state: StateReason and StateTransitionReason. */
struct ec2_instance_why {
    struct str code, message, transition;
};
#define INSTANCE_WHY_NONE ((struct ec2_instance_why){0})
#define INSTANCE_WHY_PENDING ((struct ec2_instance_why){S("pending"), S("pending"), S("")})
/* "User initiated (2026-11-21 01:30:00 GMT)"; the text lives in the arena. */
struct ec2_instance_why ec2_instance_why_user(struct arena *arena, int64_t now_ms);
/* The guest shut itself down. */
struct ec2_instance_why ec2_instance_why_guest(void);
/* The host could not boot it or lost it; `sentence` may be empty. */
struct ec2_instance_why ec2_instance_why_host(struct arena *arena, struct str sentence);

/* The caller hibernates it. */
struct ec2_instance_why ec2_instance_why_hibernate(struct arena *arena, int64_t now_ms);
/* What a hibernated instance had in memory is gone; `sentence` says how. */
struct ec2_instance_why ec2_instance_why_forgot(struct arena *arena, struct str sentence);
/* The one that a launch_error of ec2.h stands for. */
struct ec2_instance_why ec2_instance_why_launch(struct str code);

/*
 * Moves an instance to another state: the only way there is.  Checks the move, stamps it, does
 * what belongs to the new state (a stopped instance has no public address; a terminated one has
 * no interfaces and volumes) and writes the row with all other changes that *row carries.
 * 0, or negative: -EPROTO when the state must not follow, or the store's errors.
 */
int ec2_instance_move(struct txn *txn, struct ec2_instance_row *row, enum ec2_instance_state to,
                      int64_t now_ms, struct ec2_instance_why why) MUST_USE;

/* ---- instance_slot.c ---- */

/* Takes the lowest free of `max` ranges of user ids; -ENOSPC, not logged: all are taken. */
int ec2_slot_take(struct txn *txn, struct str instance_id, int64_t max, int64_t *ret) MUST_USE;
int ec2_slot_give_back(struct txn *txn, int64_t slot) MUST_USE;

/* ---- instance_hibernate.c ---- */

struct ec2_launch;

#define INSTANCE_HIBERNATED_MS_MAX (INT64_C(60) * 24 * 3600 * 1000)

/*
 * Whether what is launched can be hibernated: type, image, boot mode, root volume, enclaves.
 * Fault: UnsupportedHibernationConfiguration.
 */
int ec2_hibernation_check(struct api_call *call, const struct ec2_launch *launch);
/* Whether it can be hibernated now.  Faults: UnsupportedHibernationConfiguration,
 * UnsupportedOperation. */
int ec2_hibernate_check(struct api_call *call, const struct ec2_instance_row *row);

/* ---- instance_token.c ---- */

/* SHA-256 in hexadecimal of what the request asks for: all of it but ClientToken and DryRun. */
struct str ec2_request_hash(struct api_call *call, const void *req);

/* ---- instance_check.c ---- */

/* An interface of what is launched. */
struct ec2_launch_nic {
    int64_t device_index;
    const struct ec2_subnet_row *subnet;
    const struct ec2_interface_row *existing; /* one that is there; NULL: it is made */
    struct str_list group_ids, more_ips;
    int64_t more_count;
    struct str private_ip, description, type;
    bool public_ip, delete_on_termination;
};
struct ec2_launch_nics {
    struct ec2_launch_nic *v; /* by device index: the primary one is the first */
    size_t n;
};

/* What the caller asked RunInstances for, checked; facts that all instances of the call share. */
struct ec2_launch {
    unsigned min, max;
    const struct ec2_image_row *image;
    const struct ec2_type *type;
    const struct ec2_subnet_row *subnet;
    const struct ec2_vpc_row *vpc;
    struct ec2_launch_nics nics;
    struct str_list volume_tags, interface_tags;
    const struct iam_profile_row *profile; /* NULL: none */
    struct ec2_EbsBlockDevice root; /* of ec2_devices_wanted(), as are */
    struct ec2_devices devices;     /* the volumes beside the root */
    struct ec2_instance_row model; /* members that all have alike */
    const struct ec2_RunInstancesRequest *own;       /* what the caller said itself … */
    const struct ec2_launch_template_row *template; /* … over this; NULL: over nothing */
    int64_t template_version;
    struct str operator; /* the service that runs it, or absent */
};
/* Refuses by its name what is not implemented, also of a launch template. */
int ec2_launch_refuse(struct api_call *call, const struct ec2_RunInstancesRequest *req);
/* "resolve:ssm:NAME" becomes the id that the parameter holds; another id stays. */
int ec2_image_resolve(struct api_call *call, struct str *id);
/* The zone that Placement names, absent when it names none; InvalidParameterValue. */
int ec2_zone_check(struct api_call *call, const struct ec2_Placement *p, struct str *ret);
int ec2_launch_check(struct api_call *call, const struct ec2_RunInstancesRequest *req,
                     struct ec2_launch *ret);

/* ---- launch_template_data.c ---- */

/*
 * The request over the launch template that it names, if it names one: *req becomes both.  Faults:
 * those of ec2_launch_template_find() and …_version_find(), MissingParameter (no InstanceType).
 */
int ec2_launch_template_apply(struct api_call *call, struct ec2_launch *l,
                              const struct ec2_RunInstancesRequest **req);

/* ---- instance_network.c ---- */

/* Refuses by its name what is not implemented of an interface. */
int ec2_nics_refuse(struct api_call *call, const struct ec2_RunInstancesRequest *req);

/* The interfaces that the request asks for, subnet and VPC. */
int ec2_launch_network(struct api_call *call, const struct ec2_RunInstancesRequest *req,
                       struct ec2_launch *l);

/* ---- interface_attach.c ---- */

/* Whether an instance of the type may have n interfaces, one of them at that index.  Faults:
 * AttachmentLimitExceeded, InvalidParameterValue. */
int ec2_interface_slot_check(struct api_call *call, const struct ec2_type *type, int64_t n,
                             int64_t device_index);

/* ---- instance_place.c ---- */

/* What a request says of placement; absent members say nothing. */
struct ec2_placement_wish {
    struct str group_name, group_id, tenancy, host_id, affinity;
    struct opt_i64 partition;
};
/*
 * Checks it for an instance of row->type, and writes group, partition and tenancy to the row.
 * Faults: InvalidPlacementGroup.Unknown, InvalidParameterCombination, InvalidParameterValue.
 */
int ec2_placement_check(struct api_call *call, const struct ec2_placement_wish *wish,
                        struct ec2_instance_row *row);
/*
 * The first zone with the type and room for what is launched: for launches that name neither zone
 * nor subnet.  A cluster's next members follow the first.  Absent: there is none.
 */
struct str ec2_launch_zone(struct api_call *call, const struct ec2_launch *launch);
/*
 * Gives an instance that starts its host (placer.h).  Faults: InsufficientInstanceCapacity,
 * InsufficientHostCapacity, InvalidPlacementGroup.InUse.
 */
int ec2_instance_place(struct api_call *call, struct ec2_instance_row *row);

/* InsufficientInstanceCapacity, with the zones that have room. */
int ec2_no_room(struct api_call *call, const struct ec2_instance_row *row);

/* ---- vcpu_limit.c ---- */

/* Whether the instance counts in the vCPU quota of its type's family. */
bool ec2_vcpus_count(const struct ec2_instance_row *row);
/* It is about to be pending.  Fault: VcpuLimitExceeded. */
int ec2_vcpus_take(struct api_call *call, const struct ec2_instance_row *row);
/* One that counts is about to count no more. */
int ec2_vcpus_give_back(struct txn *txn, const struct ec2_instance_row *row);

/* ---- dedicated_host.c ---- */

/* A Dedicated Host of the caller's.  Faults: InvalidHostID.Malformed, InvalidHostID.NotFound. */
int ec2_dedicated_host_find(struct api_call *call, struct str id,
                            const struct ec2_dedicated_host_row **ret);
/* Whether instances of the type may be on it. */
bool ec2_dedicated_host_takes(const struct ec2_dedicated_host_row *row,
                              const struct ec2_type *type);
/*
 * Writes the first host with auto-placement and room to row->host_id, in row->zone if it has one.
 * Fault: InsufficientHostCapacity.
 */
int ec2_dedicated_host_choose(struct api_call *call, struct ec2_instance_row *row);

/* ---- instance_profile.c ---- */

/*
 * The instance profile that a request names, with a role that the caller may pass to EC2 for that
 * instance ("*": one that is to be made).  Faults:
 * InvalidParameterValue, InvalidParameterCombination, MissingParameter, those of iam:PassRole.
 */
int ec2_profile_find(struct api_call *call, const struct ec2_IamInstanceProfileSpecification *want,
                     struct str instance_id, const struct iam_profile_row **ret);
/* Gives it to an instance that has none. */
int ec2_profile_associate(struct api_call *call, struct str instance_id,
                          const struct iam_profile_row *profile,
                          struct ec2_profile_association_row *ret);
/* The instance is terminated. */
int ec2_profile_release(struct txn *txn, struct str instance_id);
struct str ec2_profile_arn(struct api_call *call, const struct iam_profile_row *row);
/* The name in a profile's ARN. */
struct str ec2_profile_name(const struct ec2_profile_association_row *row);

/* authorize.c: everything that a launch uses or makes, one decision each. */
int ec2_launch_authorize(struct api_call *call, const struct ec2_RunInstancesRequest *req,
                         const struct ec2_launch *launch);
/* The same of a call whose token has been used: it makes nothing, and shows what was made. */
int ec2_relaunch_authorize(struct api_call *call);

/* base64 of at most INSTANCE_USER_DATA_BYTES_MAX bytes.  The result lives in the arena. */
int ec2_user_data_decode(struct api_call *call, struct str base64, struct str *ret);
/* The same limit for bytes that were decoded already. */
int ec2_user_data_check(struct api_call *call, struct str bytes);
/* An instance type of that name that can run the architecture. */
int ec2_type_check(struct api_call *call, struct str name, struct str architecture,
                   const struct ec2_type **ret);

/* ---- instance_fit.c ---- */

/*
 * Whether the type has what the launch, or the instance that is about to start, asks for.
 * Faults: InvalidParameterCombination (no ENA), Unsupported (not EBS-optimised),
 * AttachmentLimitExceeded (no EFA).
 */
int ec2_launch_fits(struct api_call *call, const struct ec2_launch *launch);
int ec2_instance_fits(struct api_call *call, const struct ec2_instance_row *row);

/* ---- instance_options.c ---- */

struct ec2_metadata_want { /* absent: unchanged */
    struct str tokens, endpoint, ipv6, tags;
    struct opt_i64 hop_limit;
};
int ec2_metadata_set(struct api_call *call, const struct ec2_metadata_want *want,
                     struct ec2_instance_row *row);

/* ---- instance_show.c ---- */

/* What instances that are shown one after the other have in common is looked up once. */
struct ec2_instance_shower {
    struct api_call *call;
    struct arena *arena; /* what one answer points to: the call's, unless set after init */
    const struct ec2_region *region;
    struct str dns_private, dns_public; /* "ec2.internal", "compute-1.amazonaws.com" */
    struct str_list group_ids;
    struct ec2_GroupIdentifierList groups;
    struct str reservation_id, client_token;
    struct str vpc_id;
    bool vpc_hostnames;
    struct str zone, zone_id;
    struct str placement_group_id, placement_group;
    bool has_profiles; /* any instance of the cloud */
    bool has_data_volumes; /* the same */
    /* The options of this row, when those of the next are likely to be the same … */
    const struct ec2_instance_row *options_of;
    struct ec2_instance_options *options;
    unsigned n_options; /* … for which so much memory of the call was taken */
};
void ec2_instance_shower_init(struct ec2_instance_shower *s, struct api_call *call);
void ec2_instance_show(struct ec2_instance_shower *s, const struct ec2_instance_row *row,
                       struct ec2_Instance *out);
/* rows[0] of n is shown next, the others after it. */
void ec2_instance_show_hint(struct txn *txn, const struct ec2_instance_row *const *rows, size_t n);
/* {16, "running"}; the texts are constant. */
struct ec2_InstanceState ec2_instance_state_show(int64_t state);
struct ec2_InstanceMetadataOptionsResponse
ec2_metadata_show(const struct ec2_instance_row *row, const char *state);
/* The volumes of the instance, its root first; an empty list when it has none. */
struct ec2_InstanceBlockDeviceMappingList
ec2_block_devices_show(struct api_call *call, const struct ec2_instance_row *row);
/* "us-east-1a" → "use1-az1"; absent when the region has no such zone. */
struct str ec2_instance_zone_id(struct ec2_instance_shower *s, struct str zone);

/* ---- instance_credit.c ---- */

/* The credit option that an instance of a burstable type gets by itself; empty for others. */
struct str ec2_type_credits(struct api_call *call, const struct ec2_type *type);

/* ---- instance_event.c ---- */

struct ec2_InstanceStatusEventList ec2_events_show(struct api_call *call, struct str instance_id);

/* ---- instance.c ---- */

/* Whether the API still shows it. */
bool ec2_instance_visible(const struct api_call *call, const struct ec2_instance_row *row);
/*
 * The rows of ids in their order, without duplicates.  Malformed ids and those that do not exist
 * are refused, the latter all in one sentence.
 */
struct ec2_instance_rows {
    const struct ec2_instance_row **v;
    size_t n;
};
int ec2_instances_find(struct api_call *call, const struct str_list *ids,
                       struct ec2_instance_rows *ret);

/* For the test that resolves every filter. */
extern const struct api_filter_table ec2_instance_filter_table, ec2_instance_status_filter_table,
    ec2_credit_filter_table, ec2_dedicated_host_filter_table, ec2_placement_group_filter_table,
    ec2_launch_template_filter_table, ec2_launch_template_version_filter_table;

/*
 * The caller's visible instances in the order of their launch, those of a reservation together:
 * all of them, or the given ids'; with the paging of EC2 (5 to 1,000, not with ids).
 */
struct ec2_instance_walk_want {
    const struct api_filter_table *table;
    const struct ec2_FilterList *filters;
    const struct str_list *ids;
    struct str token;
    struct opt_i64 max_results;
};
struct ec2_instance_walk {
    struct api_call *call;
    struct ec2_instance_rows rows; /* listed */
    size_t next;
    struct store_cursor cursor;
    struct ec2_listing listing;
    const struct ec2_instance_row *seen; /* the last one that was looked at */
    unsigned work; /* of INSTANCE_WALK_WORK_MAX */
    bool by_id, paged;
    bool listed; /* by_id, or a filter names all that can pass */
};
int ec2_instance_walk(struct api_call *call, const struct ec2_instance_walk_want *want,
                      struct ec2_instance_walk *ret);
const struct ec2_instance_row *ec2_instance_walk_next(struct ec2_instance_walk *w);
/* Whether the row, which passed all filters, is on the page. */
bool ec2_instance_walk_take(struct ec2_instance_walk *w, const struct ec2_instance_row *row);
