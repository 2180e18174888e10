/* GetMetricData: metrics, math, pages; and alarms of expressions. */
#include "cloudwatch_help.h"

#define METRIC(id, name)                                                                           \
    "{'Id': '" id "', 'MetricStat': {'Metric': {'Namespace': 'Test', 'MetricName': '" name         \
    "'}, 'Period': 60, 'Stat': 'Sum'}, 'ReturnData': false}"
#define MATH(text) "{'Id': 'e', 'Expression': '" text "'}"

/* The queries over the last `minutes`, the oldest first. */
static struct str
data(struct world *w, int minutes, const char *queries, const char *more)
{
    return CWF(w, "GetMetricData",
               "{'StartTime': %lld, 'EndTime': %lld, 'ScanBy': 'TimestampAscending', "
               "'MetricDataQueries': [%s]%s}",
               cw_now(w) - minutes * 60, cw_now(w), queries, more);
}

/* Four minutes: m1 has 30, 20, 0, 0; m2 has 20, -, 20, -. */
static struct world *
world_with_data(void)
{
    static const double m1[] = {30, 20, 0, 0}, m2[] = {20, -1, 20, -1};
    struct world *w = world_new();

    cw_on_the_minute(w);
    for (int i = 0; i < 4; i++) {
        cw_put(w, "one", m1[i]);
        if (m2[i] >= 0)
            cw_put(w, "two", m2[i]);
        world_advance(w, 60000);
    }
    return w;
}

TEST(metric_data_has_values_by_time_and_labels)
{
    struct world *w = world_with_data();
    struct str got = data(w, 4,
                          "{'Id': 'm1', 'MetricStat': {'Metric': {'Namespace': 'Test', "
                          "'MetricName': 'one'}, 'Period': 60, 'Stat': 'Maximum'}}, "
                          "{'Id': 'p', 'Label': 'mine', 'MetricStat': {'Metric': {'Namespace': "
                          "'Test', 'MetricName': 'two'}, 'Period': 120, 'Stat': 'p99', 'Unit': "
                          "'None'}}",
                          "");

    CHECK_INT(json_count(got, "MetricDataResults"), 2);
    CHECK_STR(json_path(got, "MetricDataResults.0.Id"), "m1");
    CHECK_STR(json_path(got, "MetricDataResults.0.Label"), "one");
    CHECK_STR(json_path(got, "MetricDataResults.0.Values"), "[30,20,0,0]");
    CHECK_STR(json_path(got, "MetricDataResults.0.StatusCode"), "Complete");
    CHECK_INT(json_count(got, "MetricDataResults.0.Timestamps"), 4);
    CHECK_STR(json_path(got, "MetricDataResults.1.Label"), "mine");
    CHECK_STR(json_path(got, "MetricDataResults.1.Values"), "[20,20]");
    /* The newest first, unless it is asked for otherwise. */
    got = CWF(w, "GetMetricData",
              "{'StartTime': %lld, 'EndTime': %lld, 'MetricDataQueries': [{'Id': 'm1', "
              "'MetricStat': {'Metric': {'Namespace': 'Test', 'MetricName': 'one'}, 'Period': 60, "
              "'Stat': 'Sum'}}], 'LabelOptions': {'Timezone': '+0000'}}",
              cw_now(w) - 240, cw_now(w));
    CHECK_STR(json_path(got, "MetricDataResults.0.Values"), "[0,0,20,30]");
    world_account(w, "111122223333", "us-east-1");
    got = data(w, 4, METRIC("m1", "one") ", " MATH("m1"), "");
    CHECK_STR(json_path(got, "MetricDataResults.0.Values"), "[]");
    world_free(w);
}

