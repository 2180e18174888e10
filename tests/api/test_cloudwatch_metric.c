/* Metrics: what is published is read again, as periods, by every format, for as long as AWS keeps
 * it. */
#include "cloudwatch_help.h"

#include "base/timefmt.h"
#include "gen/store/cloudwatch_rows.h"

#define DIMENSIONS                                                                                 \
    "'Dimensions': [{'Name': 'InstanceId', 'Value': '1-23456789'}, "                               \
    "{'Name': 'InstanceType', 'Value': 'm1.small'}]"

/* Of the metric Test/NAME, from `from` seconds before now until now. */
static struct str
statistics(struct world *w, const char *name, long long from, long long period, const char *more)
{
    return CWF(w, "GetMetricStatistics",
               "{'Namespace': 'Test', 'MetricName': '%s', 'StartTime': %lld, 'EndTime': %lld, "
               "'Period': %lld, %s}",
               name, cw_now(w) - from, cw_now(w) + 1, period, more);
}

TEST(a_value_is_published_and_read_with_all_statistics, "CWM-07")
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    for (int i = 1; i <= 3; i++)
        cw_put(w, "funny", i * 10);
    struct str got = statistics(w, "funny", 60, 60,
                                "'Statistics': ['SampleCount', 'Average', 'Sum', 'Minimum', "
                                "'Maximum']");

    CHECK_INT(json_count(got, "Datapoints"), 1);
    CHECK_STR(json_path(got, "Label"), "funny");
    CHECK_NUMBER(got, "Datapoints.0.SampleCount", 3);
    CHECK_NUMBER(got, "Datapoints.0.Average", 20);
    CHECK_NUMBER(got, "Datapoints.0.Sum", 60);
    CHECK_NUMBER(got, "Datapoints.0.Minimum", 10);
    CHECK_NUMBER(got, "Datapoints.0.Maximum", 30);
    CHECK_STR(json_path(got, "Datapoints.0.Unit"), "None");
    CHECK_NUMBER(got, "Datapoints.0.Timestamp", cw_now(w));
    world_crash(w);
    CHECK_NUMBER(statistics(w, "funny", 60, 60, "'Statistics': ['Sum']"), "Datapoints.0.Sum", 60);
    /* Another account, another region. */
    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(json_count(statistics(w, "funny", 60, 60, "'Statistics': ['Sum']"), "Datapoints"), 0);
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(json_count(statistics(w, "funny", 60, 60, "'Statistics': ['Sum']"), "Datapoints"), 0);
    world_free(w);
}

TEST(dimensions_in_any_order_name_one_metric, "CWM-10 CWM-11")
{
    struct world *w = world_new();

    cw(w, "PutMetricData",
       "{'Namespace': 'Custom', 'MetricData': [{'MetricName': 'FunnyMetric', 'Value': "
       "1243, " DIMENSIONS "}]}");
    struct str got =
        CWF(w, "GetMetricStatistics",
            "{'Namespace': 'Custom', 'MetricName': 'FunnyMetric', 'StartTime': %lld, 'EndTime': "
            "%lld, 'Period': 60, 'Statistics': ['Maximum'], 'Dimensions': ["
            "{'Name': 'InstanceType', 'Value': 'm1.small'}, "
            "{'Name': 'InstanceId', 'Value': '1-23456789'}]}",
            cw_now(w) - 60, cw_now(w) + 60);

    CHECK_NUMBER(got, "Datapoints.0.Maximum", 1243);
    /* With one of them it is another metric. */
    got = CWF(w, "GetMetricStatistics",
              "{'Namespace': 'Custom', 'MetricName': 'FunnyMetric', 'StartTime': %lld, 'EndTime': "
              "%lld, 'Period': 60, 'Statistics': ['Maximum'], 'Dimensions': ["
              "{'Name': 'InstanceType', 'Value': 'm1.small'}]}",
              cw_now(w) - 60, cw_now(w) + 60);
    CHECK_INT(json_count(got, "Datapoints"), 0);
    got = cw(w, "ListMetrics", "{'Namespace': 'Custom'}");
    CHECK_INT(json_count(got, "Metrics"), 1);
    CHECK_STR(json_path(got, "Metrics.0.Dimensions.0.Name"), "InstanceId");
    CHECK_STR(json_path(got, "Metrics.0.Dimensions.1.Value"), "m1.small");
    world_free(w);
}

