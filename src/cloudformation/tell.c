/* Notifications of stacks: each event as a message to the stack's topics, in AWS's form of text. */
#include "cloudformation/engine.h"

#include "api/notify.h"
#include "base/log.h"
#include "base/timefmt.h"

#define VIA "cloudformation.amazonaws.com"
#define TEXT_MAX ((size_t)200 << 10)

static struct str
text_of(struct cfn_look *look, const struct cfn_event_row *row)
{
    const struct cfn_stack_row *stack = &look->stack;
    struct arena *a = look->call->arena;
    const struct {
        const char *name;
        struct str value;
    } lines[] = {
        {"StackId", stack->id},
        {"Timestamp", time_iso(a, row->at_ms)},
        {"EventId", row->id},
        {"LogicalResourceId", row->logical},
        {"Namespace", stack->account},
        {"PhysicalResourceId", row->physical},
        {"PrincipalId", look->call->principal_id},
        {"ResourceProperties", row->props.n ? row->props : S("null")},
        {"ResourceStatus", row->status},
        {"ResourceStatusReason", row->reason},
        {"ResourceType", row->type},
        {"StackName", stack->name},
        {"ClientRequestToken", row->token.n ? row->token : S("null")},
    };
    struct buf buf;

    buf_init(&buf, TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        buf_add_fmt(&buf, "%s='%.*s'\n", lines[i].name, STR_ARG(lines[i].value));
    struct str text = buf_failed(&buf) ? STR_NONE : str_dup(a, buf_str(&buf));

    buf_done(&buf);
    return text;
}

/* A topic that cannot be told changes nothing for the stack. */
int
cfn_tell(struct cfn_look *look, const struct cfn_event_row *row)
{
    int r = 0;

    assert(row->id.n && str_eq(row->stack, look->stack.id));
    LIST_EACH(&look->stack.notify, arn) {
        const struct api_notice notice = {.target = *arn,
                                          .subject = S("AWS CloudFormation Notification"),
                                          .text = text_of(look, row),
                                          .via = VIA};

        if (r < 0 || !notice.text.p || !str_starts(*arn, S("arn:aws:sns:")) ||
            !api_notice_takes(*arn))
            continue;
        r = api_notify(look->call, &notice);
        if (r > 0)
            log_info("%.*s is not told of %.*s: %.*s", STR_ARG(*arn), STR_ARG(look->stack.id),
                     STR_ARG(look->call->fault.message));
        if (r > 0)
            look->call->fault = (struct api_fault){0};
        r = MIN(r, 0);
    }
    return r;
}
