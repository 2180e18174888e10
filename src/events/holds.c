/* What is true of every row, as assertions. */
#include "events/events.h"

void
events_bus_assert(const struct events_bus_row *row)
{
    assert(row->account.n == 12 && row->region.n > 0 && row->name.n > 0);
    assert(str_starts(row->id, S("arn:aws:events:")) && str_ends(row->id, row->name));
    assert(row->created_ms > 0 && row->modified_ms >= row->created_ms);
    assert(row->tags.n % 2 == 0 && row->policy.n <= EVENTS_POLICY_MAX);
}

void
events_rule_assert(const struct events_rule_row *row)
{
    assert(row->account.n == 12 && row->region.n > 0 && row->bus.n > 0 && row->name.n > 0);
    assert(str_starts(row->id, S("arn:aws:events:")) && str_ends(row->id, row->name));
    assert(row->pattern.n > 0 || row->schedule.n > 0);
    assert(!row->schedule.n || str_is(row->bus, EVENTS_DEFAULT));
    assert(row->next_ms >= 0 && (row->schedule.n > 0 || row->next_ms == 0));
    assert(row->tags.n % 2 == 0 && row->state.n > 0);
}

void
events_target_assert(const struct events_target_row *row)
{
    assert(str_starts(row->id, row->rule) && str_ends(row->id, row->target));
    assert(row->account.n == 12 && row->region.n > 0 && row->bus.n > 0);
    assert(str_starts(row->arn, S("arn:")) && row->paths.n % 2 == 0);
    assert(row->retries >= 0 && row->retries <= EVENTS_RETRIES + 1);
    assert(row->age_s >= 0 && row->age_s <= EVENTS_AGE_S);
}