TEST(the_query_format_publishes_and_reads, "CWM-10")
{
    struct world *w = world_new();
    const char *window = test_fmt("StartTime=%s&EndTime=%s",
                                  test_cstr(time_iso_s(test_arena(), w->env.now_ms - 60000)),
                                  test_cstr(time_iso_s(test_arena(), w->env.now_ms + 60000)));

    world_ok(w, "Action=PutMetricData&Namespace=Custom&MetricData.member.1.MetricName=Funny&"
                "MetricData.member.1.Value=1243&MetricData.member.1.Dimensions.member.1.Name=a&"
                "MetricData.member.1.Dimensions.member.1.Value=b");
    struct str got = world_okf(w,
                               "Action=GetMetricStatistics&Namespace=Custom&MetricName=Funny&"
                               "Dimensions.member.1.Name=a&Dimensions.member.1.Value=b&Period=60&"
                               "Statistics.member.1=Average&%s",
                               window);

    CHECK_STR(xml_text(got, "Average"), "1243");
    CHECK_STR(xml_text(got, "Label"), "Funny");
    CHECK_STR(xml_text(got, "Unit"), "None");
    world_refused(w, "InvalidParameterValue",
                  "The value NaN for parameter MetricData.member.1.Value is invalid.",
                  "Action=PutMetricData&Namespace=Custom&MetricData.member.1.MetricName=Funny&"
                  "MetricData.member.1.Value=NaN");
    world_free(w);
}

TEST(statistic_sets_and_values_with_counts_add_up, "CWM-12")
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    cw(w, "PutMetricData",
       "{'Namespace': 'Test', 'MetricData': [{'MetricName': 'm', 'StatisticValues': {'SampleCount':"
       " 4, 'Sum': 40, 'Minimum': 1, 'Maximum': 30}}, {'MetricName': 'm', 'Values': [5, 50], "
       "'Counts': [2, 1]}, {'MetricName': 'v', 'Values': [5, 50, 7], 'Counts': [3, 1, 0]}]}");
    struct str got =
        statistics(w, "m", 60, 60, "'Statistics': ['SampleCount', 'Sum', 'Minimum', 'Maximum']");

    CHECK_NUMBER(got, "Datapoints.0.SampleCount", 7);
    CHECK_NUMBER(got, "Datapoints.0.Sum", 100);
    CHECK_NUMBER(got, "Datapoints.0.Minimum", 1);
    CHECK_NUMBER(got, "Datapoints.0.Maximum", 50);
    /* Percentiles need all values. */
    CHECK_INT(json_count(statistics(w, "m", 60, 60, "'ExtendedStatistics': ['p50']"), "Datapoints"),
              0);
    got =
        statistics(w, "v", 60, 60,
                   "'ExtendedStatistics': ['p50', 'p75.1', 'tm75', 'TC(:6)', 'PR(4:10)', 'TS(6:)',"
                   " 'wm75', 'IQM']");
    CHECK_NUMBER(got, "Datapoints.0.ExtendedStatistics.p50", 5);
    CHECK_NUMBER(got, "Datapoints.0.ExtendedStatistics.tm75", 5);
    CHECK_NUMBER(got, "Datapoints.0.ExtendedStatistics.TC(:6)", 3);
    CHECK_NUMBER(got, "Datapoints.0.ExtendedStatistics.PR(4:10)", 75);
    CHECK_NUMBER(got, "Datapoints.0.ExtendedStatistics.TS(6:)", 50);
    CHECK_NUMBER(got, "Datapoints.0.ExtendedStatistics.wm75", 5);
    CHECK_NUMBER(got, "Datapoints.0.ExtendedStatistics.IQM", 5);
    /* Nor are there any of negative values. */
    cw_put(w, "negative", -1);
    CHECK_INT(json_count(statistics(w, "negative", 60, 60, "'ExtendedStatistics': ['p50']"),
                         "Datapoints"),
              0);
    world_free(w);
}

