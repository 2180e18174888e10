/*
 * Events: what DescribeEvents tells of the last 14 days, and the same for EventBridge.  Which there
 * are is a table: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
 */
#include "rds/rds.h"

#include "api/event.h"
#include "base/timefmt.h"
#include "codec/json.h"

enum { KEPT_MS_DAYS = 14, HOUR_MIN = 60 };

static const struct {
    const char *id, *source_type, *category, *message;
} events[RDS_N_EVENTS] = {
    [RDS_EVENT_CREATED] = {"RDS-EVENT-0005", "db-instance", "creation", "DB instance created"},
    [RDS_EVENT_DELETED] = {"RDS-EVENT-0003", "db-instance", "deletion", "DB instance deleted"},
    [RDS_EVENT_BACKUP] = {"RDS-EVENT-0001", "db-instance", "backup", "Backing up DB instance"},
    [RDS_EVENT_BACKED_UP] = {"RDS-EVENT-0002", "db-instance", "backup",
                             "Finished DB Instance backup"},
    [RDS_EVENT_SHUT_DOWN] = {"RDS-EVENT-0004", "db-instance", "availability",
                             "DB instance shutdown"},
    [RDS_EVENT_RESTARTED] = {"RDS-EVENT-0006", "db-instance", "availability",
                             "DB instance restarted"},
    [RDS_EVENT_STOPPED] = {"RDS-EVENT-0087", "db-instance", "notification", "DB instance stopped"},
    [RDS_EVENT_STARTED] = {"RDS-EVENT-0088", "db-instance", "notification", "DB instance started"},
    [RDS_EVENT_CLASS_BEGIN] = {"RDS-EVENT-0011", "db-instance", "configuration change",
                               "Applying modification to database instance class"},
    [RDS_EVENT_CLASS_END] = {"RDS-EVENT-0014", "db-instance", "configuration change",
                             "Finished applying modification to DB instance class"},
    [RDS_EVENT_STORAGE_BEGIN] = {"RDS-EVENT-0018", "db-instance", "configuration change",
                                 "Applying modification to allocated storage"},
    [RDS_EVENT_STORAGE_END] = {"RDS-EVENT-0017", "db-instance", "configuration change",
                               "Finished applying modification to allocated storage"},
    [RDS_EVENT_PASSWORD] = {"RDS-EVENT-0016", "db-instance", "configuration change",
                            "Reset master credentials"},
    [RDS_EVENT_FAILED] = {"RDS-EVENT-0031", "db-instance", "failure",
                          "DB instance put into failed state. RDS recommends that you initiate a "
                          "point-in-time-restore."},
    [RDS_EVENT_RECOVERY] = {"RDS-EVENT-0020", "db-instance", "recovery",
                            "Recovery of the DB instance has started. Recovery time will vary with "
                            "the amount of data to be recovered."},
    [RDS_EVENT_RESTORED] = {"RDS-EVENT-0043", "db-instance", "restoration",
                            "Restored from snapshot"},
    [RDS_EVENT_SNAPSHOT_BEGIN] = {"RDS-EVENT-0040", "db-snapshot", "creation",
                                  "Creating manual snapshot"},
    [RDS_EVENT_SNAPSHOT_END] = {"RDS-EVENT-0042", "db-snapshot", "creation",
                                "Manual snapshot created"},
    [RDS_EVENT_SNAPSHOT_DELETED] = {"RDS-EVENT-0041", "db-snapshot", "deletion",
                                    "Deleted manual snapshot"},
};

static int
expire(struct api_call *call)
{
    int r = 0;

    STORE_EACH(call->txn, rds_event_by_owner, row, call->account, call->region) {
        if (r || row->time_ms >= call->now_ms - KEPT_MS_DAYS * RDS_DAY_MS)
            break;
        r = rds_event_delete(call->txn, row->id);
    }
    return r;
}

static int
tell(struct api_call *call, enum rds_event event, const struct rds_event_row *row)
{
    bool db = strcmp(events[event].source_type, "db-instance") == 0;
    struct buf out;
    struct json_out o = {&out};
    struct str_list arns = {0};

    assert(row->categories.n == 1 && row->arn.n > 0);
    buf_init(&out, 4096);
    json_open(&o, '{');
    json_key(&o, S("EventCategories"));
    json_open(&o, '[');
    json_str(&o, row->categories.v[0]);
    json_close(&o, ']');
    json_key_str(&o, "SourceType", db ? S("DB_INSTANCE") : S("SNAPSHOT"));
    json_key_str(&o, "SourceArn", row->arn);
    json_key_str(&o, "Date", time_iso(call->arena, row->time_ms));
    json_key_str(&o, "Message", row->message);
    json_key_str(&o, "SourceIdentifier", row->source);
    json_key_str(&o, "EventID", str_from(events[event].id));
    json_close(&o, '}');
    *LIST_PUSH(call->arena, &arns) = row->arn;
    int r = api_event_put(call, "aws.rds", db ? "RDS DB Instance Event" : "RDS DB Snapshot Event",
                          arns, buf_str(&out));

    buf_done(&out);
    return r;
}

