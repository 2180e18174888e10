/*
 * EC2 Auto Scaling.  A call checks and writes rows; the engine (engine.h) does the rest.
 *
 *   launch_configuration, group, group_show, instance, policy, schedule, hook, tag, kind   handlers
 *   tracking                  policies that keep a metric at a value
 *   warm_pool, traffic, metrics   handlers and what the engine does for them
 *   mixed                     groups of several types
 *   zone                      where a group's instances go
 *   activity                  what was done, in AWS's words
 *   engine, look, launch, victim, replace, refresh   from rows to instances
 *
 * Functions that answer an int answer 0, positive with the call's fault set, or negative.
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "api/tags.h"
#include "autoscaling/errors.h"
#include "gen/api/autoscaling.h"
#include "gen/api/ec2.h"
#include "gen/store/autoscaling_rows.h"

extern const struct api_service_hooks autoscaling_hooks;

enum {
    ASG_GROUPS_MAX = 500,  /* of an account in a Region */
    ASG_CONFIGS_MAX = 200, /* likewise */
    ASG_POLICIES_MAX = 50, /* of a group; likewise below */
    ASG_SCHEDULES_MAX = 125,
    ASG_HOOKS_MAX = 50,
    ASG_TAGS_MAX = 50,
    ASG_STEPS_MAX = 20,
    ASG_CAUSE_MAX = 1023,
    ASG_MESSAGE_MAX = 255,
};

/* Where an instance is in its life; numbers are on disk. */
enum asg_state {
    ASG_PENDING,
    ASG_PENDING_WAIT,
    ASG_PENDING_PROCEED,
    ASG_IN_SERVICE,
    ASG_TERMINATING,
    ASG_TERMINATING_WAIT,
    ASG_TERMINATING_PROCEED,
    ASG_DETACHING,
    ASG_ENTERING_STANDBY,
    ASG_STANDBY,
    ASG_WARMED, /* it rests in the warm pool */
    ASG_N_STATES,
};
/* Its LifecycleState. */
struct str asg_state_show(struct api_call *call, const struct asg_instance_row *row);
/* Whether it counts as capacity: it is, or is about to be, in service. */
static inline bool
asg_counts(const struct asg_instance_row *row)
{
    assert(row->state >= ASG_PENDING && row->state < ASG_N_STATES);
    return row->state <= ASG_IN_SERVICE && !row->warm;
}

/* ---- autoscaling.c ---- */

/* "ValidationError" of the call; the message as printf. */
#define ASG_INVALID(call, ...) api_fault((call), &ASG_ERR(ValidationError), __VA_ARGS__)
/* A member of a request that is recognised and not carried out. */
int asg_unsupported(struct api_call *call, const char *member);
struct asg_refusal {
    bool wanted;
    const char *member;
};
/* The first whose condition holds is refused by its name. */
int asg_refuse_first(struct api_call *call, const struct asg_refusal *list, size_t n);

/* The group of that name, being deleted or not, or NULL. */
const struct asg_group_row *asg_group_look(struct api_call *call, struct str name);
/* A group that is not being deleted. */
int asg_group_find(struct api_call *call, struct str name, struct asg_group_row *ret);
int asg_group_save(struct api_call *call, const struct asg_group_row *row);
/* Whether a process ("Launch") is suspended. */
bool asg_suspended(const struct asg_group_row *group, const char *process);

int asg_written(int r, const char *what, struct str id);

/* MaxRecords and NextToken: 50 records, at most 100. */
int asg_page_open(struct api_call *call, struct str token, struct opt_i64 max, int64_t usual,
                  struct api_page *ret);
struct str asg_page_next(struct api_call *call, const struct api_page *page);

/*
 * A call as the service-linked role of the group's account, in the same transaction: for
 * api_call_internal() alone.  Negative when there is no such role.
 */
int asg_as_service(struct api_call *call, struct str role_arn, struct api_call *ret);
#define ASG_VIA "autoscaling.amazonaws.com"
/* Who executes policies for alarms. */
#define ASG_ALARMS "cloudwatch.amazonaws.com"

/*
 * A request (its input struct, of which only some members are set) as JSON for a column, and back.
 * 0, positive: it is too long; negative.
 */
int asg_keep(struct api_call *call, const char *operation, const void *input, struct str *ret);
int asg_kept(struct api_call *call, const char *operation, struct str text, void *ret);

/* ---- holds.c ---- */