TEST(units_are_kept_apart)
{
    struct world *w = world_new();

    cw(w, "PutMetricData",
       "{'Namespace': 'Test', 'MetricData': [{'MetricName': 'm', 'Value': 1, 'Unit': 'Seconds'}, "
       "{'MetricName': 'm', 'Value': 2, 'Unit': 'Bytes'}]}");
    struct str got = statistics(w, "m", 60, 60, "'Statistics': ['Sum']");

    CHECK_INT(json_count(got, "Datapoints"), 2);
    got = statistics(w, "m", 60, 60, "'Statistics': ['Sum'], 'Unit': 'Bytes'");
    CHECK_INT(json_count(got, "Datapoints"), 1);
    CHECK_NUMBER(got, "Datapoints.0.Sum", 2);
    CHECK_STR(json_path(got, "Datapoints.0.Unit"), "Bytes");
    got = statistics(w, "m", 60, 60, "'Statistics': ['Sum'], 'Unit': 'Count'");
    CHECK_INT(json_count(got, "Datapoints"), 0);
    world_free(w);
}

TEST(high_resolution_is_read_by_the_second, "CWM-08")
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    for (int i = 0; i < 10; i++) {
        CWF(w, "PutMetricData",
            "{'Namespace': 'Test', 'MetricData': [{'MetricName': 'm', 'Value': %d, "
            "'StorageResolution': 1}, {'MetricName': 'slow', 'Value': %d}]}",
            i, i);
        world_advance(w, 1000);
    }
    CHECK_INT(json_count(statistics(w, "m", 20, 1, "'Statistics': ['Sum']"), "Datapoints"), 10);
    struct str got = statistics(w, "m", 10, 5, "'Statistics': ['Sum']");

    CHECK_INT(json_count(got, "Datapoints"), 2);
    CHECK_NUMBER(got, "Datapoints.1.Sum", 5 + 6 + 7 + 8 + 9);
    /* What is kept by the minute is one datapoint. */
    CHECK_INT(json_count(statistics(w, "slow", 20, 1, "'Statistics': ['Sum']"), "Datapoints"), 1);
    /* After three hours there are only minutes. */
    world_advance(w, 4 * 3600 * 1000);
    CHECK_INT(json_count(CWF(w, "GetMetricStatistics",
                             "{'Namespace': 'Test', 'MetricName': 'm', 'StartTime': %lld, "
                             "'EndTime': %lld, 'Period': 1, 'Statistics': ['Sum']}",
                             cw_now(w) - 4 * 3600 - 20, cw_now(w) - 4 * 3600),
                         "Datapoints"),
              0);
    got = statistics(w, "m", 5 * 3600, 60, "'Statistics': ['Sum', 'SampleCount']");
    CHECK_INT(json_count(got, "Datapoints"), 1);
    CHECK_NUMBER(got, "Datapoints.0.Sum", 45);
    CHECK_NUMBER(got, "Datapoints.0.SampleCount", 10);
    world_free(w);
}

/* Rows of spans that there are. */
static size_t
spans(struct world *w)
{
    struct txn *txn = world_begin(w);
    size_t n = store_count(txn, &cloudwatch_span_table);

    store_rollback(txn);
    return n;
}

