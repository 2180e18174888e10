/* What is true of every row of CloudFormation, as assertions: asked where they are written. */
#pragma once

#include "cloudformation/engine.h"

void cfn_stack_assert(const struct cfn_stack_row *row);
void cfn_resource_assert(const struct cfn_resource_row *row);
void cfn_stack_set_assert(const struct cfn_stack_set_row *row);
void cfn_stack_instance_assert(const struct cfn_stack_instance_row *row);
void cfn_set_operation_assert(const struct cfn_set_operation_row *row);
void cfn_set_target_assert(const struct cfn_set_target_row *row);