static const struct {
    const char *expression, *values;
} math_rows[] = {
    {"m1", "[30,20,0,0]"},
    {"m1 + m2", "[50,20,20,0]"},
    {"m1 - 10", "[20,10,-10,-10]"},
    {"-m1", "[-30,-20,0,0]"},
    {"2 * m1 ^ 2 / 10", "[180,80,0,0]"},
    {"1 + 2 * m1", "[61,41,1,1]"},
    {"(1 + 2) * m1", "[90,60,0,0]"},
    /* what divides by zero is dropped */
    {"m2 / m1", "[0.6666666666666666,0]"},
    {"m1 < m2", "[0,0,1,0]"},
    {"m1 >= 30", "[1,0,0,0]"},
    {"m1 == 20", "[0,1,0,0]"},
    {"m1 != 0", "[1,1,0,0]"},
    {"m1 > 15 AND m2 > 15", "[1,0,0,0]"},
    {"m1 > 15 && m2 > 15 || m2 == 20", "[1,0,1,0]"},
    {"m1 > 15 OR m2 > 15", "[1,1,1,0]"},
    {"SUM([m1, m2])", "[50,20,20,0]"},
    {"AVG([m1, m2])", "[25,10,10,0]"},
    {"MAX(METRICS())", "[30,20,20,0]"},
    {"MIN(METRICS())", "[20,20,0,0]"},
    {"SUM(METRICS(\\u0022m2\\u0022))", "[20,20]"},
    {"m1 * 0 + SUM(m1)", "[50,50,50,50]"},
    {"m1 - AVG(m1)", "[17.5,7.5,-12.5,-12.5]"},
    {"m1 * 0 + DATAPOINT_COUNT(m2)", "[2,2,2,2]"},
    {"m1 * 0 + METRIC_COUNT(METRICS())", "[2,2,2,2]"},
    {"m1 * 0 + STDDEV(m2)", "[0,0,0,0]"},
    {"m1 * 0 + PERIOD(m1)", "[60,60,60,60]"},
    {"FILL(m2, 7)", "[20,7,20,7]"},
    {"FILL(m2, REPEAT)", "[20,20,20,20]"},
    {"FILL(m2 + m2, LINEAR)", "[40,40,40]"},
    {"FILL(m2, m1)", "[20,20,20,0]"},
    {"DIFF(m1)", "[-10,-20,0]"},
    {"RATE(m2)", "[0]"},
    {"DIFF_TIME(m2)", "[120]"},
    {"RUNNING_SUM(m1)", "[30,50,50,50]"},
    {"ABS(0 - m1)", "[30,20,0,0]"},
    {"CEIL(m1 / 7)", "[5,3,0,0]"},
    {"FLOOR(m1 / 7)", "[4,2,0,0]"},
    {"LOG10(m1 + 70)", "[2,1.9542425094393248,1.845098040014257,1.845098040014257]"},
    {"IF(m1 > 0, m1, 5)", "[30,20,5,5]"},
    {"IF(m1 > 0, m1)", "[30,20]"},
    {"IF(SUM(m1) > 1, m2, m1)", "[20,20]"},
    {"TIME_SERIES(3)", "[3,3,3,3]"},
    {"FIRST(SORT(METRICS(), SUM, DESC))", "[30,20,0,0]"},
    {"LAST(METRICS())", "[20,20]"},
    {"SLICE(METRICS(), 1)", "[20,20]"},
    {"SUM(SLICE(METRICS(), 0, 1))", "[30,20,0,0]"},
    {"SUM(REMOVE_EMPTY(METRICS()))", "[50,20,20,0]"},
    {"YEAR(m1)", "[2026,2026,2026,2026]"},
    {"MINUTE(m1) - MINUTE(m1) + HOUR(m1) * 0", "[0,0,0,0]"},
};