TEST(datapoints_age_into_coarser_ones_and_are_forgotten, "CWM-03")
{
    static const int64_t day = 24 * 3600;
    struct world *w = world_new();

    /* The first minute of a day, and 20 minutes of data. */
    world_advance(w, day * 1000 - w->env.now_ms % (day * 1000));
    for (int i = 0; i < 20; i++) {
        cw_put(w, "m", i);
        world_advance(w, 60000);
    }
    CHECK_INT(json_count(statistics(w, "m", 3600, 60, "'Statistics': ['Sum']"), "Datapoints"), 20);
    world_advance(w, 2 * day * 1000);
    CHECK_INT(spans(w), 1);
    CHECK_INT(json_count(statistics(w, "m", 14 * day, 1200, "'Statistics': ['Sum']"), "Datapoints"),
              1);
    CHECK_NUMBER(statistics(w, "m", 14 * day, 1200, "'ExtendedStatistics': ['p50']"),
                 "Datapoints.0.ExtendedStatistics.p50", 9);
    /* By now only of five minutes: an hour's data by 60 s is not there any more. */
    world_advance(w, 15 * day * 1000);
    world_crash(w);
    world_advance(w, 3600 * 1000);
    struct str got = statistics(w, "m", 18 * day, 1140, "'Statistics': ['Sum']");

    CHECK_INT(json_count(got, "Datapoints"), 0);
    got = CWF(w, "GetMetricStatistics",
              "{'Namespace': 'Test', 'MetricName': 'm', 'StartTime': %lld, 'EndTime': %lld, "
              "'Period': 300, 'Statistics': ['SampleCount', 'Maximum']}",
              cw_now(w) - 18 * day, cw_now(w) - 16 * day);
    CHECK_INT(json_count(got, "Datapoints"), 4);
    CHECK_NUMBER(got, "Datapoints.0.SampleCount", 5);
    CHECK_NUMBER(got, "Datapoints.3.Maximum", 19);
    world_advance(w, 70 * day * 1000);
    got = statistics(w, "m", 90 * day, 3600 * 3, "'Statistics': ['SampleCount']");
    CHECK_INT(json_count(got, "Datapoints"), 1);
    CHECK_NUMBER(got, "Datapoints.0.SampleCount", 20);
    CHECK_INT(json_count(statistics(w, "m", 89 * day, 5400, "'Statistics': ['Sum']"), "Datapoints"),
              0);
    /* ListMetrics shows what had data in the last two weeks. */
    CHECK_INT(json_count(cw(w, "ListMetrics", "{}"), "Metrics"), 0);
    CHECK_INT(spans(w), 1);
    world_advance(w, 560 * day * 1000);
    CHECK_INT(spans(w), 0);
    world_free(w);
}

TEST(late_datapoints_come_to_those_that_were_moved)
{
    struct world *w = world_new();
    long long first = cw_on_the_minute(w);

    cw_put(w, "m", 1);
    world_advance(w, INT64_C(5) * 24 * 3600 * 1000);
    CWF(w, "PutMetricData",
        "{'Namespace': 'Test', 'MetricData': [{'MetricName': 'm', 'Value': 2, 'Timestamp': %lld}]}",
        first + 5);
    CHECK_NUMBER(statistics(w, "m", 6 * 24 * 3600, 3600, "'Statistics': ['Sum']"),
                 "Datapoints.0.Sum", 3);
    CHECK_INT(spans(w), 2);
    world_advance(w, 3600 * 1000);
    CHECK_INT(spans(w), 1);
    CHECK_NUMBER(statistics(w, "m", 6 * 24 * 3600, 3600, "'Statistics': ['Sum']"),
                 "Datapoints.0.Sum", 3);
    world_free(w);
}

TEST(the_printed_request_for_old_data_answers_a_label_and_nothing, "CWM-13")
{
    struct world *w = world_new();
    struct str got = cw(w, "GetMetricStatistics",
                        "{'Namespace': 'AWS/EC2', 'MetricName': 'CPUUtilization', 'Dimensions': "
                        "[{'Name': 'InstanceId', 'Value': 'i-06e91bf508fd3bf9f'}], 'Statistics': "
                        "['Maximum'], 'StartTime': 1568073600, 'EndTime': 1568160000, "
                        "'Period': 360}");

    CHECK_STR(json_path(got, "Label"), "CPUUtilization");
    CHECK_STR(json_path(got, "Datapoints"), "[]");
    cw_refused(
        w, "InvalidParameterCombinationException",
        "You have requested up to 86400 datapoints, which exceeds the limit of 1440. You may "
        "reduce the datapoints requested by increasing Period, or decreasing the time range.",
        "GetMetricStatistics",
        "{'Namespace': 'AWS/EC2', 'MetricName': 'CPUUtilization', 'Statistics': ['Maximum'],"
        " 'StartTime': 1568073600, 'EndTime': 1568160000, 'Period': 1}");
    world_free(w);
}

