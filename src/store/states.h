/*
 * The states of an instance and of a sandbox, as the rows hold them.  Part of the rows' schema:
 * numbers are on disk and never change.
 */
#pragma once

enum ec2_instance_state {
    EC2_PENDING,
    EC2_RUNNING,
    EC2_SHUTTING_DOWN,
    EC2_TERMINATED,
    EC2_STOPPING,
    EC2_STOPPED,
};

enum host_phase {
    HOST_NONE,    /* no sandbox: stopped, or not begun */
    HOST_BOOTING,
    HOST_UP,
    HOST_STOPPING, /* the power button was pressed */
    HOST_DOWN,     /* it ended; exit_kind says how */
    HOST_FAILED,   /* it could not be booted; reason says why */
    HOST_REMOVED,  /* its disk is gone as well */
    HOST_FROZEN,   /* its processes stand still, in memory, and nothing reaches it */
};

enum host_exit {
    HOST_EXIT_UNKNOWN,
    HOST_EXIT_POWEROFF, /* from inside */
    HOST_EXIT_REBOOT,   /* from inside; it is booted again at once */
    HOST_EXIT_KILLED,   /* by us */
    HOST_EXIT_CRASHED,
    HOST_EXIT_HOST_LOST, /* the host itself went down: no fault and no wish of the guest's */
};

enum host_volume_phase {
    HOST_VOLUME_OUT,    /* in no guest */
    HOST_VOLUME_IN,     /* a device of a guest that runs */
    HOST_VOLUME_FAILED, /* it could not become one; reason says why */
};

/* The reason of one that is IN and cannot be taken away. */
#define HOST_VOLUME_BUSY "busy"

enum host_snapshot_phase {
    HOST_SNAPSHOT_WHOLE,
    HOST_SNAPSHOT_FAILED, /* reason says why */
};

/* What copies of snapshots say that they were made of. */
#define EC2_VOLUME_OF_COPIES "vol-ffffffff"
