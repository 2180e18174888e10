/*
 * What the files of EC2 share.  Handlers are declared by the generated header; here are the
 * errors, the look-ups that answer a fault when something is not there, and the pieces that
 * RunInstances puts together.
 *
 * Every look-up answers 0 and writes *ret, or a positive number with the fault set.  A resource
 * of another account or region does not exist, as on AWS.
 */
#pragma once

#include "api/api.h"
#include "api/filter.h"
#include "api/page.h"
#include "gen/api/ec2.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/host_rows.h"
#include "ec2/errors.h"
#include "store/states.h"

/* ---- catalogue.c: facts from data/ ---- */

struct ec2_region {
    struct str name, description; /* "us-east-1", "US East (N. Virginia)" */
    struct str zone_prefix;       /* "use1" */
    bool opt_in;                  /* opt-in regions answer opted-in here */
    unsigned n_zones;
};
struct ec2_zone {
    struct str name, id; /* "us-east-1a", "use1-az1" */
};
/* What the instance type table says; units in the names. */
struct ec2_type {
    struct str name, family, hypervisor, architecture;
    bool current, burstable, bare_metal, instance_store;
    bool recovers, hibernates; /* simplified automatic recovery; hibernation */
    unsigned vcpus, cores, threads_per_core;
    unsigned memory_mib;
    unsigned max_interfaces, addresses_per_interface;
    struct str network_performance;
    struct str ebs_optimized; /* default, supported, unsupported */
    double clock_ghz;
};

const struct ec2_region *ec2_region_find(struct str name);
/* The i-th zone (0 is …a) of the region. */
struct ec2_zone ec2_region_zone(struct arena *arena, const struct ec2_region *region, unsigned i);
const struct ec2_type *ec2_type_find(struct str name);
/* "use1-az1" of "us-east-1a"; absent when there is no such zone. */
struct str ec2_zone_id(struct arena *arena, struct str zone);
/*
 * Whether the type is offered in that zone ("us-east-1a"), or in any zone of the region: what AWS
 * publishes; a region younger than the data has the offerings of the one named in data/regions.txt.
 */
bool ec2_type_offered(const struct ec2_type *type, struct str zone);
/* How many of its interfaces may be Elastic Fabric Adapters. */
unsigned ec2_type_efas(const struct ec2_type *type);
/* The most that its first network card carries, in Mbit/s. */
int64_t ec2_type_mbit(const struct ec2_type *type);
/* Whether its instances have an Elastic Network Adapter and nothing else. */
bool ec2_type_needs_ena(const struct ec2_type *type);
/* Whether it may be in a cluster placement group. */
bool ec2_type_clusters(const struct ec2_type *type);
/* Whether Dedicated Hosts are there for it. */
bool ec2_type_on_hosts(const struct ec2_type *type);
/* The i-th type of a family, by name; NULL behind the last. */
const struct ec2_type *ec2_family_type(struct str family, size_t i);
bool ec2_type_in_region(const struct ec2_type *type, const struct ec2_region *region);

/* ---- authorize.c: what policies may ask of EC2's things ---- */

int ec2_resource(struct api_call *call, struct str type, struct str id,
                 struct api_resource *resource);
void ec2_context(struct api_call *call, const void *req, struct policy_context *context);

/* ---- tag.c ---- */

/*
 * Checks the tags of a TagSpecifications list that are for resource_type ("instance") and
 * answers them as a row's `tags` (k, v, …, sorted, no duplicates), in the arena.
 * Faults: InvalidParameterValue, TagLimitExceeded, InvalidTagKey.Malformed …
 */
int ec2_tags_of(struct api_call *call, const struct ec2_TagSpecificationList *specs,
                const char *resource_type, struct str_list *ret);
/* A specification for a resource type that the operation does not make is refused. */
int ec2_tags_only(struct api_call *call, const struct ec2_TagSpecificationList *specs,
                  const char *const *resource_types, size_t n);