#define GET(rest) "{'Namespace': 'N', 'MetricName': 'M', " rest "}"
#define PUT(rest) "{'Namespace': 'N', 'MetricData': [{'MetricName': 'm', " rest "}]}"
static const struct {
    const char *operation, *code, *message, *json;
} bad_calls[] = {
    {"GetMetricStatistics", "InvalidParameterValueException",
     "The parameter StartTime must not equal parameter EndTime.",
     GET("'StartTime': 5, 'EndTime': 5, 'Period': 60, 'Statistics': ['Sum']")},
    {"GetMetricStatistics", "InvalidParameterValueException",
     "The parameter StartTime must be less than the parameter EndTime.",
     GET("'StartTime': 6, 'EndTime': 5, 'Period': 60, 'Statistics': ['Sum']")},
    {"GetMetricStatistics", "InvalidParameterValueException", NULL,
     GET("'StartTime': 5, 'EndTime': 6, 'Period': 61, 'Statistics': ['Sum']")},
    {"GetMetricStatistics", "InvalidParameterCombinationException",
     "Must specify either Statistics or ExtendedStatistics",
     GET("'StartTime': 5, 'EndTime': 6, 'Period': 60")},
    {"GetMetricStatistics", "InvalidParameterCombinationException", NULL,
     GET("'StartTime': 5, 'EndTime': 6, 'Period': 60, 'Statistics': ['Sum'], "
         "'ExtendedStatistics': ['p9']")},
    {"GetMetricStatistics", "InvalidParameterValueException",
     "The value p101 for parameter ExtendedStatistics is not supported.",
     GET("'StartTime': 5, 'EndTime': 6, 'Period': 60, 'ExtendedStatistics': ['p101']")},
    {"GetMetricStatistics", "ValidationError", NULL,
     GET("'StartTime': 5, 'EndTime': 6, 'Period': 60, 'Statistics': ['Median']")},
    {"GetMetricStatistics", "ValidationError", NULL, "{'Namespace': 'N'}"},
    {"PutMetricData", "InvalidParameterValueException",
     "The value AWS/ for parameter Namespace is invalid.",
     "{'Namespace': 'AWS/EC2', 'MetricData': [{'MetricName': 'm', 'Value': 1}]}"},
    {"PutMetricData", "MissingRequiredParameterException", "The parameter MetricData is required.",
     "{'Namespace': 'N'}"},
    {"PutMetricData", "MissingRequiredParameterException",
     "The parameter MetricData.member.1.Value is required.", PUT("'Unit': 'Bytes'")},
    {"PutMetricData", "InvalidParameterCombinationException",
     "The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are "
     "mutually exclusive and you have specified both.",
     PUT("'Value': 1, 'StatisticValues': {'SampleCount': 1, 'Sum': 1, 'Minimum': 1, "
         "'Maximum': 1}")},
    {"PutMetricData", "InvalidParameterValueException",
     "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually "
     "exclusive and you have specified both.",
     PUT("'Value': 1, 'Values': [1]")},
    {"PutMetricData", "InvalidParameterValueException",
     "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the "
     "same size.",
     PUT("'Values': [1, 2], 'Counts': [1]")},
    {"PutMetricData", "InvalidParameterValueException",
     "The value NaN for parameter MetricData.member.1.Value is invalid.", PUT("'Value': 'NaN'")},
    {"PutMetricData", "InvalidParameterValueException", NULL, PUT("'Value': 'Infinity'")},
    {"PutMetricData", "InvalidParameterValueException", NULL, PUT("'Value': 1e109")},
    {"PutMetricData", "InvalidParameterValueException", NULL, PUT("'Values': [1], 'Counts': [-1]")},
    {"PutMetricData", "InvalidParameterValueException",
     "The parameter MetricData.member.1.Timestamp must specify a time within the past two "
     "weeks.",
     PUT("'Value': 1, 'Timestamp': 1000")},
    {"PutMetricData", "InvalidParameterValueException", NULL,
     PUT("'Value': 1, 'Timestamp': 9999999999")},
    {"PutMetricData", "InvalidParameterValueException",
     "The parameter MetricData.member.1.StorageResolution must be a value in the set [ 1, 60 ]."
     "\nThe value NaN for parameter MetricData.member.2.Value is invalid.",
     "{'Namespace': 'N', 'MetricData': [{'MetricName': 'm', 'Value': 1, 'StorageResolution': "
     "300}, {'MetricName': 'm', 'Value': 'NaN'}]}"},
    {"PutMetricData", "InvalidParameterValueException", NULL,
     PUT("'Value': 1, 'Dimensions': [{'Name': 'a', 'Value': 'b'}, {'Name': 'a', 'Value': "
         "'c'}]")},
    {"PutMetricData", "InvalidParameterValueException", NULL,
     PUT("'StatisticValues': {'SampleCount': 0, 'Sum': 1, 'Minimum': 1, 'Maximum': 1}")},
    {"PutMetricData", "InvalidParameterValueException", NULL,
     PUT("'StatisticValues': {'SampleCount': 2, 'Sum': 1, 'Minimum': 2, 'Maximum': 1}")},
    {"PutMetricData", "ValidationError", NULL, PUT("'Value': 1, 'Unit': 'Furlongs'")},
    {"PutMetricData", "ValidationError", NULL,
     PUT("'Value': 1, 'Dimensions': [{'Name': '', 'Value': 'b'}]")},
    {"PutMetricData", "InvalidParameterValueException",
     "The parameter EntityMetricData is not implemented by Welkin.",
     "{'Namespace': 'N', 'EntityMetricData': [{'MetricData': [{'MetricName': 'm', 'Value': "
     "1}]}]}"},
    {"ListMetrics", "InvalidParameterValueException", "Request parameter NextToken is invalid",
     "{'NextToken': 'x'}"},
    {"ListMetrics", "ValidationError", NULL, "{'RecentlyActive': 'PT4H'}"},
};