/* What holds of a row, whatever was called. */
bool asg_group_ok(const struct asg_group_row *row);
bool asg_instance_ok(const struct asg_instance_row *row);
bool asg_activity_ok(const struct asg_activity_row *row);
bool asg_policy_ok(const struct asg_policy_row *row);
bool asg_schedule_ok(const struct asg_schedule_row *row);
bool asg_hook_ok(const struct asg_hook_row *row);

/* ---- launch_configuration.c ---- */

const struct asg_launch_config_row *asg_launch_config_look(struct api_call *call, struct str name);
/* What RunInstances is asked for by it; network and placement are left to the caller. */
void asg_launch_config_request(struct api_call *call, const struct asg_launch_config_row *row,
                               struct ec2_RunInstancesRequest *req);

/* ---- zone.c ---- */

/* Checks AvailabilityZones and VPCZoneIdentifier and puts them into the row. */
int asg_zones_set(struct api_call *call, const struct str_list *zones, struct str subnets,
                  struct asg_group_row *row);

/* ---- activity.c ---- */

/* "2026-11-21T01:30:00Z" */
struct str asg_time(struct api_call *call);
/* The group's reasons and one more sentence, "At … " before it. */
struct str asg_cause(struct api_call *call, const struct asg_group_row *group, struct str sentence);
/* Remembers why the desired capacity was changed, "At … " before it; replaces older reasons. */
void asg_why(struct api_call *call, struct asg_group_row *group, struct str sentence);

/* Writes a new activity; id, group, place and time are filled in.  The group is to be saved. */
int asg_activity_begin(struct api_call *call, struct asg_group_row *group,
                       struct asg_activity_row *row);
/* Says how it goes on; "" or NULL leaves the message. */
int asg_activity_step(struct api_call *call, struct str id, const char *status, int64_t progress);
/* Ends it; a message is also added to the description. */
int asg_activity_end(struct api_call *call, struct str id, const char *status, struct str message);
/* {"Subnet ID": …, "Availability Zone": …} */
struct str asg_details(struct api_call *call, struct str subnet_id, struct str zone);
struct autoscaling_Activity asg_activity_show(const struct asg_activity_row *row);
/* Whether something is under way in the group. */
bool asg_activity_runs(struct api_call *call, struct str group_id);
/* The event that EventBridge has of an instance that was launched or terminated. */
int asg_event(struct api_call *call, const struct asg_group_row *group,
              const struct asg_activity_row *activity, const char *detail_type);

/* ---- mixed.c ---- */

/* One of the sorts of instances that a group may launch, in their order. */
struct asg_kind {
    struct str type, image_id;                               /* empty: the template's */
    struct str template_id, template_name, template_version; /* empty: a launch configuration */
    int64_t weight;
};
struct asg_kind_list {
    struct asg_kind *v;
    size_t n;
};
/* Checks a policy and puts it into the row, whose template becomes the policy's. */
int asg_mixed_set(struct api_call *call, const struct autoscaling_MixedInstancesPolicy *policy,
                  struct asg_group_row *row);
int asg_mixed_get(struct api_call *call, const struct asg_group_row *group,
                  struct autoscaling_MixedInstancesPolicy **ret);
/* At least one. */
int asg_kinds(struct api_call *call, const struct asg_group_row *group, struct asg_kind_list *ret);

/* ---- group.c ---- */

/* What a group launches: one of the three, checked and put into the row. */
int asg_launch_set(struct api_call *call, struct str config,
                   const struct autoscaling_LaunchTemplateSpecification *template,
                   const struct autoscaling_MixedInstancesPolicy *mixed, struct asg_group_row *row);
/* Completes id and name of a template, whose version must be there. */
int asg_template_find(struct api_call *call, struct autoscaling_LaunchTemplateSpecification *t);

/* Sets the desired capacity and says why ("a user request …"); the bounds are checked before. */
void
asg_desire(struct api_call *call, struct asg_group_row *group, int64_t desired, struct str why);
/* Removes a group with all that is its own; it has no instances. */
int asg_group_remove(struct api_call *call, const struct asg_group_row *group);
/* The group's own checks of min, max and desired. */
int asg_sizes_check(struct api_call *call, const struct asg_group_row *row);

/* ---- group_show.c ---- */

struct autoscaling_Instance
asg_instance_show(struct api_call *call, const struct asg_group_row *group,
                  const struct asg_instance_row *row);

/* ---- warm_pool.c ---- */