/* A tag of the cloud's own. */
void ec2_tags_add(struct arena *arena, struct str_list *tags, struct str key, struct str value);
/* The tags of `over`, and those that a copy takes over: all but AWS's own.  TagLimitExceeded. */
int ec2_tags_inherit(struct api_call *call, const struct str_list *from,
                     const struct str_list *over, struct str_list *ret);
/* A row's tags as the API shows them. */
struct ec2_TagList ec2_tags_show(struct arena *arena, const struct str_list *tags);

/* ---- network.c: VPCs, subnets ---- */

extern const struct api_service_hooks ec2_hooks; /* makes the default VPC on first use */

int ec2_vpc_find(struct api_call *call, struct str id, const struct ec2_vpc_row **ret);
int ec2_subnet_find(struct api_call *call, struct str id, const struct ec2_subnet_row **ret);
/*
 * Gives default VPCs of clouds that could not make networks yet the rows that stand around them.
 * Idempotent; the daemon calls it at start.  0 or negative.
 */
int ec2_networks_complete(struct txn *txn);
/* The default VPC, or the fault VPCIdNotSpecified. */
int ec2_vpc_default(struct api_call *call, const struct ec2_vpc_row **ret);
/* The default subnet in that zone, or in the first zone when zone is absent. */
int ec2_subnet_default(struct api_call *call, struct str zone, const struct ec2_subnet_row **ret);

/* ---- address_pool.c: which addresses are taken ---- */

/*
 * Addresses from which the lowest free one is given: those of a subnet, or the public ones.  What
 * is taken is kept as bits in rows (ec2_address_block), so a look for the lowest costs an index
 * look-up and not a walk over thousands of interfaces.
 */
struct ec2_pool {
    struct str name; /* subnet-…, or "public" */
    uint32_t first;  /* as codec/ip.h has addresses */
    uint64_t size;
    unsigned reserved_low, reserved_high; /* never given: the first and the last ones */
};

/* The pool of a subnet's addresses; the row's slices must outlive it. */
struct ec2_pool ec2_pool_subnet(const struct ec2_subnet_row *subnet);
/* 198.18.0.0/15: the addresses that the cloud gives out as public. */
struct ec2_pool ec2_pool_public(void);

/* Whether the address is the pool's, and whether it may be given at all. */
bool ec2_pool_has(const struct ec2_pool *pool, uint32_t ip);
bool ec2_pool_reserves(const struct ec2_pool *pool, uint32_t ip);
/* Takes the lowest free address; -ENOSPC, not logged, when there is none. */
int ec2_pool_take_lowest(struct txn *txn, const struct ec2_pool *pool, uint32_t *ret_ip);
/* Takes this one, which the pool has and does not reserve; -EADDRINUSE, not logged. */
int ec2_pool_take(struct txn *txn, const struct ec2_pool *pool, uint32_t ip);
/* Gives a taken one back. */
int ec2_pool_give(struct txn *txn, const struct ec2_pool *pool, uint32_t ip);
/* The pool itself goes; none of it is taken. */
int ec2_pool_drop(struct txn *txn, const struct ec2_pool *pool);
/* How many could still be taken. */
uint64_t ec2_pool_free(struct txn *txn, const struct ec2_pool *pool);

/* ---- security_group.c ---- */

#define EC2_GROUPS_PER_INTERFACE_MAX 5

int ec2_group_find(struct api_call *call, struct str id, const struct ec2_security_group_row **ret);
/* The VPC's group named "default". */
int ec2_group_default(struct api_call *call, struct str vpc_id,
                      const struct ec2_security_group_row **ret);
/*
 * Turns ids and names (names: default VPC only) into the sorted ids of groups of that VPC;
 * none given: the VPC's default group.  Faults: InvalidGroup.NotFound, InvalidGroupId.Malformed,
 * InvalidParameter (group of another VPC), SecurityGroupsPerInterfaceLimitExceeded.
 */
int ec2_groups_resolve(struct api_call *call, struct str vpc_id, const struct str_list *ids,
                       const struct str_list *names, struct str_list *ret_ids);
/* [{GroupId, GroupName}] of ids. */
struct ec2_GroupIdentifierList ec2_groups_show(struct api_call *call, const struct str_list *ids);
/* A group of the default VPC by its name. */
int ec2_group_named_find(struct api_call *call, struct str name,
                         const struct ec2_security_group_row **ret);