TEST(bad_calls_of_metrics_name_their_fault)
{
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad_calls); i++)
        cw_refused(w, bad_calls[i].code, bad_calls[i].message, bad_calls[i].operation,
                   bad_calls[i].json);
    CHECK_INT(json_count(cw(w, "ListMetrics", "{}"), "Metrics"), 0);
    world_free(w);
}

/* `n` data of a request, each of its own metric, with `more` in them. */
static const char *
many(const char *namespace, int n, const char *more)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_add_fmt(&b, "{'Namespace': '%s', 'MetricData': [", namespace);
    for (int i = 0; i < n; i++)
        buf_add_fmt(&b, "%s{'MetricName': 'm%05d', %s}", i ? ", " : "", i, more);
    buf_add_lit(&b, "]}");
    CHECK(!buf_failed(&b));
    const char *text = test_cstr(buf_str(&b));

    buf_done(&b);
    return text;
}

TEST(a_request_publishes_a_thousand_metrics_of_30_dimensions_and_150_values, "CWM-11")
{
    struct world *w = world_new();
    struct buf b;

    cw(w, "PutMetricData", many("N", 1000, "'Value': 1"));
    cw_refused(w, "InvalidParameterValueException",
               "The collection MetricData must not have a size greater than 1000.", "PutMetricData",
               many("N", 1001, "'Value': 1"));
    buf_init(&b, 1 << 16);
    for (int i = 0; i < 150; i++)
        buf_add_fmt(&b, "%s%d", i ? ", " : "'Values': [", i);
    buf_add_lit(&b, "], 'Dimensions': [");
    for (int i = 0; i < 30; i++)
        buf_add_fmt(&b, "%s{'Name': 'd%d', 'Value': 'x'}", i ? ", " : "", i);
    cw(w, "PutMetricData", many("P", 1, test_fmt("%.*s]", STR_ARG(buf_str(&b)))));
    cw_refused(
        w, "ValidationError", NULL, "PutMetricData",
        many("P", 1, test_fmt("%.*s, {'Name': 'd30', 'Value': 'x'}]", STR_ARG(buf_str(&b)))));
    buf_reset(&b);
    for (int i = 0; i < 151; i++)
        buf_add_fmt(&b, "%s%d", i ? ", " : "'Values': [", i);
    cw_refused(w, "InvalidParameterValueException",
               "The collection MetricData.member.1.Values must not have a size greater than 150.",
               "PutMetricData", many("P", 1, test_fmt("%.*s]", STR_ARG(buf_str(&b)))));
    buf_done(&b);
    CHECK_INT(json_count(cw(w, "ListMetrics", "{'Namespace': 'P'}"), "Metrics.0.Dimensions"), 30);
    world_free(w);
}

