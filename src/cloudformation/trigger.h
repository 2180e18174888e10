/* Rollback triggers: alarms that take a creation or an update back. */
#pragma once

#include "cloudformation/engine.h"
#include "gen/api/cloudformation.h"

/* RollbackConfiguration of a request into a row; what was not said is kept. 0, positive. */
int
cfn_triggers_take(struct api_call *call, const struct cloudformation_RollbackConfiguration *given,
                  const struct cfn_stack_row *before, struct cfn_stack_row *row);
struct cloudformation_RollbackConfiguration *
cfn_triggers_show(struct arena *a, const struct str_list *triggers, int64_t minutes);
/* Why the operation goes back; absent: no alarm is on, and all are there. 0 or negative. */
int cfn_triggers_look(struct cfn_look *look, struct str *ret_why);