/* By id or, in the default VPC, by name: the one that is given. */
int ec2_group_either_find(struct api_call *call, struct str id, struct str name,
                          const struct ec2_security_group_row **ret);
/* A group goes with its rules. */
int ec2_group_drop(struct txn *txn, struct str id);
/* Makes a group with its rules for a new VPC: the default group that nobody asked for. */
int ec2_group_default_make(struct api_call *call, struct str vpc_id);

/* ---- security_group_rule.c ---- */

struct ec2_SecurityGroupRule
ec2_rule_show(struct api_call *call, const struct ec2_sg_rule_row *row);
/* A group's rules of one direction as DescribeSecurityGroups has them: those with the same
 * protocol and ports are one permission with several sources. */
struct ec2_IpPermissionList ec2_rules_show(struct api_call *call, struct str group_id, bool egress);
/*
 * Gives a row that has its group, direction, protocol, ports and peer the rest, and inserts it as
 * the group's newest.  Duplicates and limits are for the caller to look for.
 */
int ec2_rule_insert(struct api_call *call, struct ec2_sg_rule_row *row);
/* A group's description, a rule's: what EC2 allows in it. */
bool ec2_description_ok(struct str s);

/* ---- prefix_list.c ---- */

/* A rule names the list: the host will find its addresses.  Fault: InvalidPrefixListID.NotFound. */
int ec2_prefix_list_use(struct api_call *call, struct str id);
extern const struct api_filter_table ec2_managed_prefix_list_filter_table,
    ec2_prefix_list_filter_table;

/* ---- vpn_gateway.c ---- */

extern const struct api_filter_table ec2_vpn_gateway_filter_table;

/* ---- interface.c ---- */

struct ec2_interface_want {
    const struct ec2_subnet_row *subnet;
    struct str instance_id; /* attached to this instance as device_index */
    int64_t device_index;
    struct str interface_type; /* efa, nat_gateway, or empty */
    struct str nat_gateway_id; /* whose it is; it has no groups then */
    struct str requester;      /* the service whose it is, "amazon-elb" */
    struct str private_ip; /* absent: the lowest free address is taken */
    struct str_list more_ips; /* secondary ones */
    int64_t more_count;       /* and so many of those that are free */
    bool public_ip;
    struct str description;
    struct str_list group_ids, tags;
    bool delete_on_termination;
    struct str client_token, request_hash; /* of a call that makes nothing else */
};
/*
 * Makes the row of an attached interface with its addresses.  Faults: InvalidIPAddress.InUse,
 * InvalidParameterValue (address outside the subnet or reserved),
 * InsufficientFreeAddressesInSubnet.
 */
int ec2_interface_make(struct api_call *call, const struct ec2_interface_want *want,
                       struct ec2_interface_row *ret);
/* "interface", "efa" */
struct str ec2_interface_type_show(const struct ec2_interface_row *row);
/* Attaches one that is available to an instance, which it outlives. */
int ec2_interface_attach(struct api_call *call, const struct ec2_interface_row *row,
                         struct str instance_id, int64_t device_index,
                         struct ec2_interface_row *ret);
/* It is available again.  0 or negative; the caller writes the instance's row. */
int ec2_interface_detach(struct txn *txn, const struct ec2_interface_row *row);
int ec2_interface_put(struct txn *txn, const struct ec2_interface_row *row);
/* The service that makes this call for itself, as the interfaces that it makes say; or empty. */
struct str ec2_requester(const struct api_call *call);
/*
 * As ec2_interface_find(), but one that a NAT gateway has is OperationNotPermitted, and one that a
 * service has AuthFailure, unless that service asks.
 */
int ec2_interface_manage(struct api_call *call, struct str id,
                         const struct ec2_interface_row **ret);
/*
 * Takes that address of the subnet (absent: the lowest free one), or gives it back.  Faults: those
 * of ec2_interface_make().
 */