TEST(metric_math_is_worked_out)
{
    struct world *w = world_with_data();

    for (size_t i = 0; i < ARRAY_LEN(math_rows); i++) {
        struct str got =
            data(w, 4,
                 test_fmt("%s, %s, {'Id': 'e', 'Expression': '%s'}", METRIC("m1", "one"),
                          METRIC("m2", "two"), math_rows[i].expression),
                 "");

        if (!str_is(json_path(got, "MetricDataResults.0.Values"), math_rows[i].values))
            FAIL("%s: %.*s", math_rows[i].expression, STR_ARG(got));
        CHECK_STR(json_path(got, "MetricDataResults.0.Label"), "e");
    }
    /* An array is several results; expressions use each other. */
    struct str got = data(
        w, 4,
        METRIC("m1", "one") ", " METRIC(
            "m2", "two") ", "
                         "{'Id': 'half', 'Expression': 'double / 4', 'Label': 'h'}, "
                         "{'Id': 'double', 'Expression': 'METRICS() * 2', 'ReturnData': false}",
        "");

    CHECK_INT(json_count(got, "MetricDataResults"), 2);
    CHECK_STR(json_path(got, "MetricDataResults.0.Values"), "[15,10,0,0]");
    CHECK_STR(json_path(got, "MetricDataResults.0.Label"), "h one");
    CHECK_STR(json_path(got, "MetricDataResults.1.Values"), "[10,10]");
    CHECK_STR(json_path(got, "MetricDataResults.1.Label"), "h two");
    world_free(w);
}

TEST(metric_data_comes_in_pages)
{
    struct world *w = world_with_data();
    const char *queries =
        "{'Id': 'a', 'MetricStat': {'Metric': {'Namespace': 'Test', 'MetricName': 'one'}, "
        "'Period': "
        "60, 'Stat': 'Sum'}}, {'Id': 'b', 'MetricStat': {'Metric': {'Namespace': 'Test', "
        "'MetricName': 'two'}, 'Period': 60, 'Stat': 'Sum'}}";
    struct str got = data(w, 4, queries, ", 'MaxDatapoints': 3");

    CHECK_STR(json_path(got, "MetricDataResults.0.Values"), "[30,20,0]");
    CHECK_STR(json_path(got, "MetricDataResults.0.StatusCode"), "PartialData");
    CHECK_STR(json_path(got, "MetricDataResults.1.Values"), "[]");
    const char *token = json_cstr(got, "NextToken");

    world_crash(w);
    got = data(w, 4, queries, test_fmt(", 'MaxDatapoints': 3, 'NextToken': '%s'", token));
    CHECK_STR(json_path(got, "MetricDataResults.0.Values"), "[0]");
    CHECK_STR(json_path(got, "MetricDataResults.1.Values"), "[20,20]");
    CHECK_STR(json_path(got, "MetricDataResults.1.StatusCode"), "Complete");
    CHECK(!json_path(got, "NextToken").p);
    /* Of math there is no next page. */
    got = data(w, 4, METRIC("m1", "one") ", " MATH("m1"), ", 'MaxDatapoints': 3");
    CHECK_STR(json_path(got, "MetricDataResults.0.StatusCode"), "PartialData");
    CHECK(!json_path(got, "NextToken").p);
    world_free(w);
}

