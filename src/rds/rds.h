/*
 * Amazon RDS.  A DB instance is an EC2 instance of the image welkin-database that the service runs
 * in the tenant's subnet (ec2/operator.c).  What its engine shall be is told to the agent in it
 * (images/database-agent.sh) by the user data; what the agent did stands on its console.
 *
 *   create, modify, instance, show     DB instances; restore makes one of a snapshot
 *   subnet_group, parameter_group, snapshot, event, tag, offer    what their names say
 *   password       what the engine checks passwords by
 *   machine        calls of EC2, and what the agent is told and says
 *   engine, look   from rows to what they say
 *
 * Functions that answer an int answer 0, positive with the call's fault set, or negative.
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "api/tags.h"
#include "base/sm.h"
#include "gen/api/ec2.h"
#include "gen/api/rds.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/rds_rows.h"
#include "rds/errors.h"
#include "store/states.h"

extern const struct api_service_hooks rds_hooks;

#define RDS_VIA "rds.amazonaws.com"
#define RDS_IMAGE "welkin-database"
#define RDS_MACHINES "935546000002" /* EC2's account of the instances that services run */

enum {
    RDS_INSTANCES_MAX = 40, /* of an account in a Region; likewise below */
    RDS_STORAGE_MAX_GIB = 100000,
    RDS_SUBNET_GROUPS_MAX = 50,
    RDS_SUBNETS_MAX = 20, /* of a subnet group */
    RDS_PARAMETER_GROUPS_MAX = 50,
    RDS_SNAPSHOTS_MAX = 100, /* manual ones */
    RDS_TAGS_MAX = 50,
    RDS_NAME_MAX = 63,
    RDS_RETENTION_DAYS_MAX = 35,
};
#define RDS_DAY_MS (INT64_C(24) * 3600 * 1000)

/* Where a DB instance is in its life; numbers are on disk. */
enum rds_status {
    RDS_CREATING,
    RDS_BACKING_UP,
    RDS_AVAILABLE,
    RDS_MODIFYING,
    RDS_RESETTING, /* resetting-master-credentials */
    RDS_REBOOTING,
    RDS_STOPPING,
    RDS_STOPPED,
    RDS_STARTING,
    RDS_DELETING,
    RDS_FAILED,
    RDS_N_STATUSES,
};
extern const struct sm rds_sm;

/* What a status waits for. */
enum rds_step {
    RDS_STEP_NONE,
    RDS_STEP_HALT,     /* its machine is stopped */
    RDS_STEP_ENGINE,   /* it runs, and the agent has done what it was told */
    RDS_STEP_SNAPSHOT, /* no snapshot of it is in the making */
    RDS_STEP_END,      /* the machine is gone */
};

/* ---- rds.c ---- */

#define RDS_INVALID(call, ...) api_fault((call), &RDS_ERR(InvalidParameterValue), __VA_ARGS__)
#define RDS_COMBINATION(call, ...)                                                                 \
    api_fault((call), &RDS_ERR(InvalidParameterCombination), __VA_ARGS__)

/* A member of a request that is recognised and not carried out. */
struct rds_refusal {
    bool wanted;
    const char *member;
};
/* The first whose condition holds is refused by its name. */
int rds_refuse_first(struct api_call *call, const struct rds_refusal *list, size_t n);
/* Whether something else than what it is anyway was given. */
static inline bool
rds_differs(struct str given, struct str is)
{
    return given.n > 0 && !str_eq_nocase(given, is);
}
int rds_written(int r, const char *what, struct str id);
/* "arn:aws:rds:REGION:ACCOUNT:TYPE:NAME"; types are db, subgrp, pg, snapshot. */
struct str rds_arn(struct api_call *call, const char *type, struct str name);
/* In lower case, if it is an identifier; `parameter` names it in the refusal. */
int rds_identifier(struct api_call *call, const char *parameter, struct str given, size_t max,
                   struct str *ret);