/* How many the pool shall have. */
int64_t asg_pool_size(const struct asg_group_row *group);
/* NULL: there is none. */
struct autoscaling_WarmPoolConfiguration *
asg_pool_show(struct api_call *call, const struct asg_group_row *row);

/* ---- traffic.c ---- */

/* The target groups of CreateAutoScalingGroup. */
int asg_traffic_set(struct api_call *call, const struct str_list *arns,
                    const struct autoscaling_TrafficSourceIdentifierList *sources,
                    struct asg_group_row *row);

/* ---- refresh.c ---- */

/* The newest refresh, when it goes on; else NULL. */
const struct asg_refresh_row *asg_refresh_active(struct api_call *call, struct str group_id);
int asg_refresh_save(struct api_call *call, const struct asg_refresh_row *row);
/* Puts what a refresh is for into a group's row, where that is another than the group's. */
void asg_refresh_apply(const struct asg_refresh_row *row, struct asg_group_row *group);
/* Whether an instance is what a group launches now. */
bool asg_matches(struct api_call *call, const struct asg_group_row *group,
                 const struct asg_instance_row *row);
/* Whether it may be undone, and doing so; the row is the caller's to save. */
bool asg_refresh_reversible(const struct asg_group_row *group, const struct asg_refresh_row *row);
void asg_refresh_undo(struct api_call *call, const struct asg_group_row *group,
                      struct asg_refresh_row *row, struct str reason);

/* ---- instance.c ---- */

/* The group of an instance that a request names, and its row. */
int asg_instance_find(struct api_call *call, struct str id, struct asg_instance_row *ret,
                      struct asg_group_row *group);
int asg_instance_save(struct api_call *call, const struct asg_instance_row *row);
/* Begins its end: activity and state.  `sentence` is the cause's last. */
int asg_terminate_begin(struct api_call *call, struct asg_group_row *group,
                        struct asg_instance_row *row, struct str cause);

/* How much of the desired capacity it is. */
static inline int64_t
asg_weight(const struct asg_instance_row *row)
{
    assert(row->weight >= 0);
    return row->weight ? row->weight : 1;
}

/* ---- tracking.c ---- */

/* Checks the configuration of a request and keeps it in the row. */
int asg_tracking_set(struct api_call *call, const struct autoscaling_PutScalingPolicyType *req,
                     struct asg_policy_row *row);
int asg_tracking_get(struct api_call *call, const struct asg_policy_row *row,
                     struct autoscaling_TargetTrackingConfiguration **ret);
/* Makes the policy's alarms; forgets those that it has. */
int asg_tracking_alarms(struct api_call *call, const struct asg_group_row *group,
                        struct asg_policy_row *row);
int asg_tracking_forget(struct api_call *call, const struct asg_group_row *group,
                        const struct asg_policy_row *row);
/* Alarms whose action it is.  *loud (may be NULL): one that stands in a state that names it. */
struct cloudwatch_alarm_row;
struct autoscaling_AlarmList
asg_policy_alarms(struct api_call *call, struct str arn, const struct cloudwatch_alarm_row **loud);
/* The desired capacity that brings the metric, which is at a value, to its target. */
int asg_tracking_want(struct api_call *call, const struct asg_group_row *group,
                      const struct asg_policy_row *row, double value, int64_t *ret);

/* ---- policy.c, schedule.c, hook.c, tag.c ---- */

/* Adds the hooks of CreateAutoScalingGroup. */
int asg_hooks_add(struct api_call *call, const struct asg_group_row *group,
                  const struct autoscaling_LifecycleHookSpecificationList *list);
/* The next hook of a transition that the instance has not had, or NULL. */
const struct asg_hook_row *
asg_hook_next(struct api_call *call, const struct asg_instance_row *row, const char *transition);
#define ASG_LAUNCHING "autoscaling:EC2_INSTANCE_LAUNCHING"
#define ASG_TERMINATING_HOOK "autoscaling:EC2_INSTANCE_TERMINATING"
/* Carries out the scheduled actions that are due; *ret_next_ms: when the next is, 0: never. */
int asg_schedules_due(struct api_call *call, struct asg_group_row *group, int64_t *ret_next_ms);
/* Puts tags of a request into the group's; the row is the caller's to save. */
int asg_tags_put(struct api_call *call, const struct autoscaling_TagList *tags,
                 struct asg_group_row *group);
struct autoscaling_TagDescriptionList
asg_tags_show(struct api_call *call, const struct asg_group_row *group);
