/* What is true of every row, as assertions. */
#include "cloudwatch/alarm.h"
#include "cloudwatch/tier.h"

void
cloudwatch_metric_assert(const struct cloudwatch_metric_row *row)
{
    assert(row->id.n == CLOUDWATCH_METRIC_ID_BYTES - 1);
    assert(row->account.n && row->region.n);
    assert(row->namespace.n && row->name.n);
    assert(row->dimensions.n % 2 == 0);
    assert(row->dimensions.n <= 2 * CLOUDWATCH_DIMENSIONS_MAX);
    for (size_t i = 2; i < row->dimensions.n; i += 2)
        assert(str_cmp(row->dimensions.v[i - 2], row->dimensions.v[i]) < 0);
}

void
cloudwatch_span_assert(const struct cloudwatch_span_row *row)
{
    assert(row->metric.n == CLOUDWATCH_METRIC_ID_BYTES - 1);
    assert(row->tier >= 0 && row->tier < CLOUDWATCH_N_TIERS);
    assert(row->unit >= 0 && row->unit < cloudwatch_n_units);
    assert(cloudwatch_span_start((unsigned)row->tier, row->start_ms) == row->start_ms);
    assert(row->points.n > 0);
}

void
cloudwatch_alarm_assert(const struct cloudwatch_alarm_row *row)
{
    assert(row->name.n && row->account.n && row->region.n);
    assert(str_ends(row->id, row->name));
    assert(row->composite == (row->rule.n > 0));
    assert(row->composite || (row->metric.n > 0) == (row->queries.n == 0));
    assert(row->composite || row->evaluation_periods > 0);
    assert(row->composite || row->period_s >= 10);
    assert(row->composite || row->threshold.n > 0);
    assert(row->fast == (!row->composite && row->period_s < 60));
    assert(row->datapoints <= row->evaluation_periods);
    assert(row->statistic.n == 0 || row->extended.n == 0);
    assert(row->transitioned_ms <= row->state_ms);
    assert(row->tags.n % 2 == 0);
    assert(row->actor.n > 0);
}

void
cloudwatch_history_assert(const struct cloudwatch_history_row *row)
{
    assert(row->account.n && row->region.n);
    assert(row->alarm.n > 0);
    assert(row->kind.n && row->summary.n);
    assert(row->data.n > 0);
    assert(row->time_ms >= 0);
}