int ec2_private_ip_take(struct api_call *call, const struct ec2_subnet_row *subnet,
                        struct str want, struct str *ret);
int ec2_private_ip_return(struct txn *txn, struct str subnet_id, struct str ip);
/* One that is attached to nothing goes, with its addresses.  0 or negative. */
int ec2_interface_drop(struct txn *txn, const struct ec2_interface_row *row);
struct ec2_NetworkInterface ec2_interface_show(struct api_call *call,
                                               const struct ec2_interface_row *row);
/*
 * A public address for, or back from, an interface: start and stop of an instance.  *ret_ip is
 * empty after it was taken away.  An interface that has what is asked for keeps it.  The caller
 * writes the instance's row.  row->auto_public says whether a start shall ask for one.  Faults:
 * InsufficientAddressCapacity.
 */
int ec2_interface_set_public(struct api_call *call, const struct ec2_interface_row *row, bool on,
                             struct str *ret_ip);
/* Takes an address of the cloud's own away; an Elastic IP stays.  0 or negative. */
int ec2_interface_drop_public(struct txn *txn, const struct ec2_interface_row *row);
/* The instance's interfaces go when it is terminated: deletes or detaches them. */
int ec2_interfaces_release(struct txn *txn, struct str instance_id);
/*
 * ModifyInstanceAttribute GroupSet: other groups for the instance's only interface.  Faults:
 * those of ec2_groups_resolve(), InvalidInstanceID when there are several interfaces.
 */
int ec2_interface_set_groups(struct api_call *call, const struct ec2_instance_row *instance,
                             const struct str_list *group_ids);
/* ModifyInstanceAttribute SourceDestCheck, likewise; the caller writes the instance's row. */
int ec2_interface_set_source_dest_check(struct api_call *call,
                                        const struct ec2_instance_row *instance, bool on);
/*
 * The Elastic IP of an interface: from now on this address, or none (NULL).  An address of the
 * cloud's own goes back to the pool, and comes again (another one) when the Elastic IP leaves the
 * only interface of an instance that runs.  Writes the instance's row too.  Faults:
 * InsufficientAddressCapacity.
 */
int ec2_interface_set_elastic(struct api_call *call, const struct ec2_interface_row *row,
                              const struct ec2_address_row *address);
/* A public address out of the pool, and back into it. */
int ec2_public_ip_take(struct api_call *call, struct str *ret);
int ec2_public_ip_return(struct txn *txn, struct str ip);
/* By id; faults: InvalidNetworkInterfaceId.Malformed, InvalidNetworkInterfaceID.NotFound. */
int ec2_interface_find(struct api_call *call, struct str id, const struct ec2_interface_row **ret);
/* The interface of an instance that has one; the fault is InvalidInstanceID when it has several. */
int ec2_interface_only(struct api_call *call, const struct ec2_instance_row *instance,
                       const struct ec2_interface_row **ret);

/* ---- interface_address.c: secondary private addresses ---- */

/*
 * Gives an interface these addresses and so many free ones, and writes its row, which *row becomes.
 * They are added to *ret (NULL: nobody asks).  Faults: those of ec2_private_ip_take(),
 * PrivateIpAddressLimitExceeded.
 */
int ec2_secondaries_make(struct api_call *call, struct ec2_interface_row *row,
                         const struct str_list *ips, int64_t count, struct str_list *ret);
/* The interface goes, or loses them all; the caller writes or deletes its row. */
int ec2_secondaries_drop(struct txn *txn, const struct ec2_interface_row *row);
/* The interface's secondary address of that text, or NULL. */
const struct ec2_secondary_address_row *
ec2_secondary_of(struct txn *txn, const struct ec2_interface_row *row, struct str ip);
/* Whether an instance of that type may have an interface with so many private addresses. */
int ec2_address_count_check(struct api_call *call, struct str type, int64_t n);
/* Elastic IP of a secondary address, or none (NULL). */
int ec2_secondary_set_elastic(struct txn *txn, const struct ec2_secondary_address_row *row,
                              const struct ec2_address_row *address);
/* The secondary addresses of PrivateIpAddresses, and the primary one; InvalidParameterCombination,
 * InvalidParameterValue. */
