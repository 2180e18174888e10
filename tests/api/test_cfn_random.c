/*
 * Random templates, one after the other, into one stack: what lives after each operation is what a
 * model says, whether the operation is good or bad, and wherever the daemon dies in it.
 *
 * The model is the template of the last operation that was well.  What was to be kept when its
 * resource went is counted.  Names are never given twice, so that what is kept is in nobody's way.
 */
#include "api/cfn_bucket.h"
#include "api/cfn_help.h"
#include "cloudformation/engine.h"

#include <stdlib.h>

enum { ITEMS = 8, NESTED = 6 /* from here on they are stacks */, OPERATIONS = 6, SEEDS = 16 };

enum value { TEXT, REF, ATTRIBUTE };
enum keeping { GOES, STAYS, STAYS_WHEN_MADE };
enum condition { ALWAYS, WHEN_LIT, WHEN_DARK };

struct item {
    bool is;         /* in the template */
    int name;        /* 0: CloudFormation gives one */
    enum value kind; /* what its value is: a text, or of another */
    int value;       /* the text, or the other's index */
    int after;       /* DependsOn; -1: nothing */
    enum keeping policy;
    enum condition condition;
};

struct plan {
    struct item items[ITEMS];
    int serial; /* of a resource that is different in each */
};

struct run {
    struct world *w;
    unsigned began, seed;
    int names;       /* given so far */
    struct plan now; /* of the last operation that was well */
    bool made;
    size_t kept; /* parameters that no stack has any more */
};

static const char child[] =
    "Parameters: {Value: {Type: String}}\n"
    "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Value}}}\n"
    "Outputs: {Value: {Value: !GetAtt P.Value}}\n";

static int
dice(struct run *r, int n)
{
    return (int)((unsigned)rand_r(&r->seed) % (unsigned)n);
}

static bool
lives(const struct item *item)
{
    return item->is && item->condition != WHEN_DARK;
}

/* ---- templates ---- */

static void
change_item(struct run *r, struct plan *plan, int i, bool fresh)
{
    struct item *item = &plan->items[i];
    bool was = lives(item);

    if (dice(r, 5) == 0 || fresh)
        item->is = dice(r, 4) > 0;
    if (dice(r, 4) == 0 || fresh)
        item->condition = (enum condition)dice(r, 3);
    if (dice(r, 3) == 0 || fresh) {
        item->kind = (enum value)dice(r, 3);
        item->value = item->kind == TEXT || i == 0 ? dice(r, 1000) : dice(r, i);
    }
    if (dice(r, 4) == 0 || fresh)
        item->after = dice(r, i + 1) - 1;
    if (i < NESTED && (dice(r, 4) == 0 || fresh))
        item->policy = (enum keeping)dice(r, 3);
    /* another name is another resource; so is one that comes back */
    if (i < NESTED && (fresh || !was || dice(r, 5) == 0))
        item->name = dice(r, 2) ? ++r->names : 0;
    if (i == 0 || (item->kind != TEXT && !lives(&plan->items[item->value])) ||
        (item->kind == REF && item->value >= NESTED)) {
        if (item->kind != TEXT)
            item->value = dice(r, 1000);
        item->kind = TEXT;
    }
    if (item->after >= 0 && !lives(&plan->items[item->after]))
        item->after = -1;
}

static struct plan
next_plan(struct run *r)
{
    struct plan plan = r->now;

    for (int i = 0; i < ITEMS; i++)
        change_item(r, &plan, i, !r->made);
    plan.serial++;
    return plan;
}

static const char *
value_text(const struct item *item)
{
    if (item->kind == TEXT)
        return test_fmt("'%d'", item->value);
    if (item->kind == REF)
        return test_fmt("!Ref I%d", item->value);
    return item->value < NESTED ? test_fmt("!GetAtt I%d.Value", item->value)
                                : test_fmt("!GetAtt I%d.Outputs.Value", item->value);
}

static const char *
item_text(const struct plan *plan, int i)
{
    static const char *const policies[] = {"", "    DeletionPolicy: Retain\n",
                                           "    DeletionPolicy: RetainExceptOnCreate\n"};
    static const char *const conditions[] = {"", "    Condition: Lit\n", "    Condition: Dark\n"};
    const struct item *item = &plan->items[i];
    const char *after = item->after >= 0 ? test_fmt("    DependsOn: I%d\n", item->after) : "";
    const char *name = item->name ? test_fmt("Name: /n%d, ", item->name) : "";

    if (i >= NESTED)
        return test_fmt("  I%d:\n    Type: AWS::CloudFormation::Stack\n%s%s    Properties: "
                        "{TemplateURL: " BUCKET "child, Parameters: {Value: %s}}\n",
                        i, after, conditions[item->condition], value_text(item));
    return test_fmt("  I%d:\n    Type: AWS::SSM::Parameter\n%s%s%s    Properties: {%sType: String, "
                    "Value: %s}\n",
                    i, after, policies[item->policy], conditions[item->condition], name,
                    value_text(item));
}

/* A bad one has a resource that fails when all others are made. */
static const char *
template_of(const struct plan *plan, bool bad)
{
    const char *text =
                   test_fmt("Conditions: {Lit: !Equals [a, a], Dark: !Equals [a, b]}\nResources:\n"
                            "  Serial: {Type: AWS::SSM::Parameter, Properties: {Type: String, "
                            "Value: '%d'}}\n",
                            plan->serial),
               *all = "Serial";

    for (int i = 0; i < ITEMS; i++) {
        if (!plan->items[i].is)
            continue;
        text = test_fmt("%s%s", text, item_text(plan, i));
        if (lives(&plan->items[i]))
            all = test_fmt("%s, I%d", all, i);
    }
    return bad ? test_fmt(
                     "%s  Bad: {Type: AWS::SSM::Parameter, DependsOn: [%s], Properties: {Name: "
                     "/taken, Type: String, Value: x}}\n",
                     text, all)
               : text;
}

