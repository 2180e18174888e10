/*
 * Rolling updates of groups (UpdatePolicy AutoScalingRollingUpdate): what is to be done next with a
 * group as it is, and what is told of it.  Pure: group.c makes the calls, and keeps the state
 * between them.  Sentences, batches and sizes are those of event lists that users of AWS published:
 * guardian/testing-asg-rolling-update, andresmith/CFN-Workshop-201807, crewjam's etcd.
 */
#pragma once

#include "base/list.h"
#include "cloudformation/tree.h"

enum cfn_roll_at {
    CFN_ROLL_BEGIN,
    CFN_ROLL_SETTLE, /* until as many are in service as are wanted */
    CFN_ROLL_WAIT,   /* for signals of new instances, or for a pause */
    CFN_ROLL_END,    /* the next batch */
    CFN_ROLL_GOING,  /* until a batch is gone */
    CFN_ROLL_OVER,
};

/* The policy, and how far it is carried out. */
struct cfn_roll {
    int64_t max_batch, in_service, active_percent, percent, pause_ms, waits;
    struct str pause; /* as it was given: PT5M */
    struct str_list suspend;

    int64_t at;                        /* enum cfn_roll_at */
    int64_t min, desired;              /* sizes to go back to */
    int64_t resized;                   /* they are others now */
    int64_t total, batch;              /* obsolete instances; how many go together */
    int64_t expected, lost;            /* signals; those that never came */
    int64_t until_ms;                  /* of a wait */
    int64_t since_ms;                  /* when it began */
    struct str_list old, going, known; /* ids: obsolete ones left, those of a batch, all seen */
    struct str_list suspended;         /* processes that were not before */
};

struct cfn_group {
    int64_t min, max, desired;
    struct cfn_group_instance {
        struct str id;
        bool in_service, obsolete;
    } * v;
    size_t n;
};

/* What is to be done; calls first, then the events are told in their order. */
struct cfn_roll_step {
    struct str_list events;
    int64_t set_min, set_desired; /* -1: as it is */
    struct str_list end;          /* instances that are terminated */
    size_t replaced;              /* of them the first that many are replaced */
    struct str failed;            /* the update failed */
    int64_t look_ms;              /* when to look again; 0: when something happens */
};

/* UpdatePolicy's AutoScalingRollingUpdate.  Absent, or what is wrong with it. */
struct str cfn_roll_policy(struct arena *a, const struct json *in, struct cfn_roll *ret);
/* PT1H30M5S in ms, at most 12 hours. */
bool cfn_duration(struct str s, int64_t *ret);

/* One step; signals are all that came so far.  Whether it came further. */
bool cfn_roll_next(struct arena *a, struct cfn_roll *roll, const struct cfn_group *group,
                   int64_t good, int64_t bad, int64_t now_ms, struct cfn_roll_step *ret);

/* Of the failure of a group some of whose signals were bad or lost; absent: enough are good. */
struct str cfn_roll_enough(struct arena *a, int64_t good, int64_t bad, int64_t lost, int64_t total,
                           int64_t percent);
struct str cfn_roll_lost(struct arena *a, int64_t lost);

struct str cfn_roll_print(struct arena *a, const struct cfn_roll *roll);
/* What cfn_roll_print() wrote. */
bool cfn_roll_read(struct arena *a, struct str text, struct cfn_roll *ret);