static const struct {
    const char *message, *queries;
} bad_queries[] = {
    {"The value Upper for parameter MetricDataQueries.member.1.Id is not matching the expected "
     "pattern ^[a-z][a-zA-Z0-9_]*$.",
     METRIC("Upper", "m")},
    {"The values for parameter Id in MetricDataQueries are not unique.",
     METRIC("m", "m") ", " METRIC("m", "m")},
    {"The parameters MetricDataQueries.member.1.Expression and "
     "MetricDataQueries.member.1.MetricStat are mutually exclusive and you have specified "
     "both.",
     "{'Id': 'm', 'Expression': '1', 'MetricStat': {'Metric': {'Namespace': 'N', 'MetricName': "
     "'m'}, 'Period': 60, 'Stat': 'Sum'}}"},
    {NULL, "{'Id': 'm'}"},
    {NULL, ""},
    {NULL, "{'Id': 'm', 'MetricStat': {'Metric': {'Namespace': 'N', 'MetricName': 'm'}, "
           "'Period': 61, 'Stat': 'Sum'}}"},
    {NULL, "{'Id': 'm', 'MetricStat': {'Metric': {'Namespace': 'N', 'MetricName': 'm'}, "
           "'Period': 60, 'Stat': 'Median'}}"},
    {NULL, "{'Id': 'm', 'MetricStat': {'Metric': {'MetricName': 'm'}, 'Period': 60, 'Stat': "
           "'Sum'}}"},
    {NULL, "{'Id': 'm', 'Period': 60, 'MetricStat': {'Metric': {'Namespace': 'N', "
           "'MetricName': 'm'}, 'Period': 60, 'Stat': 'Sum'}}"},
    {NULL, "{'Id': 'm', 'AccountId': '111122223333', 'Expression': 'TIME_SERIES(1)'}"},
    {NULL, "{'Id': 'm', 'Label': '${LAST}', 'Expression': 'TIME_SERIES(1)'}"},
    {NULL, "{'Id': 'm', 'Period': 7, 'Expression': 'TIME_SERIES(1)'}"},
    {"Error in expression 'e': Unknown function 'SEARCH'", MATH("SEARCH(1, 2)")},
    {"Error in expression 'e': Unknown function 'NONSENSE'", MATH("NONSENSE(1)")},
    {"Error in expression 'e': Undefined identifier 'm9'", MATH("m9 + 1")},
    {"Error in expression 'e': Circular reference to 'e'", MATH("e + 1")},
    {"Error in expression 'e': The result is a number, not a time series", MATH("1 + 1")},
    {"Error in expression 'e': Unexpected end at position 3", MATH("1 +")},
    {"Error in expression 'e': A bracket is not closed at position 2", MATH("(1")},
    {"Error in expression 'e': Unexpected character at position 2", MATH("1 #")},
    {NULL, MATH("ABS()")},
    {NULL, MATH("ABS(1, 2)")},
    {NULL, MATH("\\u0022x")},
    {NULL, MATH("TIME_SERIES(1) + \\u0022x\\u0022")},
    {NULL, MATH("1..2")},
    {NULL, MATH("SELECT AVG(x) FROM y")},
    {NULL, MATH("FIRST([])")},
    {NULL, MATH("TIME_SERIES(TIME_SERIES(1))")},
    {NULL, MATH("PERIOD(1)")},
    {NULL, MATH("IF(0, TIME_SERIES(1))")},
    {NULL, MATH("SORT([TIME_SERIES(1)], SUM, UP)")},
    {NULL, MATH("SLICE([TIME_SERIES(1)], 5)")},
    {NULL, MATH("[1]")},
    {NULL, MATH("[TIME_SERIES(1), TIME_SERIES(1)] + [TIME_SERIES(1)]")},
    {NULL, MATH("1 / 0")},
};

TEST(bad_calls_of_metric_data_name_their_fault)
{
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad_queries); i++)
        world_json_refusedf(w, "ValidationError", bad_queries[i].message, "cloudwatch",
                            "GetMetricData",
                            "{'StartTime': 1000, 'EndTime': 2000, 'MetricDataQueries': [%s]}",
                            bad_queries[i].queries);
    cw_refused(w, "ValidationError", "The parameter StartTime must not equal parameter EndTime.",
               "GetMetricData",
               "{'StartTime': 1000, 'EndTime': 1000, 'MetricDataQueries': [" MATH("1") "]}");
    cw_refused(w, "ValidationError", NULL, "GetMetricData",
               "{'StartTime': 0, 'EndTime': 1000, 'MaxDatapoints': 0, 'MetricDataQueries': "
               "[" MATH("1") "]}");
    cw_refused(w, "ValidationError", NULL, "GetMetricData",
               "{'StartTime': 0, 'EndTime': 1000, 'LabelOptions': {'Timezone': 'Paris'}, "
               "'MetricDataQueries': [" MATH("1") "]}");
    cw_refused(w, "InvalidNextToken", NULL, "GetMetricData",
               "{'StartTime': 0, 'EndTime': 1000, 'NextToken': 'x', 'MetricDataQueries': "
               "[" METRIC("m", "m") "]}");
    /* Too much to work out. */
    cw_refused(w, "ValidationError", NULL, "GetMetricData",
               "{'StartTime': 0, 'EndTime': 1700000000, 'MetricDataQueries': "
               "[" MATH("TIME_SERIES(1)") "]}");
    world_free(w);
}

