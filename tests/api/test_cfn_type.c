/*
 * Resource types, one by one: cfn_types.yaml has a case for each.  A step of a case is a set of
 * properties; after each the thing itself is asked, by the type's own "Live", whether it is what
 * the step wanted.
 */
#include "api/cfn_help.h"

#include "api/actor.h"
#include "cloudformation/load.h"
#include "cloudformation/tree.h"
#include "cloudformation/type.h"
#include "gen/store/cloudformation_rows.h"

#define CASES "tests/api/cfn_types.yaml"
#define TEXT_MAX ((size_t)1 << 20)
#define TAGGED "&Tags.member.1.Key=team&Tags.member.1.Value=x"

static const struct json *
cases(void)
{
    static struct json all;
    struct str wrong = cfn_load(test_arena(), test_read_file(CASES), &all);

    if (wrong.p)
        FAIL("%s: %.*s", CASES, STR_ARG(wrong));
    return &all;
}

/* ---- the thing itself ---- */

struct seen {
    struct str id, stack;
    struct json props, attributes;
};

static struct seen
row_of(struct world *w, const char *name)
{
    struct arena *a = test_arena();
    struct txn *txn = world_begin(w);
    struct seen seen = {.props = cfn_object(), .attributes = cfn_object()};

    STORE_EACH(txn, cfn_resource_by_key, row) {
        if (!str_is(row->logical, "It") || !row->physical.n ||
            str_find(row->stack, str_from(test_fmt(":stack/%s/", name))) == SIZE_MAX)
            continue;
        seen.id = str_dup(a, row->physical);
        seen.stack = str_dup(a, row->stack);
        CHECK(cfn_read(a, str_dup(a, row->props), &seen.props));
        CHECK(cfn_read(a, str_dup(a, row->attributes), &seen.attributes));
    }
    store_rollback(txn);
    return seen;
}

/* What it is now; false: it is not there. */
static bool
live(struct world *w, struct str type, const struct seen *seen, struct json *ret)
{
    struct txn *txn = world_begin(w);
    const struct cfn_stack_row *stack_row = cfn_stack_get(txn, seen->stack);
    struct api_call call;
    bool there;

    CHECK(stack_row);
    CHECK(api_actor_call(cloud_api(w->cloud), test_arena(), &stack_row->actor, w->region, &call));
    call.txn = txn;
    struct cfn_run run = {.call = &call,
                          .stack = S("x"),
                          .logical = S("It"),
                          .tags = cfn_array(),
                          .old_tags = cfn_array(),
                          .type = cfn_type(type),
                          .props = seen->props,
                          .old = cfn_object(),
                          .id = seen->id,
                          .attributes = seen->attributes};
    int r = cfn_run_live(&run, ret, &there);

    store_rollback(call.txn);
    if (r != 0)
        FAIL("%.*s is not read: %.*s %.*s", STR_ARG(type), STR_ARG(run.why),
             STR_ARG(call.fault.message));
    return there;
}

static bool alike(const struct json *want, const struct json *have);

static bool
has(const struct json *list, const struct json *one)
{
    for (size_t i = 0; i < list->n; i++)
        if (alike(one, &list->v[i]))
            return true;
    return false;
}

/* The order of a list does not count, nor what an object has besides. */
static bool
alike(const struct json *want, const struct json *have)
{
    if (!have || cfn_scalar(want).p)
        return cfn_equal(want, have);
    if (want->kind != have->kind || (want->kind == JSON_ARRAY && want->n != have->n))
        return false;
    for (size_t i = 0; i < want->n; i++)
        if (want->kind == JSON_ARRAY ? !has(have, &want->v[i])
                                     : !alike(&want->v[i], json_get_str(have, want->names[i])))
            return false;
    return true;
}

