/*
 * The daemon dies between any two transactions of the engine, of which each makes one call: stacks
 * and stacks in stacks end in the states, with the events and with the resources of a daemon that
 * lives.
 */
#include "api/cfn_bucket.h"
#include "api/cfn_help.h"
#include "cloudformation/engine.h"

static const char child[] =
    "Parameters: {Value: {Type: String}}\n"
    "Resources:\n"
    "  P: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub '/${Value}', Type: String, Value: "
    "x}}\n"
    "  Q: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub '/fix/${AWS::StackName}', Type: "
    "String, Value: !Ref P}}\n"
    "Outputs:\n"
    "  Name: {Value: !GetAtt Q.Value}\n";

static const char parent[] =
    "Resources:\n"
    "  A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: " BUCKET
    "child, Parameters: {Value: a%d}}}\n"
    "  B: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: " BUCKET
    "child, Parameters: {Value: !Sub 'b${A.Outputs.Name}'}}}\n"
    "  S: {Type: AWS::SSM::Parameter, Properties: {Name: /s, Type: String, Value: '%d'}}\n"
    "  R: {Type: AWS::SSM::Parameter, Properties: {Name: /r%d, Type: String, Value: !Ref S}}\n"
    "%s";

static const char bad[] = "  Bad: {Type: AWS::SSM::Parameter, DependsOn: [A, B, S, R], Properties: "
                          "{Name: /taken, Type: String, Value: x}}\n";

enum { CREATE, UPDATE, ROLLBACK, DELETE, N_STEPS };

static const char *const ends[] = {
    [CREATE] = "CREATE_COMPLETE",
    [UPDATE] = "UPDATE_COMPLETE",
    [ROLLBACK] = "UPDATE_ROLLBACK_COMPLETE",
    [DELETE] = "DELETE_COMPLETE",
};

static const char *template(int step)
{
    int n = step == CREATE ? 1 : step == UPDATE ? 2 : 3;

    return test_fmt(parent, n, n, n, step == ROLLBACK ? bad : "");
}

/* Dies after so many looks, with or without what was not on disk yet, and goes on. */
static void
die(struct world *w, int looks, bool flushed)
{
    cfn_engine_fault.looks = looks;
    world_settle(w);
    if (flushed)
        world_flush(w);
    cfn_engine_fault.looks = -1;
    world_crash(w);
}

struct end {
    const char *events[N_STEPS];
    size_t parameters[N_STEPS];
};

static void
run(uint64_t seed, int at_step, int looks, struct end *ret)
{
    struct world *w = world_new_seed(seed);
    struct str id, reply;

    bucket_put(w, "child", child);
    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/taken','Type':'String','Value':'x'}");
    for (int step = CREATE; step < N_STEPS; step++) {
        bool dies = step == at_step;

        if (dies)
            cfn_engine_fault.looks = 0;
        if (step == CREATE)
            reply = create(w, "root", "", template(step));
        else if (step == DELETE)
            reply = world_call(w, "Action=DeleteStack" V "&StackName=root");
        else
            reply = update(w, "root", "", template(step));
        CHECK_OK(w, reply);
        if (step == CREATE)
            id = xml_text(reply, "StackId");
        if (dies) {
            world_flush(w);
            world_hold_disk(w, seed % 2);
            die(w, looks, seed % 3 == 0);
            world_hold_disk(w, false);
        }
        world_settle(w);
        check_status(w, str_cstr(test_arena(), id), ends[step]);
        ret->events[step] = events(w, str_cstr(test_arena(), id));
        ret->parameters[step] =
            json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters");
        size_t n = xml_count(world_ok(w, "Action=DescribeStacks" V), "CreationTime");
        CHECK_INT(n, step == DELETE ? 0 : 3);
    }
    world_free(w);
}

/* The names that children were given, and what of requests is new each time. */
static const char *
without_ids(const char *text)
{
    struct str in = str_from(text), out = S("");

    while (in.p) {
        struct str line = str_split(&in, '\n');
        size_t at = str_find(line, S("Resource handler"));

        out = str_fmt(test_arena(), "%.*s%.*s\n", STR_ARG(out), STR_ARG(str_cut(line, 0, at)));
    }
    return str_cstr(test_arena(), out);
}

TEST(stacks_in_stacks_survive_a_hundred_deaths, "CFN-13 CFN-15 CFNN-03")
{
    struct end whole = {0}, seen = {0};

    cfn_engine_fault.calls = 1;
    run(1, -1, 0, &whole);
    CHECK_INT(whole.parameters[CREATE], 7);
    CHECK_INT(whole.parameters[ROLLBACK], 7);
    CHECK_INT(whole.parameters[DELETE], 1);
    for (int i = 0; i < 100; i++) {
        int step = i % N_STEPS, looks = i / N_STEPS + 1;

        run((uint64_t)i + 2, step, looks, &seen);
        for (int s = CREATE; s < N_STEPS; s++) {
            CHECK_INT(seen.parameters[s], whole.parameters[s]);
            CHECK_STR(str_from(without_ids(seen.events[s])), without_ids(whole.events[s]));
        }
    }
    cfn_engine_fault = (struct cfn_engine_fault){.looks = -1};
}