TEST(five_hundred_queries_are_one_request)
{
    struct world *w = world_with_data();
    struct buf b;

    buf_init(&b, 1 << 20);
    for (int i = 0; i < 501; i++) {
        if (i == 500)
            CHECK_INT(json_count(data(w, 4, test_cstr(buf_str(&b)), ""), "MetricDataResults"), 500);
        buf_add_fmt(&b, "%s{'Id': 'q%d', 'Expression': 'TIME_SERIES(%d)'}", i ? ", " : "", i, i);
    }
    world_json_refusedf(w, "ValidationError",
                        "The collection MetricDataQueries must not have a size greater than 500.",
                        "cloudwatch", "GetMetricData",
                        "{'StartTime': 1000, 'EndTime': 2000, 'MetricDataQueries': [%.*s]}",
                        STR_ARG(buf_str(&b)));
    buf_done(&b);
    world_free(w);
}

/* ---- alarms of expressions ---- */

#define RULE "'EvaluationPeriods': 1, 'Threshold': 40, 'ComparisonOperator': 'GreaterThanThreshold'"

TEST(an_alarm_watches_an_expression)
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    cw(w, "PutMetricAlarm",
       "{'AlarmName': 'a', " RULE ", 'Metrics': [" METRIC("m1", "one") ", " METRIC(
           "m2",
           "two") ", {'Id': 'e', 'Expression': 'm1 + m2', 'Label': 'both', 'ReturnData': true}]}");
    cw_put(w, "one", 30);
    cw_put(w, "two", 20);
    world_crash(w);
    world_advance(w, 60000);
    struct str got = cw(w, "DescribeAlarms", "{}");

    CHECK_STR(json_path(got, "MetricAlarms.0.StateValue"), "ALARM");
    CHECK(str_starts(json_path(got, "MetricAlarms.0.StateReason"),
                     S("Threshold Crossed: 1 datapoint [50.0 (")));
    CHECK_INT(json_count(got, "MetricAlarms.0.Metrics"), 3);
    CHECK_STR(json_path(got, "MetricAlarms.0.Metrics.2.Expression"), "m1 + m2");
    CHECK_STR(json_path(got, "MetricAlarms.0.Metrics.0.MetricStat.Stat"), "Sum");
    CHECK(!json_path(got, "MetricAlarms.0.Period").p);
    CHECK(!json_path(got, "MetricAlarms.0.MetricName").p);
    CHECK_INT(
        json_count(cw(w, "DescribeAlarmsForMetric", "{'Namespace': 'Test', 'MetricName': 'one'}"),
                   "MetricAlarms"),
        0);
    world_free(w);
}

TEST(bad_alarms_of_expressions_name_their_fault)
{
    static const struct {
        const char *message, *more;
    } bad[] = {
        {"Exactly one element of the metrics list should return data.",
         "'Metrics': [" METRIC("m1", "one") "]"},
        {"Exactly one element of the metrics list should return data.",
         "'Metrics': [{'Id': 'a', 'Expression': 'TIME_SERIES(1)'}, {'Id': 'b', 'Expression': "
         "'TIME_SERIES(1)'}]"},
        {"Period must not be specified with Metrics",
         "'Period': 60, 'Metrics': [" METRIC("m1", "one") "]"},
        {"Error in expression 'e': Unknown function 'ANOMALY_DETECTION_BAND'",
         "'Metrics': [" METRIC("m1", "one") ", " MATH("ANOMALY_DETECTION_BAND(m1)") "]"},
        {"The expression of an alarm must return one time series.",
         "'Metrics': [" METRIC("m1", "one") ", " MATH("METRICS()") "]"},
        {"Period must be the same for all metrics of an alarm",
         "'Metrics': [" METRIC(
             "m1", "one") ", {'Id': 'm2', 'MetricStat': {'Metric': {'Namespace': "
                          "'Test', 'MetricName': 'm'}, 'Period': 120, 'Stat': 'Sum'}}]"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_json_refusedf(w, "ValidationError", bad[i].message, "cloudwatch", "PutMetricAlarm",
                            "{'AlarmName': 'a', " RULE ", %s}", bad[i].more);
    world_free(w);
}