static void
check_live(struct world *w, struct str type, const struct seen *seen)
{
    const struct json *known = json_get(cfn_type(type), "Live");
    struct json now;

    if (!live(w, type, seen, &now))
        FAIL("%.*s %.*s is not there", STR_ARG(type), STR_ARG(seen->id));
    for (size_t i = 0; i < seen->props.n; i++) {
        struct str name = seen->props.names[i];
        const struct json *want = &seen->props.v[i], *have = json_get_str(&now, name);
        bool tags = str_is(name, "Tags");
        bool ok = true;

        for (size_t k = 0; tags && have && k < want->n; k++)
            ok = ok && has(have, &want->v[k]);
        if (json_get_str(known, name) && !(tags ? have && ok : alike(want, have)))
            FAIL("%.*s: %.*s is %.*s, not %.*s", STR_ARG(type), STR_ARG(name),
                 STR_ARG(have ? cfn_print(test_arena(), have, TEXT_MAX) : S("absent")),
                 STR_ARG(cfn_print(test_arena(), want, TEXT_MAX)));
    }
    const struct json *tags = json_get(&now, "Tags");

    if (tags && !str_find(cfn_print(test_arena(), tags, TEXT_MAX), S("\"team\"")))
        FAIL("%.*s has not the stack's tags", STR_ARG(type));
}

/* ---- one case ---- */

static struct str
template_of(const struct json *one, const struct json *properties, struct str type)
{
    struct arena *a = test_arena();
    const struct json *with = json_get(one, "With");
    struct json it = cfn_object(), resources = cfn_object(), root = cfn_object();

    cfn_put(a, &it, S("Type"), cfn_text(type));
    cfn_put(a, &it, S("Properties"), *properties);
    if (json_get(one, "After"))
        cfn_put(a, &it, S("DependsOn"), *json_get(one, "After"));
    cfn_put(a, &resources, S("It"), it);
    for (size_t i = 0; with && i < with->n; i++)
        cfn_put(a, &resources, with->names[i], with->v[i]);
    cfn_put(a, &root, S("Resources"), resources);
    return cfn_print(a, &root, TEXT_MAX);
}

static void
wait_for(struct world *w, const char *name, const char *status)
{
    for (int i = 0; i < 40; i++) {
        world_settle(w);
        if (!str_ends(xml_text(stack(w, name), "StackStatus"), S("_IN_PROGRESS")))
            break;
        world_advance(w, 500);
    }
    check_status(w, name, status);
}

static void
check_attributes(struct str type, const struct json *one, const struct seen *seen)
{
    const struct json *known = json_get(cfn_type(type), "Attributes");
    const struct json *absent = json_get(one, "Absent");
    struct str ref = json_text(one, "Ref");

    if (ref.p && !str_glob(ref, seen->id))
        FAIL("%.*s: Ref is %.*s, not %.*s", STR_ARG(type), STR_ARG(seen->id), STR_ARG(ref));
    for (size_t i = 0; known && i < known->n; i++) {
        const struct json name = cfn_text(known->names[i]);

        if (!json_get_str(&seen->attributes, known->names[i]) && !(absent && has(absent, &name)))
            FAIL("%.*s has no attribute %.*s", STR_ARG(type), STR_ARG(known->names[i]));
    }
}

static struct str
tagged_with(struct world *w, const char *key, const char *what)
{
    return world_okf(w,
                     "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=aws:cloudformation:%s"
                     "&Filter.2.Name=value&Filter.2.Value.1=%s",
                     key, what);
}

/* Something of EC2's has the tags of the stack and of the logical id. */
static void
check_system_tags(struct world *w, struct str type, const char *name)
{
    struct str own, all;

    if (!str_starts(type, S("AWS::EC2::")) ||
        !(json_get(json_get(cfn_type(type), "Properties"), "Tags")))
        return;
    own = tagged_with(w, "logical-id", "It");
    all = tagged_with(w, "stack-name", name);
    for (size_t i = 0; i < xml_count(own, "resourceId"); i++)
        for (size_t k = 0; k < xml_count(all, "resourceId"); k++)
            if (str_eq(xml_text_at(own, "resourceId", i), xml_text_at(all, "resourceId", k)))
                return;
    FAIL("%.*s has not the tags of CloudFormation", STR_ARG(type));
}

