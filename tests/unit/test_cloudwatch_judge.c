/* What an alarm makes of datapoints: the tables of AWS's manual, and the words of its messages. */
#include "cloudwatch/judge.h"
#include "harness/harness.h"

#define MINUTE INT64_C(60000)
#define END (INT64_C(1604957340000) + MINUTE) /* 2020-11-09T21:29:00Z is the newest period */

/* "0 - X - X", the oldest first: what does not breach, what is missing, what does. */
static struct cloudwatch_verdict
judge(const char *points, int64_t m, int64_t n, enum cloudwatch_missing missing,
      enum cloudwatch_state now)
{
    const struct cloudwatch_rule rule = {
        .comparison = cloudwatch_comparison(S("GreaterThanThreshold")),
        .threshold = 0,
        .periods = n,
        .to_alarm = m,
        .missing = missing,
        .period_s = 60,
        .statistic = S("Sum"),
    };
    struct str text = str_from(points);
    struct cloudwatch_series series = {0};
    struct cloudwatch_verdict verdict;
    int64_t slots = (int64_t)(text.n + 1) / 2;

    for (int64_t i = 0; i < slots; i++)
        if (points[2 * i] != '-')
            *LIST_PUSH(test_arena(), &series) = (struct cloudwatch_series_point){
                .ms = END - (slots - i) * MINUTE,
                .value = points[2 * i] == 'X' ? (double)(i + 1) : 0,
                .count = 1,
            };
    cloudwatch_judge(test_arena(), &rule, &series, END, END + 5123, now, &verdict);
    return verdict;
}

static void
check_rows(const char *const (*rows)[5], size_t n, int64_t m)
{
    static const char *const states[] = {"OK", "ALARM", "NODATA", "RETAIN"};

    for (size_t i = 0; i < n; i++)
        for (unsigned j = 0; j < 4; j++) {
            struct cloudwatch_verdict v =
                judge(rows[i][0], m, 3, (enum cloudwatch_missing)j, CLOUDWATCH_RETAIN);

            if (strcmp(states[v.state], rows[i][j + 1]) != 0)
                FAIL("%s, %u: %s, not %s", rows[i][0], j, states[v.state], rows[i][j + 1]);
        }
}

TEST(missing_datapoints_are_treated_as_the_manual_says)
{
    static const char *const three_of_three[][5] = {
        {"0 - X - X", "OK", "OK", "OK", "OK"},
        {"0 - - - -", "OK", "OK", "OK", "OK"},
        {"- - - - -", "NODATA", "RETAIN", "ALARM", "OK"},
        {"0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"},
        {"- - - - X", "NODATA", "RETAIN", "ALARM", "OK"},
        {"- - X - -", "ALARM", "RETAIN", "ALARM", "OK"},
        {"X - - - -", "ALARM", "RETAIN", "ALARM", "OK"},
    };
    static const char *const two_of_three[][5] = {
        {"0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"},
        {"0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"},
        {"0 - X - -", "OK", "OK", "ALARM", "OK"},
        {"- - - - 0", "OK", "OK", "ALARM", "OK"},
        {"- - - - X", "NODATA", "RETAIN", "ALARM", "OK"},
    };

    check_rows(three_of_three, ARRAY_LEN(three_of_three), 3);
    check_rows(two_of_three, ARRAY_LEN(two_of_three), 2);
}

