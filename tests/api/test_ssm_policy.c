/* What happens to parameters in time: Expiration and its notices, on the cloud's clock. */
#include "base/timefmt.h"
#include "ssm_help.h"

#define EXPIRES                                                                                    \
    "{\\\"Type\\\":\\\"Expiration\\\",\\\"Version\\\":\\\"1.0\\\","                                \
    "\\\"Attributes\\\":{\\\"Timestamp\\\":\\\"%s\\\"}}"
#define NOTICE                                                                                     \
    "{\\\"Type\\\":\\\"ExpirationNotification\\\",\\\"Version\\\":\\\"1.0\\\","                    \
    "\\\"Attributes\\\":{\\\"Before\\\":\\\"2\\\",\\\"Unit\\\":\\\"Days\\\"}}"
#define NO_CHANGE                                                                                  \
    "{\\\"Type\\\":\\\"NoChangeNotification\\\",\\\"Version\\\":\\\"1.0\\\","                      \
    "\\\"Attributes\\\":{\\\"After\\\":\\\"36\\\",\\\"Unit\\\":\\\"Hours\\\"}}"

static const char *action = "Parameter Store Policy Action";

static const char *
in_days(struct world *w, int days)
{
    return test_cstr(time_iso(test_arena(), w->env.env.now_ms(&w->env.env) + days * SSM_DAY));
}

static void
put_policies(struct world *w, const char *name, const char *policies)
{
    SSM(w, "PutParameter",
        "{\"Name\":\"%s\",\"Value\":\"v\",\"Type\":\"String\",\"Tier\":\"Advanced\","
        "\"Policies\":\"[%s]\"}",
        name, policies);
}

TEST(a_parameter_is_deleted_when_it_expires, "PS-20")
{
    struct world *w = world_new();
    struct str detail;

    put_policies(w, "/p/x", test_fmt(EXPIRES, in_days(w, 3)));
    SSM(w, "PutParameter", "{'Name':'/p/x','Value':'2','Overwrite':true}");
    world_advance(w, 3 * SSM_DAY - 1000);
    CHECK_STR(ssm_value(w, "/p/x"), "2");
    struct str r = SSM(w, "DescribeParameters", "{}");
    CHECK_STR(json_path(r, "Parameters.0.Policies.0.PolicyType"), "Expiration");
    CHECK_STR(json_path(r, "Parameters.0.Policies.0.PolicyStatus"), "Pending");
    CHECK_INT(ssm_events(w, action, NULL), 0);
    world_advance(w, 2000);
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameter", "{'Name':'/p/x'}");
    CHECK_INT(ssm_events(w, action, &detail), 1);
    CHECK_STR(json_path(detail, "parameter-name"), "/p/x");
    CHECK_STR(json_path(detail, "policy-type"), "Expiration");
    CHECK_STR(json_path(detail, "action-status"), "Success");
    ssm_events(w, "Parameter Store Change", &detail);
    CHECK_STR(json_path(detail, "operation"), "Delete");
    world_free(w);
}

TEST(what_expired_while_the_cloud_was_off_is_deleted_at_its_start, "PS-20")
{
    struct world *w = world_new();

    put_policies(w, "/p/x", test_fmt(EXPIRES, in_days(w, 1)));
    put_policies(w, "/p/y", test_fmt(EXPIRES, in_days(w, 9)));
    world_crash(w);
    CHECK_STR(ssm_value(w, "/p/x"), "v");
    world_advance(w, 2 * SSM_DAY);
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameter", "{'Name':'/p/x'}");
    CHECK_STR(ssm_value(w, "/p/y"), "v");
    world_crash(w);
    world_advance(w, 8 * SSM_DAY);
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameter", "{'Name':'/p/y'}");
    CHECK_INT(ssm_events(w, action, NULL), 2);
    world_free(w);
}