static void
check_gone(struct world *w, struct str type, const struct seen *seen)
{
    struct json now;

    if (!json_get(cfn_type(type), "Live"))
        return;
    if (live(w, type, seen, &now) && now.n)
        FAIL("%.*s %.*s is still there: %.*s", STR_ARG(type), STR_ARG(seen->id),
             STR_ARG(cfn_print(test_arena(), &now, TEXT_MAX)));
}

static void
change(struct world *w, struct str type, const struct json *one, const struct json *step,
       const char *name, struct seen *seen)
{
    struct str is = json_text(step, "Is"), why = json_text(step, "Why");
    bool refused = str_is(is, "refused");
    const char *template = test_cstr(template_of(one, json_get(step, "Properties"), type));
    struct str reply = update(w, name, NAMED TAGGED, template);

    CHECK_OK(w, reply);
    wait_for(w, name, refused ? "UPDATE_ROLLBACK_COMPLETE" : "UPDATE_COMPLETE");
    struct seen now = row_of(w, name);

    if (refused && str_find(str_from(events(w, name)), why) == SIZE_MAX)
        FAIL("%.*s: not \"%.*s\":\n%s", STR_ARG(type), STR_ARG(why), events(w, name));
    if (str_is(is, "replaced") == str_eq(now.id, seen->id))
        FAIL("%.*s was not %.*s: %.*s, %.*s", STR_ARG(type), STR_ARG(is), STR_ARG(seen->id),
             STR_ARG(now.id));
    check_live(w, type, &now);
    if (str_is(is, "replaced"))
        check_gone(w, type, seen);
    *seen = now;
}

/* The case is whole: each property that can change in place does so. */
static void
check_whole(struct str type, const struct json *one)
{
    const struct json *known = json_get(cfn_type(type), "Properties");
    const struct json *steps = json_get(one, "Steps"), *not_changed = json_get(one, "Unchanged");

    for (size_t i = 0; i < known->n; i++) {
        struct str name = known->names[i], letters = cfn_scalar(&known->v[i]);
        const struct json text = cfn_text(name);
        bool changes = str_find_char(letters, 'C') != SIZE_MAX ||
                       str_find_char(letters, 'N') != SIZE_MAX ||
                       (not_changed && has(not_changed, &text));

        for (size_t k = 1; k < steps->n; k++)
            changes =
                changes || !cfn_equal(json_get_str(json_get(&steps->v[k], "Properties"), name),
                                      json_get_str(json_get(&steps->v[k - 1], "Properties"), name));
        if (!changes)
            FAIL("%.*s: no step changes %.*s", STR_ARG(type), STR_ARG(name));
    }
}

static void
setup(struct world *w)
{
    world_ok(w, "Action=CreateUser&Version=2010-05-08&UserName=joe");
    world_ok(w, "Action=CreateUser&Version=2010-05-08&UserName=ann");
    world_ok(w, "Action=CreateGroup&Version=2010-05-08&GroupName=team");
    world_ok(w, "Action=CreateGroup&Version=2010-05-08&GroupName=crew");
    world_account(w, "000000000000", "eu-west-1");
    struct str key = world_json_ok(w, "kms", "CreateKey", "{'MultiRegion':true}");

    world_account(w, "000000000000", "us-east-1");
    world_json_okf(w, "ssm", "PutParameter", "{'Name':'/key','Type':'String','Value':'%s'}",
                   json_cstr(key, "KeyMetadata.Arn"));
}