TEST(metrics_are_listed_in_pages_and_by_filters, "CWM-01")
{
    struct world *w = world_new();

    cw(w, "PutMetricData", many("N", 700, "'Value': 1"));
    struct str got = cw(w, "ListMetrics", "{}");

    CHECK_INT(json_count(got, "Metrics"), 500);
    const char *token = test_cstr(json_path(got, "NextToken"));

    cw_put(w, "zz", 1);
    world_crash(w);
    got = CWF(w, "ListMetrics", "{'NextToken': '%s'}", token);
    CHECK_INT(json_count(got, "Metrics"), 201);
    CHECK(!json_path(got, "NextToken").p);
    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(json_count(cw(w, "ListMetrics", "{}"), "Metrics"), 0);
    world_account(w, "000000000000", "us-east-1");
    cw(w, "PutMetricData",
       "{'Namespace': 'Custom', 'MetricData': [{'MetricName': 'F', 'Value': 1, " DIMENSIONS "}]}");
    static const struct {
        const char *filter;
        size_t n;
    } rows[] = {
        {"{'Namespace': 'Custom'}", 1},
        {"{'MetricName': 'F'}", 1},
        {"{'MetricName': 'G'}", 0},
        {"{'Dimensions': [{'Name': 'InstanceId'}]}", 1},
        {"{'Dimensions': [{'Name': 'InstanceId', 'Value': '1-23456789'}]}", 1},
        {"{'Dimensions': [{'Name': 'InstanceId', 'Value': 'other'}]}", 0},
        {"{'Dimensions': [{'Name': 'InstanceId'}, {'Name': 'Other'}]}", 0},
        {"{'Namespace': 'Custom', 'RecentlyActive': 'PT3H'}", 1},
        {"{'Namespace': 'Custom', 'IncludeLinkedAccounts': true}", 1},
        {"{'Namespace': 'Custom', 'IncludeLinkedAccounts': true, 'OwningAccount': "
         "'111122223333'}",
         0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (json_count(cw(w, "ListMetrics", rows[i].filter), "Metrics") != rows[i].n)
            FAIL("%s: not %zu", rows[i].filter, rows[i].n);
    got = cw(w, "ListMetrics", "{'Namespace': 'Custom', 'IncludeLinkedAccounts': true}");
    CHECK_STR(json_path(got, "OwningAccounts.0"), "000000000000");
    world_advance(w, 4 * 3600 * 1000);
    CHECK_INT(json_count(cw(w, "ListMetrics", "{'RecentlyActive': 'PT3H'}"), "Metrics"), 0);
    CHECK_INT(json_count(cw(w, "ListMetrics", "{'Namespace': 'Custom'}"), "Metrics"), 1);
    world_free(w);
}

TEST(a_policy_may_allow_one_namespace, "CWM-09")
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=agent");
    struct str key = str_dup(&w->arena, world_ok(w, "Action=CreateAccessKey&UserName=agent"));
    struct str policy = world_code(
        w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
             "\"cloudwatch:PutMetricData\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{"
             "\"cloudwatch:namespace\":\"Test\"}}}}"));

    world_okf(w, "Action=PutUserPolicy&UserName=agent&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(policy));
    world_as_reply(w, key);
    cw_put(w, "m", 1);
    cw_refused(w, "AccessDeniedException", NULL, "PutMetricData",
               "{'Namespace': 'Other', 'MetricData': [{'MetricName': 'm', 'Value': 1}]}");
    cw_refused(w, "AccessDeniedException", NULL, "ListMetrics", "{}");
    world_free(w);
}
