/* What tests of CloudFormation share. */
#pragma once

#include "harness/world.h"

#define V "&Version=2010-05-15"

UNUSED static struct str
create(struct world *w, const char *name, const char *more, const char *template)
{
    return world_callf(w, "Action=CreateStack" V "&StackName=%s%s&TemplateBody=%.*s", name, more,
                       STR_ARG(world_code(w, str_from(template))));
}

UNUSED static struct str
update(struct world *w, const char *name, const char *more, const char *template)
{
    return world_callf(w, "Action=UpdateStack" V "&StackName=%s%s&TemplateBody=%.*s", name, more,
                       STR_ARG(world_code(w, str_from(template))));
}

UNUSED static void
refused(struct world *w, const char *template, const char *code, const char *message)
{
    struct str reply = create(w, "refused", "", template);

    CHECK_FAULT(w, reply, code);
    if (message)
        CHECK_STR(xml_text(reply, "Message"), message);
}

static struct str
stack(struct world *w, const char *name)
{
    return world_okf(w, "Action=DescribeStacks" V "&StackName=%s", name);
}

/* Events oldest first, a line each: LOGICAL STATUS [- DETAILED] [REASON]. */
UNUSED static const char *
events(struct world *w, const char *name)
{
    struct str reply = world_okf(w, "Action=DescribeStackEvents" V "&StackName=%s", name);
    struct str lines = S("");

    for (size_t i = xml_count(reply, "EventId"); i-- > 0;) {
        struct str member = xml_element_at(xml_element(reply, "StackEvents"), "member", i);
        struct str reason = xml_text(member, "ResourceStatusReason");
        struct str detailed = xml_text(member, "DetailedStatus");

        lines = str_fmt(test_arena(), "%.*s%.*s %.*s%s%.*s%s%.*s\n", STR_ARG(lines),
                        STR_ARG(xml_text(member, "LogicalResourceId")),
                        STR_ARG(xml_text(member, "ResourceStatus")), detailed.n ? " - " : "",
                        STR_ARG(detailed), reason.n ? " " : "", STR_ARG(reason));
    }
    return str_cstr(test_arena(), lines);
}

UNUSED static void
check_status(struct world *w, const char *name, const char *status)
{
    struct str seen = xml_text(stack(w, name), "StackStatus");

    if (!str_is(seen, status))
        FAIL("%s is %.*s, not %s:\n%s", name, STR_ARG(seen), status, events(w, name));
}

#define IAM "&Capabilities.member.1=CAPABILITY_IAM"
#define NAMED "&Capabilities.member.1=CAPABILITY_NAMED_IAM"