/* MaxRecords from 20 to 100 and Marker. */
int
rds_page_open(struct api_call *call, struct str marker, struct opt_i64 max, struct api_page *ret);
struct str rds_page_next(struct api_call *call, const struct api_page *page);
/* name, value …: the value, p NULL when there is none. */
struct str rds_pair(const struct str_list *pairs, const char *name);
void rds_pair_set(struct api_call *call, struct str_list *pairs, struct str name, struct str value);
bool rds_instance_ok(const struct rds_instance_row *row);

/* ---- offer.c: engines, classes, storage, parameters ---- */

struct rds_parameter {
    const char *name, *type, *allowed;
    int64_t min, max; /* of an integer */
    bool dynamic;
};
struct rds_offer {
    const char *engine, *version, *major, *family, *licence, *title, *option_group;
    int64_t port;
    size_t user_max, password_max, database_max;
    const char *reserved; /* names of users, with blanks around each */
    const struct rds_parameter *parameters;
    size_t n_parameters;
};
const struct rds_offer *rds_offer_find(struct str engine);
const struct rds_offer *rds_offer_of_family(struct str family);
const struct rds_parameter *rds_parameter_find(const struct rds_offer *offer, struct str name);
/* Fault: InvalidParameterValue. */
int rds_offer_check(struct api_call *call, struct str engine, struct str version,
                    const struct rds_offer **ret);
/* "t3.micro" of "db.t3.micro".  Fault: InvalidParameterCombination. */
int rds_class_check(struct api_call *call, const struct rds_offer *offer, struct str name,
                    struct str *ret_type);
/* Fault: InvalidParameterCombination, InvalidParameterValue. */
int rds_storage_check(struct api_call *call, const struct rds_instance_row *row);

/* ---- password.c ---- */

/* What the engine checks the password by; its text may be told to the guest. */
int rds_password_set(struct api_call *call, const struct rds_offer *offer, struct str password,
                     struct str *ret);

/* ---- window.c ---- */

/* "hh:mm-hh:mm" and "ddd:hh:mm-ddd:hh:mm"; absent ones are chosen by the instance's id. */
int rds_windows_set(struct api_call *call, struct str backup, struct str maintenance,
                    struct rds_instance_row *row);
/* When a window is open: now_ms if it is, else when it opens next. */
int64_t rds_window_next(struct str window, int64_t now_ms);

/* ---- machine.c ---- */

/* A call of EC2 as an account itself.  A refusal is in call->fault. */
int rds_ec2(struct api_call *call, struct str account, const char *operation, const void *req,
            void *res);
/* Launches it, by its row; image_id empty: the engine's own. */
int rds_machine_launch(struct api_call *call, struct rds_instance_row *row, struct str image_id);
/* Whether this host can run engines at all: a refusal that says what is to be done. */
int rds_machine_check(struct api_call *call);
const struct ec2_instance_row *
rds_machine(struct api_call *call, const struct rds_instance_row *row);
/* Tells the agent what the row says. */
int rds_machine_tell(struct api_call *call, struct rds_instance_row *row);
enum rds_said { RDS_SAID_NOTHING, RDS_SAID_READY, RDS_SAID_FAILED };
/* What the agent said of what it was told last. */
enum rds_said
rds_machine_said(struct api_call *call, const struct rds_instance_row *row, struct str *ret_why);
int
rds_machine_power(struct api_call *call, const struct rds_instance_row *row, const char *operation);
int rds_machine_class(struct api_call *call, const struct rds_instance_row *row, struct str type);
int rds_machine_storage(struct api_call *call, const struct rds_instance_row *row);
int rds_machine_groups(struct api_call *call, const struct rds_instance_row *row);

/* ---- instance.c ---- */

const struct rds_instance_row *rds_instance_look(struct api_call *call, struct str name);
int rds_instance_find(struct api_call *call, struct str name, struct rds_instance_row *ret);
int rds_instance_save(struct api_call *call, const struct rds_instance_row *row);
/* The only way to another status; the row is written. */
int rds_instance_move(struct api_call *call, struct rds_instance_row *row, enum rds_status to,
                      enum rds_step step);