TEST(reasons_are_worded_as_aws_words_them)
{
    static const struct {
        const char *points;
        int64_t m, n;
        enum cloudwatch_missing missing;
        const char *reason;
    } rows[] = {
        {"- - X", 1, 1, CLOUDWATCH_MISSING,
         "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (09/11/20 21:29:00)] was greater "
         "than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition)."},
        {"- - 0", 1, 1, CLOUDWATCH_MISSING,
         "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (09/11/20 21:29:00)] was not "
         "greater than the threshold (0.0) (minimum 1 datapoint for ALARM -> OK transition)."},
        {"0 0 X 0 X", 2, 3, CLOUDWATCH_MISSING,
         "Threshold Crossed: 2 out of the last 3 datapoints [5.0 (09/11/20 21:29:00), 3.0 "
         "(09/11/20 21:27:00)] were greater than the threshold (0.0) (minimum 2 datapoints for OK "
         "-> ALARM transition)."},
        {"- - X", 0, 1, CLOUDWATCH_MISSING,
         "Threshold Crossed: 1 datapoint [3.0 (09/11/20 21:29:00)] was greater than the threshold "
         "(0.0)."},
        {"0 X X X", 0, 3, CLOUDWATCH_MISSING,
         "Threshold Crossed: 3 datapoints [4.0 (09/11/20 21:29:00), 3.0 (09/11/20 21:28:00), 2.0 "
         "(09/11/20 21:27:00)] were greater than the threshold (0.0)."},
        {"0 - - -", 0, 3, CLOUDWATCH_BREACHING,
         "Threshold Crossed: 1 datapoint [0.0 (09/11/20 21:26:00)] was not greater than the "
         "threshold (0.0) and 2 missing datapoints were treated as [Breaching]."},
        {"- - -", 0, 1, CLOUDWATCH_NOT_BREACHING,
         "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
         "treated as [NonBreaching]."},
        {"- - - -", 2, 2, CLOUDWATCH_BREACHING,
         "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints "
         "were treated as [Breaching]."},
        {"- - 0 - -", 2, 3, CLOUDWATCH_BREACHING,
         "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were "
         "treated as [Breaching]."},
        {"- - - - -", 0, 3, CLOUDWATCH_MISSING, "Insufficient Data: 3 datapoints were unknown."},
        {"- - -", 1, 1, CLOUDWATCH_MISSING, "Insufficient Data: 1 datapoint was unknown."},
        {"X X X X X X", 0, 6, CLOUDWATCH_MISSING,
         "Threshold Crossed: 6 datapoints were greater than the threshold (0.0). The most recent "
         "datapoints which crossed the threshold: [6.0 (09/11/20 21:29:00), 5.0 (09/11/20 "
         "21:28:00), 4.0 (09/11/20 21:27:00), 3.0 (09/11/20 21:26:00), 2.0 (09/11/20 "
         "21:25:00)]."},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cloudwatch_verdict v =
            judge(rows[i].points, rows[i].m, rows[i].n, rows[i].missing, CLOUDWATCH_RETAIN);

        CHECK_STR(v.reason, rows[i].reason);
    }
    /* No words of a state that is the present one. */
    CHECK(!judge("- - X", 1, 1, CLOUDWATCH_MISSING, CLOUDWATCH_ALARM).reason.p);
}

TEST(the_data_of_a_reason_has_what_was_evaluated)
{
    struct cloudwatch_verdict v = judge("- X - X", 0, 2, CLOUDWATCH_MISSING, CLOUDWATCH_OK);

    CHECK_STR(v.data,
              "{\"version\":\"1.0\",\"queryDate\":\"2020-11-09T21:30:05.123+0000\",\"startDate\":"
              "\"2020-11-09T21:27:00.000+0000\",\"statistic\":\"Sum\",\"period\":60,"
              "\"recentDatapoints\":[2.0,4.0],\"threshold\":0.0,\"evaluatedDatapoints\":[{"
              "\"timestamp\":\"2020-11-09T21:29:00.000+0000\",\"sampleCount\":1.0,\"value\":4.0},{"
              "\"timestamp\":\"2020-11-09T21:28:00.000+0000\"},{\"timestamp\":"
              "\"2020-11-09T21:27:00.000+0000\",\"sampleCount\":1.0,\"value\":2.0}]}");
    v = judge("- - -", 0, 1, CLOUDWATCH_MISSING, CLOUDWATCH_OK);
    CHECK_STR(v.data, "{\"version\":\"1.0\",\"queryDate\":\"2020-11-09T21:30:05.123+0000\","
                      "\"statistic\":\"Sum\",\"period\":60,\"recentDatapoints\":[],\"threshold\":"
                      "0.0,\"evaluatedDatapoints\":[{\"timestamp\":"
                      "\"2020-11-09T21:29:00.000+0000\"}]}");
}

TEST(numbers_are_printed_as_java_does)
{
    static const struct {
        double v;
        const char *text;
    } rows[] = {
        {0, "0.0"},
        {1, "1.0"},
        {-20.5, "-20.5"},
        {239, "239.0"},
        {0.1, "0.1"},
        {0.19726775956284198, "0.19726775956284198"},
        {20000, "20000.0"},
        {1234567, "1234567.0"},
        {12345678, "1.2345678E7"},
        {1e10, "1.0E10"},
        {0.001, "0.001"},
        {0.0001234, "1.234E-4"},
        {0.05, "0.05"},
        {100, "100.0"},
        {1e-300, "1.0E-300"},
    };
    struct buf b;

    buf_init(&b, 100);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        cloudwatch_number(&b, rows[i].v);
        CHECK_STR(buf_str(&b), rows[i].text);
    }
    buf_done(&b);
}