static void
run_case(struct world *w, struct str type, const struct json *one, const char *name)
{
    const struct json *steps = json_get(one, "Steps");

    if (!cfn_type(type))
        FAIL("there is no type %.*s", STR_ARG(type));
    check_whole(type, one);
    struct str template = template_of(one, json_get(&steps->v[0], "Properties"), type);
    struct str reply = create(w, name, NAMED TAGGED, test_cstr(template));

    if (w->http != 200)
        FAIL("%.*s: %.*s", STR_ARG(type), STR_ARG(reply));
    struct str id = xml_text(reply, "StackId");

    wait_for(w, name, "CREATE_COMPLETE");
    struct seen seen = row_of(w, name);

    check_attributes(type, one, &seen);
    check_live(w, type, &seen);
    check_system_tags(w, type, name);
    for (size_t i = 1; i < steps->n; i++)
        change(w, type, one, &steps->v[i], name, &seen);
    world_okf(w, "Action=DeleteStack" V "&StackName=%s", name);
    wait_for(w, test_cstr(id), "DELETE_COMPLETE");
    check_gone(w, type, &seen);
}

static void
run_service(const char *prefix)
{
    struct world *w = world_new();
    const struct json *all = cases();
    size_t n = 0;

    setup(w);
    for (size_t i = 0; i < all->n; i++) {
        if (!str_starts(all->names[i], str_from(prefix)))
            continue;
        run_case(w, all->names[i], &all->v[i], test_fmt("case-%zu", i));
        n++;
    }
    CHECK(n > 0);
    world_free(w);
}

TEST(each_type_of_ec2_is_made_changed_replaced_and_deleted, "CFN-04")
{
    run_service("AWS::EC2::");
}

TEST(each_type_of_iam_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::IAM::");
}

TEST(each_type_of_ssm_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::SSM::");
}

TEST(each_type_of_kms_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::KMS::");
}

TEST(each_type_of_secrets_manager_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::SecretsManager::");
}

TEST(each_type_of_ram_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::RAM::");
}

TEST(each_type_of_rds_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::RDS::");
}

TEST(each_type_of_resource_groups_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::ResourceGroups::");
}

TEST(each_type_of_auto_scaling_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::AutoScaling::");
}

TEST(each_type_of_load_balancers_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::ElasticLoadBalancingV2::");
}

TEST(each_type_of_cloudwatch_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::CloudWatch::");
}

TEST(each_type_of_s3_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::S3::");
}

TEST(each_type_of_ecr_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::ECR::");
}

TEST(each_type_of_others_is_made_changed_replaced_and_deleted)
{
    run_service("AWS::CDK::");
}

/* ---- all types ---- */

static const struct api_service *
service(struct str name)
{
    const struct api_service_hooks *const *list = cloud_services();

    for (; *list; list++)
        if (str_is(name, (*list)->service->name))
            return (*list)->service;
    return NULL;
}

static bool
is_function(const struct json *j)
{
    return j->kind == JSON_OBJECT && j->n == 1 &&
           (str_is(j->names[0], "Ref") || str_starts(j->names[0], S("Fn::")));
}

/* Each name in a request is a member of the operation's. */
static void
check_names(struct str type, const struct api_service *s, const struct api_shape *shape,
            const struct json *in)
{
    if (is_function(in))
        return;
    if (shape->kind == API_LIST && in->kind == JSON_ARRAY) {
        for (size_t i = 0; i < in->n; i++)
            check_names(type, s, &s->shapes[s->members[shape->first].shape], &in->v[i]);
        return;
    }
    if (shape->kind != API_STRUCT || in->kind != JSON_OBJECT)
        return;
    for (size_t i = 0; i < in->n; i++) {
        const struct api_member *m = api_member_find(s, shape, in->names[i]);

        if (!m)
            FAIL("%.*s: no operation takes %.*s", STR_ARG(type), STR_ARG(in->names[i]));
        check_names(type, s, &s->shapes[m->shape], &in->v[i]);
    }
}

static void
check_steps(struct str type, const struct json *definition, const struct json *steps)
{
    for (size_t i = 0; steps && i < steps->n; i++) {
        const struct json *step = &steps->v[i];
        struct str name = json_text(step, "Service");
        const struct api_service *s = service(name.p ? name : json_text(definition, "Service"));
        const struct api_op *op = s ? api_op_find(s, json_text(step, "Call")) : NULL;

        if (!json_get(step, "Call") &&
            (json_get(step, "Refuse") || json_get(step, "Taken") || json_get(step, "Save")))
            continue;
        if (!op)
            FAIL("%.*s: no operation %.*s", STR_ARG(type), STR_ARG(json_text(step, "Call")));
        check_names(type, s, api_shape(s, op->input), json_get(step, "In"));
    }
}