/* ---- create.c ---- */

/* What CreateDBInstance and a restore have in common: the place, then the machine. */
struct rds_place {
    struct str subnet_group, zone;
    struct str_list groups;
};
int
rds_place_set(struct api_call *call, const struct rds_place *place, struct rds_instance_row *row);
/* Writes it and launches its machine. */
int rds_instance_make(struct api_call *call, struct rds_instance_row *row, struct str image_id);
int rds_name_free(struct api_call *call, struct str given, struct rds_instance_row *row);
int
rds_groups_set(struct api_call *call, const struct str_list *groups, struct rds_instance_row *row);

/* ---- modify.c ---- */

/* Begins with what waits: a new password, and when row->now all else.  It is available. */
int rds_modify_begin(struct api_call *call, struct rds_instance_row *row);

/* ---- show.c ---- */

struct rds_DBInstance *rds_instance_show(struct api_call *call, const struct rds_instance_row *row);

/* ---- subnet_group.c ---- */

/* Absent: the default one, which is made of the default VPC. */
int rds_subnet_group_find(struct api_call *call, struct str name, struct rds_subnet_group_row *ret);
struct rds_DBSubnetGroup
rds_subnet_group_show(struct api_call *call, const struct rds_subnet_group_row *row);

/* ---- parameter_group.c ---- */

/* Puts the group of that name (absent: the default one), and what it says, into the row. */
int rds_parameter_group_set(struct api_call *call, const struct rds_offer *offer, struct str name,
                            struct rds_instance_row *row);
/* What the row's group says now. */
struct str_list rds_parameters_of(struct api_call *call, const struct rds_instance_row *row);
struct str rds_default_group(struct api_call *call, const struct rds_offer *offer);

/* ---- snapshot.c ---- */

int rds_snapshot_begin(struct api_call *call, const struct rds_instance_row *from, struct str name,
                       const char *type, const struct str_list *tags, struct rds_snapshot_row *ret);
/* Whether one of the instance is being made. */
bool rds_snapshot_runs(struct api_call *call, const struct rds_instance_row *row);
/* Follows the image that it is. */
int rds_snapshot_step(struct api_call *call, struct str id);
/* Automated ones that are older than the instance keeps them, or all. */
int rds_snapshots_expire(struct api_call *call, const struct rds_instance_row *row, bool all);
int rds_snapshot_name_free(struct api_call *call, const char *parameter, struct str given,
                           struct str *ret);

/* ---- tag.c ---- */

int rds_tags_put(struct api_call *call, const struct rds_TagList *tags, struct str_list *to);
struct rds_TagList rds_tags_show(struct arena *arena, const struct str_list *tags);

/* ---- event.c ---- */

enum rds_event {
    RDS_EVENT_CREATED,
    RDS_EVENT_DELETED,
    RDS_EVENT_BACKUP,
    RDS_EVENT_BACKED_UP,
    RDS_EVENT_SHUT_DOWN,
    RDS_EVENT_RESTARTED,
    RDS_EVENT_STOPPED,
    RDS_EVENT_STARTED,
    RDS_EVENT_CLASS_BEGIN,
    RDS_EVENT_CLASS_END,
    RDS_EVENT_STORAGE_BEGIN,
    RDS_EVENT_STORAGE_END,
    RDS_EVENT_PASSWORD,
    RDS_EVENT_FAILED,
    RDS_EVENT_RECOVERY,
    RDS_EVENT_RESTORED,
    RDS_EVENT_SNAPSHOT_BEGIN,
    RDS_EVENT_SNAPSHOT_END,
    RDS_EVENT_SNAPSHOT_DELETED,
    RDS_N_EVENTS,
};
/* Writes it, and tells EventBridge. */
int rds_event_put(struct api_call *call, enum rds_event event, struct str name);