struct ec2_PrivateIpAddressSpecificationList;
int ec2_addresses_of(struct api_call *call, struct str primary,
                     const struct ec2_PrivateIpAddressSpecificationList *list,
                     struct opt_i64 count, struct str *ret_primary, struct str_list *ret_more);

/* ---- address.c ---- */

/* Gives an interface's own address this Elastic IP. */
int ec2_address_associate(struct api_call *call, const struct ec2_address_row *row,
                          const struct ec2_interface_row *nic, struct str *ret_id);
int ec2_address_find(struct api_call *call, struct str id, const struct ec2_address_row **ret);
/* The address's private one moved to another interface, and takes it along. */
int ec2_address_follow(struct txn *txn, struct str address_id, struct str interface_id);

/* An interface goes: its Elastic IP is with no interface any more. */
int ec2_address_leave(struct txn *txn, struct str address_id);

/* "ip-172-31-0-5.ec2.internal": us-east-1 has its own domain. */
struct str ec2_private_dns_name(struct arena *arena, struct str region, struct str ip);
/* "ec2-198-18-0-4.compute-1.amazonaws.com" */
struct str ec2_public_dns_name(struct arena *arena, struct str region, struct str ip);

/* ---- volume.c ---- */

/* What a start that cannot succeed ends with: ec2_instance_row.launch_error. */
#define INSTANCE_NO_KEY "Client.InternalError"
#define INSTANCE_BAD_SNAPSHOT "Client.InternalError"
#define INSTANCE_NO_STORAGE "Client.VolumeLimitExceeded"
/* Volumes of a terminated instance: those that go with it are deleted, others become available. */
int ec2_volumes_release(struct txn *txn, struct str instance_id);
/*
 * Whether EBS has such a volume: type, size, IOPS and MiB/s within the type's bounds.  Faults:
 * InvalidParameterValue, InvalidParameterCombination, MissingParameter.
 */
int ec2_volume_check(struct api_call *call, struct str type, int64_t gib, struct opt_i64 iops,
                     struct opt_i64 throughput);

/* ---- image.c, key_pair.c ---- */

/* An image the account may launch.  Faults: InvalidAMIID.Malformed, InvalidAMIID.NotFound,
 * InvalidAMIID.Unavailable. */
int ec2_image_find(struct api_call *call, struct str id, const struct ec2_image_row **ret);
/* One that the caller sees, whatever its state. */
int ec2_image_see(struct api_call *call, struct str id, const struct ec2_image_row **ret);
/* A name and a description that a new image may have.  Faults: InvalidAMIName.Malformed,
 * InvalidAMIName.Duplicate, InvalidParameterValue. */
int ec2_image_name_check(struct api_call *call, struct str name, struct str description);
/* An image that the caller may change; another's is AuthFailure. */
int ec2_image_own(struct api_call *call, struct str id, const struct ec2_image_row **ret);
/* Whether the account sees the image in its region: its own, public or shared with it. */
bool ec2_image_visible(const struct api_call *call, const struct ec2_image_row *row);
int ec2_key_pair_find(struct api_call *call, struct str name, const struct ec2_key_pair_row **ret);
/*
 * Makes an AMI launchable: `image` is a name "welkin-…" of Welkin's own images or any AMI id,
 * `rootfs` its folder below DATA/images, `init` what becomes its process 1.  An empty rootfs lists
 * the image but leaves it unlaunchable.  Idempotent; 0, -EINVAL (neither such a name nor an AMI
 * id) or negative.  The daemon calls it at start, `welkin image` at will.
 */
int ec2_image_seed(struct txn *txn, struct env *env, struct str image, struct str rootfs,
                   struct str init);
/* What a launch makes of the image's root: size, type, snapshot, DeleteOnTermination. */
struct ec2_EbsBlockDevice ec2_image_root(struct arena *arena, const struct ec2_image_row *row);
/* The account that owns Welkin's own images. */
#define EC2_WELKIN_ACCOUNT "935546000001"

/* ---- operator.c ---- */