TEST(resource_types_call_operations_that_there_are)
{
    static const char *const lists[] = {"Create",   "Update", "Delete",
                                        "Snapshot", "Read",   "LiveRead"};
    const struct json *types = cfn_types();

    for (size_t i = 0; i < types->n; i++) {
        const struct json *live_of = json_get(&types->v[i], "Live");

        for (size_t k = 0; k < ARRAY_LEN(lists); k++)
            check_steps(types->names[i], &types->v[i], json_get(&types->v[i], lists[k]));
        check_steps(types->names[i], &types->v[i],
                    json_get(json_get(&types->v[i], "Interrupt"), "Stop"));
        for (size_t k = 0; live_of && k < live_of->n; k++)
            if (!json_get_str(json_get(&types->v[i], "Properties"), live_of->names[k]))
                FAIL("%.*s reads %.*s, which is no property", STR_ARG(types->names[i]),
                     STR_ARG(live_of->names[k]));
    }
}

static const struct {
    const char *type, *properties, *why;
} refusals[] = {
    {"AWS::EC2::EIP", "{Nope: 1}", "#: extraneous key [Nope] is not permitted"},
    {"AWS::EC2::Host", "{}", "#: required key [AvailabilityZone] not found"},
    {"AWS::EC2::SecurityGroup",
     "{GroupDescription: g, SecurityGroupIngress: [{IpProtocol: tcp, Cidr: 0.0.0.0/0}]}",
     "#/SecurityGroupIngress/0: extraneous key [Cidr] is not permitted"},
    {"AWS::EC2::SecurityGroup", "{GroupDescription: g, SecurityGroupIngress: [{FromPort: 1}]}",
     "#/SecurityGroupIngress/0: required key [IpProtocol] not found"},
    {"AWS::IAM::InstanceProfile", "{Roles: one}",
     "#/Roles: expected type: JSONArray, found: String"},
    {"AWS::SSM::Parameter", "{Type: SecureString, Value: x}",
     "#/Type: SecureString is not a valid enum value"},
    {"AWS::EC2::Instance", "{ImageId: ami-1, Volumes: []}",
     "Welkin does not implement the property Volumes yet"},
    {"AWS::SecretsManager::SecretTargetAttachment", "{SecretId: a, TargetId: b, TargetType: c}",
     "It needs RDS, DocumentDB or Redshift."},
    {"AWS::CloudFormation::CustomResource", "{ServiceToken: arn, Any: thing}",
     "Invalid service token."},
    {"AWS::Lambda::LayerVersion", "{Content: {S3Bucket: none, S3Key: k}}", "NoSuchBucket"},
    {"AWS::SecretsManager::RotationSchedule",
     "{SecretId: hidden, RotationLambdaARN: 'arn:aws:lambda:us-east-1:000000000000:function:f'}",
     "Lambda"},
    {"Custom::Mine", "{ServiceToken: 'arn:aws:sns:us-east-1:000000000000:t'}",
     "Topic does not exist"},
};

TEST(what_a_type_cannot_take_is_refused_by_its_name, "CFN-12")
{
    struct world *w = world_new();

    world_json_ok(w, "secretsmanager", "CreateSecret",
                  "{'Name':'hidden','SecretString':'x','ClientRequestToken':'00000000-0000-4000-"
                  "8000-000000000000'}");
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const char *name = test_fmt("no-%zu", i);

        CHECK_OK(w, create(w, name, NAMED,
                           test_fmt("Resources: {It: {Type: %s, Properties: %s}}", refusals[i].type,
                                    refusals[i].properties)));
        world_settle(w);
        check_status(w, name, "ROLLBACK_COMPLETE");
        if (!strstr(events(w, name), refusals[i].why))
            FAIL("%s: not \"%s\":\n%s", refusals[i].type, refusals[i].why, events(w, name));
    }
    world_free(w);
}