/* ---- what is there ---- */

static const char *
physical(struct run *r, const char *stack_name, const char *logical)
{
    return xml_cstr(world_okf(r->w,
                              "Action=DescribeStackResource" V "&StackName=%s&LogicalResourceId=%s",
                              stack_name, logical),
                    "PhysicalResourceId");
}

static const char *
parameter(struct run *r, const char *name)
{
    return json_cstr(world_json_okf(r->w, "ssm", "GetParameter", "{'Name':'%s'}", name),
                     "Parameter.Value");
}

static const char *
want(struct run *r, const struct plan *plan, const struct item *item)
{
    if (item->kind == TEXT)
        return test_fmt("%d", item->value);
    if (item->kind == REF)
        return physical(r, "s", test_fmt("I%d", item->value));
    return want(r, plan, &plan->items[item->value]);
}

static void
check_live(struct run *r)
{
    size_t n = 1 + r->kept; /* what is in the way of the bad ones */

    for (int i = 0; i < ITEMS && r->made; i++) {
        const struct item *item = &r->now.items[i];

        if (!lives(item))
            continue;
        const char *id = physical(r, "s", test_fmt("I%d", i));

        if (i >= NESTED)
            id = physical(r, id, "P");
        else if (item->name)
            CHECK_STR(str_from(id), test_fmt("/n%d", item->name));
        CHECK_STR(str_from(parameter(r, id)), want(r, &r->now, item));
        n++;
    }
    n += r->made; /* the serial */
    struct str all = world_json_ok(r->w, "ssm", "DescribeParameters", "{'MaxResults': 50}");

    if (json_path(all, "NextToken").p || json_count(all, "Parameters") != n)
        FAIL("SIM_SEED=%u SIM_RUNS=1: %zu parameters, not %zu: %.*s\n%s", r->began,
             json_count(all, "Parameters"), n, STR_ARG(all), r->made ? events(r->w, "s") : "");
}

/* ---- operations ---- */

/* How often the daemon is to die in what comes; none of it happens before it did. */
static int
deaths(struct run *r)
{
    int n = dice(r, 3);

    cfn_engine_fault = (struct cfn_engine_fault){.looks = n ? 0 : -1};
    return n;
}

static void
happen(struct run *r, int n)
{
    world_flush(r->w);
    for (; n > 0; n--) {
        cfn_engine_fault = (struct cfn_engine_fault){.looks = dice(r, 30), .calls = dice(r, 2)};
        world_hold_disk(r->w, dice(r, 2));
        world_settle(r->w);
        if (dice(r, 2))
            world_flush(r->w);
        cfn_engine_fault.looks = -1;
        world_crash(r->w);
        world_hold_disk(r->w, false);
    }
    cfn_engine_fault = (struct cfn_engine_fault){.looks = -1};
    world_settle(r->w);
}

static size_t
count_kept(const struct plan *plan, const struct plan *before, bool rollback)
{
    size_t n = 0;

    for (int i = 0; i < NESTED; i++) {
        const struct item *item = &plan->items[i];
        bool stays = rollback ? item->policy == STAYS : item->policy != GOES;

        n += lives(item) && !(before && lives(&before->items[i])) && stays;
    }
    return n;
}

static void
operate(struct run *r)
{
    struct plan plan = next_plan(r);
    bool bad = dice(r, 3) == 0, first = !r->made;
    const char *text = template_of(&plan, bad);
    int n = deaths(r);

    CHECK_OK(r->w, first ? create(r->w, "s", "", text) : update(r->w, "s", "", text));
    happen(r, n);
    check_status(r->w, "s",
                 bad     ? first ? "ROLLBACK_COMPLETE" : "UPDATE_ROLLBACK_COMPLETE"
                 : first ? "CREATE_COMPLETE"
                         : "UPDATE_COMPLETE");
    if (bad) {
        r->kept += count_kept(&plan, first ? NULL : &r->now, true);
    } else {
        r->kept += first ? 0 : count_kept(&r->now, &plan, false);
        r->now = plan;
        r->made = true;
    }
    if (bad && first) {
        n = deaths(r);
        world_ok(r->w, "Action=DeleteStack" V "&StackName=s");
        happen(r, n);
    }
}

static void
run_seed(unsigned seed)
{
    struct run r = {.w = world_new_seed(seed), .began = seed, .seed = seed};

    bucket_put(r.w, "child", child);
    world_json_ok(r.w, "ssm", "PutParameter", "{'Name':'/taken','Type':'String','Value':'x'}");
    for (int i = 0; i < OPERATIONS; i++) {
        operate(&r);
        check_live(&r);
    }
    if (r.made) {
        int n = deaths(&r);

        world_ok(r.w, "Action=DeleteStack" V "&StackName=s");
        happen(&r, n);
        r.kept += count_kept(&r.now, NULL, false);
        r.made = false;
        check_live(&r);
    }
    CHECK_INT(xml_count(world_ok(r.w, "Action=DescribeStacks" V), "CreationTime"), 0);
    world_free(r.w);
}

TEST(whatever_a_stack_is_made_into_what_lives_is_what_its_template_says,
     "CFN-13 CFN-15 CFND-02 CFNN-03")
{
    const char *runs = getenv("SIM_RUNS"), *first = getenv("SIM_SEED");
    unsigned seed = first ? (unsigned)strtoul(first, NULL, 10) : 1;

    for (unsigned n = runs ? (unsigned)strtoul(runs, NULL, 10) : SEEDS; n > 0; n--)
        run_seed(seed++);
}