int
rds_event_put(struct api_call *call, enum rds_event event, struct str name)
{
    bool db = strcmp(events[event].source_type, "db-instance") == 0;
    struct rds_event_row row = {
        .id = api_uuid(call->env, call->arena),
        .account = call->account,
        .region = call->region,
        .source = name,
        .source_type = str_from(events[event].source_type),
        .arn = rds_arn(call, db ? "db" : "snapshot", name),
        .message = str_from(events[event].message),
        .time_ms = call->now_ms,
    };

    assert(event < RDS_N_EVENTS && events[event].id && name.n > 0);
    *LIST_PUSH(call->arena, &row.categories) = str_from(events[event].category);
    /* in the order of their making, where several are of one time */
    row.id = str_fmt(call->arena, "%020lld-%010llu-%.*s", (long long)call->now_ms,
                     (unsigned long long)store_count(call->txn, &rds_event_table), STR_ARG(row.id));
    int r = expire(call);

    if (r == 0)
        r = rds_event_insert(call->txn, &row);
    r = rds_written(r, "event", row.id);
    return r ? r : tell(call, event, &row);
}

/* ---- DescribeEvents ---- */

struct span {
    int64_t from_ms, to_ms;
};

static int
span_of(struct api_call *call, const struct rds_DescribeEventsMessage *req, struct span *ret)
{
    int64_t minutes = opt_i64_or(req->duration, HOUR_MIN);

    if (req->source_identifier.n && !req->source_type.n)
        return RDS_COMBINATION(call, "Cannot specify a source identifier without a source type");
    if (minutes < 1 || minutes > KEPT_MS_DAYS * 24 * HOUR_MIN)
        return RDS_INVALID(call, "Invalid duration: %lld", (long long)minutes);
    if (req->duration.set && req->start_time.set && req->end_time.set)
        return RDS_COMBINATION(call, "Cannot specify all of start time, end time and duration");
    ret->to_ms = opt_i64_or(req->end_time, call->now_ms);
    ret->from_ms = opt_i64_or(req->start_time, ret->to_ms - minutes * HOUR_MIN * 1000);
    if (req->start_time.set && !req->end_time.set && req->duration.set)
        ret->to_ms = ret->from_ms + minutes * HOUR_MIN * 1000;
    assert(call->now_ms > 0);
    if (ret->from_ms > ret->to_ms)
        return RDS_COMBINATION(call, "Start date must be before end date");
    return 0;
}

static bool
wanted(const struct rds_DescribeEventsMessage *req, const struct rds_event_row *row)
{
    bool category = req->event_categories.n == 0;

    LIST_EACH(&req->event_categories, c)
        category = category || str_in(&row->categories, *c);
    return category && (!req->source_type.n || str_eq(req->source_type, row->source_type)) &&
           (!req->source_identifier.n || str_eq_nocase(req->source_identifier, row->source));
}

int
rds_describe_events(struct api_call *call, const struct rds_DescribeEventsMessage *req,
                    struct rds_EventsMessage *res)
{
    const struct rds_refusal refused[] = {{req->filters.n > 0, "Filters"}};
    struct span span = {0};
    struct api_page page;
    int r = rds_refuse_first(call, refused, ARRAY_LEN(refused));

    if (r == 0)
        r = span_of(call, req, &span);
    if (r == 0)
        r = rds_page_open(call, req->marker, req->max_records, &page);
    if (r)
        return r;
    API_PRESENT(&res->events);
    STORE_EACH(call->txn, rds_event_by_owner, row, call->account, call->region) {
        if (row->time_ms < span.from_ms || row->time_ms > span.to_ms || !wanted(req, row))
            continue;
        if (api_page_take(&page, row->id))
            *LIST_PUSH(call->arena, &res->events) = (struct rds_Event){
                .source_identifier = row->source,
                .source_type = row->source_type,
                .message = row->message,
                .event_categories = row->categories,
                .date = opt_i64(row->time_ms),
                .source_arn = row->arn,
            };
        if (page.more)
            break;
    }
    res->marker = rds_page_next(call, &page);
    return 0;
}