TEST(every_type_has_a_case)
{
    const struct json *types = cfn_types(), *all = cases();

    for (size_t i = 0; i < types->n; i++) {
        bool known = json_get_str(all, types->names[i]) ||
                     str_starts(types->names[i], S("AWS::CloudFormation::"));

        for (size_t k = 0; k < ARRAY_LEN(refusals); k++)
            known = known || str_is(types->names[i], refusals[k].type);
        if (!known)
            FAIL("%s has no case of %.*s", CASES, STR_ARG(types->names[i]));
    }
}

/* ---- what must be still while it is changed ---- */

static struct str
server(struct world *w, const char *member)
{
    struct str about = world_ok(w, "Action=DescribeInstances");

    return xml_text(member ? about : xml_element(about, "instanceState"), member ? member : "name");
}

static const char *
server_of(const char *type)
{
    return test_fmt("Resources: {It: {Type: AWS::EC2::Instance, Properties: {ImageId: "
                    "ami-009d6802948d06e52, InstanceType: %s}}}",
                    type);
}

TEST(an_instance_stops_for_another_type_and_starts_again, "CFN-15")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "one", "", server_of("t3.micro")));
    wait_for(w, "one", "CREATE_COMPLETE");
    struct str id = server(w, "instanceId");

    struct str set = world_callf(
        w, "Action=CreateChangeSet" V "&StackName=one&ChangeSetName=c&TemplateBody=%.*s",
        STR_ARG(world_code(w, str_from(server_of("t3.small")))));
    CHECK_OK(w, set);
    set = world_ok(w, "Action=DescribeChangeSet" V "&StackName=one&ChangeSetName=c");
    CHECK_STR(xml_text(set, "RequiresRecreation"), "Conditionally");
    CHECK_OK(w, update(w, "one", "", server_of("t3.small")));
    world_settle(w);
    CHECK_STR(server(w, NULL), "stopping");
    world_crash(w);
    check_status(w, "one", "UPDATE_IN_PROGRESS");
    wait_for(w, "one", "UPDATE_COMPLETE");
    CHECK_STR(server(w, NULL), "running");
    CHECK_STR(server(w, "instanceType"), "t3.small");
    /* who cancels while it is still gets it back as it ran */
    CHECK_OK(w, update(w, "one", "", server_of("t3.large")));
    world_settle(w);
    CHECK_STR(server(w, NULL), "stopping");
    world_ok(w, "Action=CancelUpdateStack" V "&StackName=one");
    world_crash(w);
    wait_for(w, "one", "UPDATE_ROLLBACK_COMPLETE");
    world_advance(w, 2000);
    CHECK_STR(server(w, NULL), "running");
    CHECK_STR(server(w, "instanceType"), "t3.small");
    CHECK(str_eq(server(w, "instanceId"), id));
    /* one that somebody ended is not waited for */
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%.*s", STR_ARG(id));
    world_advance(w, 2000);
    CHECK_OK(w, update(w, "one", "", server_of("t3.large")));
    wait_for(w, "one", "UPDATE_ROLLBACK_COMPLETE");
    world_free(w);
}

#define PARAMETER                                                                                  \
    "Resources: {It: {Type: AWS::SSM::Parameter, Properties: {Name: /p, Type: %s, Value: %s}}}"

TEST(an_update_that_fails_goes_back_to_the_update_before_it, "CFN-15")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "one", "", test_fmt(PARAMETER, "String", "a")));
    wait_for(w, "one", "CREATE_COMPLETE");
    CHECK_OK(w, update(w, "one", "", test_fmt(PARAMETER, "String", "b")));
    wait_for(w, "one", "UPDATE_COMPLETE");
    CHECK_OK(w, update(w, "one", "", test_fmt(PARAMETER, "SecureString", "c")));
    wait_for(w, "one", "UPDATE_ROLLBACK_COMPLETE");
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/p'}"), "Parameter.Value"),
        "b");
    world_free(w);
}