/* The account that owns the instances which services run. */
#define EC2_OPERATOR_ACCOUNT "935546000002"
struct ec2_operator {
    const char *principal; /* "rds.amazonaws.com" */
    const char *requester; /* whose interfaces it shows: "amazon-rds" */
};
/* NULL: no service of that name runs instances. */
const struct ec2_operator *ec2_operator_find(struct str principal);
/* Whether the call is that operator's own. */
bool ec2_operator_calls(const struct api_call *call, struct str principal);

/* ---- instance.c … ---- */

int ec2_instance_find(struct api_call *call, struct str id, const struct ec2_instance_row **ret);

/*
 * The reconciler: follows what the host saw (host_machine) and the cloud's clock, and moves
 * instances through their states.  Level-triggered: after a restart the first pass finishes what
 * was begun.  Owns its timers and watches.
 */
struct ec2_reconciler;
struct loop;
int ec2_reconciler_new(struct ec2_reconciler **ret, struct loop *loop, struct store *store);
struct ec2_reconciler *ec2_reconciler_free(struct ec2_reconciler *r);

/* ---- instance_event.c: scheduled events ---- */

struct ec2_event_want {
    struct str instance_id, code; /* one that there is, and a code that is one */
    struct str description;       /* empty: that of the code */
    int64_t not_before_ms, not_after_ms;
    int64_t deadline_ms;          /* 0: it cannot be put off */
};
bool ec2_event_code_ok(struct str code);
/* 0 or negative; *ret_id lives in the arena. */
int ec2_event_make(struct txn *txn, struct env *env, struct arena *arena,
                   const struct ec2_event_want *want, struct str *ret_id);
/* An active event is over; all of an instance (code NULL: of any); those of one that goes. */
int ec2_event_end(struct txn *txn, const struct ec2_event_row *row, int64_t now_ms);
int ec2_events_end(struct txn *txn, struct str instance_id, const char *code, int64_t now_ms);
int ec2_events_forget(struct txn *txn, struct str instance_id);

/* ---- notify.c: what EventBridge is told; 0 or negative ---- */

int ec2_notify_instance(struct txn *txn, const struct ec2_instance_row *row, int64_t now_ms);
/* createVolume, deleteVolume. */
int ec2_notify_volume(struct txn *txn, const struct ec2_volume_row *row, const char *event,
                      int64_t now_ms);
/* It was made, or could not be. */
int ec2_notify_snapshot(struct txn *txn, const struct ec2_snapshot_row *row, int64_t now_ms);

/* ---- event_window.c ---- */

/* An event of the instance is moved to where its event window, if it has one, is open. */
void ec2_event_window_fit(struct txn *txn, const struct ec2_instance_row *instance,
                          struct ec2_event_want *want);
/* The instance goes: no window is for it any more. */
int ec2_event_window_forget(struct txn *txn, const struct ec2_instance_row *instance);

/* ---- vcpu_limit.c ---- */

/* What the caller's quota is in this Region, by its code of placement/quota.h. */
int64_t ec2_quota(struct api_call *call, const char *code);

/* ---- fault.c ---- */

/* The fault that an instance's place suffers from, the oldest; or NULL. */
const struct ec2_fault_row *ec2_fault_of(struct txn *txn, const struct ec2_instance_row *row);

/* ---- instance_upkeep.c ---- */

/*
 * Goes on elsewhere: the same instance without what was in its memory.  0, negative, or 1 when no
 * other host takes it.
 */
int ec2_instance_recover(struct ec2_placer *placer, struct txn *txn,
                         const struct ec2_instance_row *row);

/* Carries out events that are due, and recovers instances from faults of hosts and racks. */
struct ec2_upkeep;
int ec2_upkeep_new(struct ec2_upkeep **ret, struct loop *loop, struct store *store,
                   struct ec2_placer *placer);
struct ec2_upkeep *ec2_upkeep_free(struct ec2_upkeep *u);

/* ---- describe.c: what Describe operations share ---- */

/* The filters of this call; 0 or a fault (filter.h). */
int ec2_filters(struct api_call *call, const struct api_filter_table *table,
                const struct ec2_FilterList *filters, struct api_filter_set *ret);
