/*
 * How one service tells a topic, a queue or a function of something: by their own operations, as
 * the principal of the call that is given (api_service_call(), a kept actor, a role), inside its
 * transaction.  The target's Region counts, not the call's.
 */
#pragma once

#include "api/api.h"

struct api_notice {
    struct str target;  /* an ARN of SNS, SQS or Lambda */
    struct str subject; /* of topics; p NULL: none */
    struct str text;    /* of a function, JSON */
    struct str group;   /* of FIFO queues and topics; p NULL: none */
    struct str_list attributes; /* of a queue's message, texts: name, value … */
    const char *via;    /* the service that tells: "s3.amazonaws.com" */
};

/* Whether the ARN is one of those.  */
bool api_notice_takes(struct str target);
/* 0; positive: call->fault says why it is refused; negative. */
int api_notify(struct api_call *call, const struct api_notice *notice);
