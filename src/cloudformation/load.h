/*
 * Text of a template into a tree: JSON, or YAML with CloudFormation's short tags (!Ref X is
 * {"Ref": X}, !GetAtt A.B is {"Fn::GetAtt": ["A", "B"]}, any other !F is {"Fn::F": …}).
 * Pure; the text is hostile.
 */
#pragma once

#include "codec/json.h"

#define CFN_NODES_MAX 200000
#define CFN_MEMBERS_MAX 5000 /* of one object: each is compared with those before it */
#define CFN_DEPTH_MAX 60

/* Absent, or what is wrong: "Template format error: YAML not well-formed. (line 3, column 5)". */
struct str cfn_load(struct arena *a, struct str text, struct json *ret);
