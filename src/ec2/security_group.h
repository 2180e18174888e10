/*
 * What the files of security groups' rules share.  A rule that a request speaks of has the form of
 * its row: group, direction, protocol, ports, one peer and a description are set, the rest is not.
 */
#pragma once

#include "ec2/ec2.h"

struct ec2_rule_list {
    struct ec2_sg_rule_row *v;
    size_t n;
};

/* The old flat form of one rule; members absent as in the request. */
struct ec2_rule_flat {
    struct str cidr, protocol, source_name, source_owner;
    struct opt_i64 from_port, to_port;
};

static inline bool
ec2_rule_flat_given(const struct ec2_rule_flat *flat)
{
    return flat->cidr.p || flat->protocol.p || flat->source_name.p || flat->source_owner.p ||
           flat->from_port.set || flat->to_port.set;
}

/*
 * The rules that a request lists, checked and in canonical form, a row for each source.  Either
 * form may be absent; `flat` is NULL where an operation has none.  Faults: MissingParameter,
 * InvalidParameterValue, InvalidParameterCombination, InvalidGroup.NotFound …
 */
int ec2_rules_parse(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
                    const struct ec2_IpPermissionList *permissions,
                    const struct ec2_rule_flat *flat, struct ec2_rule_list *ret);
/* The rule that ModifySecurityGroupRules asks for instead of `old`. */
int ec2_rule_parse_update(struct api_call *call, const struct ec2_security_group_row *group,
                          const struct ec2_sg_rule_row *old,
                          const struct ec2_SecurityGroupRuleRequest *req,
                          struct ec2_sg_rule_row *ret);
/* The check of a rule's description, also without a rule around it. */
int ec2_rule_description_check(struct api_call *call, struct str description);

/* Whether both are of one group and direction and say the same, descriptions aside. */
bool ec2_rule_same(const struct ec2_sg_rule_row *a, const struct ec2_sg_rule_row *b);
/* Adds a rule to a list of permissions, to the one that has its protocol and ports. */
void ec2_permission_add(struct api_call *call, struct ec2_IpPermissionList *list,
                        const struct ec2_sg_rule_row *rule);
