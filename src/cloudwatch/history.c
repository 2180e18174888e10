/* What happened to alarms: for 30 days, and the newest HISTORY_MAX of the whole cloud. */
#include "cloudwatch/alarm.h"

#include "api/scalar.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    HISTORY_MAX = 100000,
    SUMMARY_MAX = 255,

    TRIM_A_LOOK = 5000,
    ID_BYTES = 17
};
#define HISTORY_KEEP_MS (30 * CLOUDWATCH_DAY_MS)

static struct str
key_of(uint64_t number, char room[ID_BYTES])
{
    int n = snprintf(room, ID_BYTES, "%016llx", (unsigned long long)number);

    assert(n == ID_BYTES - 1);
    return str_of(room, (size_t)n);
}

int
cloudwatch_history_put(struct api_call *call, const struct cloudwatch_alarm_row *alarm,
                       const char *kind, struct str summary, struct str data)
{
    const struct cloudwatch_history_state_row *old =
        cloudwatch_history_state_get(call->txn, S("history"));
    struct cloudwatch_history_state_row state = {.id = S("history"), .next = old ? old->next : 0};
    char room[ID_BYTES];

    assert(summary.n > 0 && data.n > 0);
    assert(state.next >= 0);
    int r = cloudwatch_history_insert(call->txn,
                                      &(struct cloudwatch_history_row){
                                          .id = key_of((uint64_t)state.next++, room),
                                          .account = alarm->account,
                                          .region = alarm->region,
                                          .alarm = alarm->name,
                                          .composite = alarm->composite,
                                          .kind = str_from(kind),
                                          .time_ms = call->now_ms,
                                          .summary = api_excerpt(summary, SUMMARY_MAX),
                                          /* JSON that would be cut is told apart from none. */
                                          .data = str_chars(data) > CLOUDWATCH_HISTORY_DATA_MAX
                                                      ? S("{\"truncated\":true}")
                                                      : data,
                                      });

    if (r < 0)
        return r;
    return old ? cloudwatch_history_state_update(call->txn, &state)
               : cloudwatch_history_state_insert(call->txn, &state);
}

int
cloudwatch_history_trim(struct txn *txn, int64_t now_ms)
{
    size_t n = store_count(txn, &cloudwatch_history_table), gone = 0;
    int r = 0;

    STORE_EACH(txn, cloudwatch_history_by_key, row) {
        if (r < 0 || gone == TRIM_A_LOOK ||
            (n - gone <= HISTORY_MAX && row->time_ms > now_ms - HISTORY_KEEP_MS))
            break;
        cloudwatch_history_assert(row);
        r = cloudwatch_history_delete(txn, row->id);
        gone++;
    }
    return r;
}

/* ---- DescribeAlarmHistory ---- */

struct found {
    const struct cloudwatch_history_row **v;
    size_t n;
};

static bool
passes(const struct cloudwatch_DescribeAlarmHistoryInput *req,
       const struct cloudwatch_history_row *row)
{
    struct str type = row->composite ? S("CompositeAlarm") : S("MetricAlarm");

    if (req->alarm_types.n ? !str_in(&req->alarm_types, type) : row->composite)
        return false;
    return (!req->history_item_type.p || str_eq(req->history_item_type, row->kind)) &&
           (!req->start_date.set || row->time_ms >= req->start_date.v) &&
           (!req->end_date.set || row->time_ms <= req->end_date.v);
}

static struct found
find(struct api_call *call, const struct cloudwatch_DescribeAlarmHistoryInput *req)
{
    struct str owner[] = {call->account, call->region, req->alarm_name};
    struct store_key keys[] = {STORE_KEY(owner[0]), STORE_KEY(owner[1]), STORE_KEY(owner[2])};
    bool named = req->alarm_name.p != NULL;
    struct store_cursor c =
        store_seek(call->txn, named ? &cloudwatch_history_by_alarm : &cloudwatch_history_by_owner,
                   keys, named ? 3 : 2);
    const struct cloudwatch_history_row *row;
    struct found found = {0};

    while ((row = store_next(&c))) {
        cloudwatch_history_assert(row);
        if (passes(req, row))
            *LIST_PUSH(call->arena, &found) = row;
    }
    return found;
}

int
cloudwatch_describe_alarm_history(struct api_call *call,
                                  const struct cloudwatch_DescribeAlarmHistoryInput *req,
                                  struct cloudwatch_DescribeAlarmHistoryOutput *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100, .otherwise = 100};
    const struct api_page_scope scope = api_page_scope(call);
    bool ascending = str_is(req->scan_by, "TimestampAscending");
    struct api_page page;

    if (req->alarm_contributor_id.p)
        return cloudwatch_unsupported(call, "AlarmContributorId");
    if (api_page_open(call->arena, &scope, &rule, req->next_token, req->max_records, false, &page,
                      &call->fault))
        return api_fault(call, &CLOUDWATCH_ERR(InvalidNextToken), "Invalid next token");
    struct found found = find(call, req);

    API_PRESENT(&res->alarm_history_items);
    for (size_t i = 0; i < found.n && !page.more; i++) {
        const struct cloudwatch_history_row *row = found.v[ascending ? i : found.n - 1 - i];
        uint64_t number = strtoull(str_cstr(call->arena, row->id), NULL, 16);
        char *room = arena_alloc_raw(call->arena, ID_BYTES);

        /* Keys of pages grow, whichever way time goes. */
        if (!api_page_take(&page, key_of(ascending ? number : UINT64_MAX - number, room)))
            continue;
        *LIST_PUSH(call->arena, &res->alarm_history_items) = (struct cloudwatch_AlarmHistoryItem){
            .alarm_name = row->alarm,
            .alarm_type = row->composite ? S("CompositeAlarm") : S("MetricAlarm"),
            .timestamp = opt_i64(row->time_ms),
            .history_item_type = row->kind,
            .history_summary = row->summary,
            .history_data = row->data,
        };
    }
    res->next_token = api_page_next(call->arena, &scope, &page);
    return 0;
}