TEST(notices_come_once_each_and_changes_begin_anew, "PS-20 PS-21")
{
    struct world *w = world_new();
    struct str detail;

    put_policies(w, "/p/x", test_fmt(EXPIRES "," NOTICE "," NO_CHANGE, in_days(w, 5)));
    world_advance(w, SSM_DAY);
    CHECK_INT(ssm_events(w, action, NULL), 0);
    SSM(w, "PutParameter", "{'Name':'/p/x','Value':'2','Overwrite':true}");
    world_advance(w, SSM_DAY);
    CHECK_INT(ssm_events(w, action, NULL), 0);
    world_advance(w, SSM_DAY / 2 + 1000);
    CHECK_INT(ssm_events(w, action, &detail), 1);
    CHECK_STR(json_path(detail, "policy-type"), "NoChangeNotification");
    struct str r = SSM(w, "GetParameterHistory", "{'Name':'/p/x'}");
    CHECK_STR(json_path(r, "Parameters.1.Policies.2.PolicyStatus"), "Finished");
    CHECK_STR(json_path(r, "Parameters.1.Policies.1.PolicyStatus"), "Pending");
    world_crash(w);
    world_advance(w, SSM_DAY);
    CHECK_INT(ssm_events(w, action, &detail), 2);
    CHECK_STR(json_path(detail, "policy-type"), "ExpirationNotification");
    world_advance(w, 2 * SSM_DAY);
    CHECK_INT(ssm_events(w, action, &detail), 3);
    CHECK_STR(json_path(detail, "policy-type"), "Expiration");
    world_free(w);
}

TEST(an_empty_policy_takes_all_away, "PS-20")
{
    struct world *w = world_new();

    put_policies(w, "/p/x", test_fmt(EXPIRES, in_days(w, 1)));
    SSM(w, "PutParameter", "{'Name':'/p/x','Value':'2','Overwrite':true,'Policies':'[{}]'}");
    world_advance(w, 2 * SSM_DAY);
    CHECK_STR(ssm_value(w, "/p/x"), "2");
    CHECK_INT(ssm_events(w, action, NULL), 0);
    world_free(w);
}

TEST(policies_are_checked, "PS-20 PS-21")
{
    struct world *w = world_new();
    const char *soon = in_days(w, 1);
    struct {
        const char *code, *policies;
    } bad[] = {
        {"ValidationException", "[1]"},
        {"ValidationException", "x"},
        {"InvalidPolicyTypeException",
         "[{\\\"Type\\\":\\\"X\\\",\\\"Version\\\":\\\"1.0\\\",\\\"Attributes\\\":{}}]"},
        {"InvalidPolicyAttributeException",
         "[{\\\"Type\\\":\\\"Expiration\\\",\\\"Version\\\":\\\"1.0\\\",\\\"Attributes\\\":{}}]"},
        {"InvalidPolicyAttributeException", test_fmt("[" EXPIRES "]", in_days(w, -1))},
        {"IncompatiblePolicyException", test_fmt("[" EXPIRES "," EXPIRES "]", soon, soon)},
        {"IncompatiblePolicyException", "[" NOTICE "]"},
        {"PoliciesLimitExceededException",
         "[" NO_CHANGE "," NO_CHANGE "," NO_CHANGE "," NO_CHANGE "," NO_CHANGE "," NO_CHANGE
         "," NO_CHANGE "," NO_CHANGE "," NO_CHANGE "," NO_CHANGE "," NO_CHANGE "]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        SSM_REFUSED(w, bad[i].code, NULL, "PutParameter",
                    "{\"Name\":\"/p\",\"Value\":\"v\",\"Type\":\"String\",\"Tier\":\"Advanced\","
                    "\"Policies\":\"%s\"}",
                    bad[i].policies);
    SSM_REFUSED(w, "ValidationException", NULL, "PutParameter",
                "{\"Name\":\"/p\",\"Value\":\"v\",\"Type\":\"String\",\"Policies\":\"[" EXPIRES
                "]\"}",
                soon);
    struct str r = SSM(w, "PutParameter",
                       "{\"Name\":\"/p\",\"Value\":\"v\",\"Type\":\"String\","
                       "\"Tier\":\"Intelligent-Tiering\",\"Policies\":\"[" NO_CHANGE "]\"}");
    CHECK_STR(json_path(r, "Tier"), "Advanced");
    world_free(w);
}