/* Whether the call has a filter of that name. */
bool ec2_filter_given(const struct ec2_FilterList *filters, const char *name);
/* The page that this call asks for, and the token for the one after it (page.h). */
int ec2_page_open(struct api_call *call, const struct api_page_rule *rule, struct str token,
                  struct opt_i64 max_results, bool has_ids, struct api_page *ret);
struct str ec2_page_next(struct api_call *call, const struct api_page *page);

/*
 * What a Describe operation shows: filters and paging in one.  Rows must come in order of
 * (created_ms, id), as the indexes by_owner have them.
 *
 *   r = ec2_listing_open(call, &table, &req->filters, &rule, req->next_token, req->max_results,
 *                        req->vpc_ids.n > 0, &listing);
 *   …for each row:
 *       struct ec2_Vpc shown = vpc_show(call, row);
 *       if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
 *           *LIST_PUSH(call->arena, &res->vpcs) = shown;
 *   res->next_token = ec2_listing_next(call, &listing);
 */
struct ec2_listing {
    struct api_filter_set filters;
    struct api_page page;
};
int ec2_listing_open(struct api_call *call, const struct api_filter_table *table,
                     const struct ec2_FilterList *filters, const struct api_page_rule *rule,
                     struct str token, struct opt_i64 max_results, bool has_ids,
                     struct ec2_listing *ret);
bool ec2_listing_has(struct api_call *call, struct ec2_listing *listing, const void *shown,
                     int64_t created_ms, struct str id);
struct str ec2_listing_next(struct api_call *call, const struct ec2_listing *listing);

/* A row's text as an optional member of a reply: absent when it is empty. */
struct str ec2_text_show(struct str text);
/* A fact that is shown when it is true and left out when it is not. */
struct opt_bool ec2_set_show(bool on);
/* {Value: …}, for attributes. */
struct ec2_AttributeValue *ec2_value_show(struct arena *arena, struct str text);
struct ec2_AttributeBooleanValue *ec2_flag_show(struct arena *arena, bool on);

/* ---- check.c: shared checks ---- */

/* "i-0123…" forms: prefix, '-', 8 or 17 hexadecimal digits; else the fault `malformed`. */
int ec2_id_check(struct api_call *call, struct str id, const char *prefix,
                 const struct api_error *malformed);
bool ec2_id_is(struct str id, const char *prefix);
/* PREFIX-0123…: the id of what is the same in every cloud, by its name. */
struct str ec2_id_of_name(struct arena *arena, const char *prefix, struct str name);
/*
 * With whom something is shared, with an account or without it: adding twice and removing what is
 * not there change nothing.  InvalidParameterValue beyond max; what: "A snapshot".
 */
int ec2_accounts_set(struct api_call *call, struct str_list *accounts, struct str account, bool on,
                     unsigned max, const char *what);
/* Refuse what Welkin does not carry out, by its name: UnsupportedOperation. */
int ec2_unsupported(struct api_call *call, const char *what);
int ec2_unsupported_parameter(struct api_call *call, const char *name);
/* Whether a row of that account and region is the caller's. */
bool ec2_mine(const struct api_call *call, struct str account, struct str region);
/* "The vpc ID 'a' does not exist", or "The vpc IDs 'a, b' do not exist". */
int ec2_missing(struct api_call *call, const struct api_error *error, const char *what,
                const struct str_list *ids);
/* "arn:aws:ec2:us-east-1:123456789012:subnet/subnet-0…" of a resource of the caller. */
struct str ec2_arn(struct api_call *call, const char *type, struct str id);
/*
 * Whether the caller has fewer than max rows in this Region; the index begins with account and
 * region.  Else the fault "You have reached the limit of 500 placement groups in this Region".
 */
int ec2_limit_check(struct api_call *call, const struct store_index *by_owner, unsigned max,
                    const struct api_error *error, const char *what);
/* The next number of a counter (table ec2_counter), from 1; never given again. */
int ec2_number(struct txn *txn, const char *counter, int64_t *ret);
