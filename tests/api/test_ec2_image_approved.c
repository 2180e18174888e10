/* Who may launch only what was approved: a tag of the image decides. */
#include "harness/world.h"

#define RUN "Action=RunInstances&MinCount=1&MaxCount=1&InstanceType=t3.micro&ImageId=%s"

/* Everything that a launch touches, and of images only those with the tag. */
static const char policy[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Effect\":\"Allow\",\"Action\":\"ec2:RunInstances\",\"NotResource\":"
    "\"arn:aws:ec2:*::image/*\"},"
    "{\"Effect\":\"Allow\",\"Action\":\"ec2:RunInstances\",\"Resource\":"
    "\"arn:aws:ec2:*::image/*\",\"Condition\":{\"StringEquals\":"
    "{\"ec2:ResourceTag/approved\":\"yes\"}}}]}";

TEST(only_approved_images_are_launched, "AMI-17")
{
    struct world *w = world_new();
    const char *images[2], *instance;
    struct str key, message, told;

    instance = xml_cstr(world_okf(w, RUN, "ami-009d6802948d06e52"), "instanceId");
    world_advance(w, 60000);
    for (int i = 0; i < 2; i++)
        images[i] = xml_cstr(
            world_okf(w, "Action=CreateImage&InstanceId=%s&Name=own-%d&NoReboot=true", instance, i),
            "imageId");
    world_advance(w, 60000);
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=approved&Tag.1.Value=yes", images[0]);
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=approved&Tag.1.Value=no", images[1]);
    world_ok(w, "Action=CreateUser&UserName=bob");
    world_okf(w, "Action=PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(world_code(w, str_from(policy))));
    key = str_dup(&w->arena, world_ok(w, "Action=CreateAccessKey&UserName=bob"));
    world_as_reply(w, key);
    world_okf(w, RUN, images[0]);
    message = xml_text(world_callf(w, RUN, images[1]), "Message");
    size_t at = str_find(message, S("Encoded authorization failure message: "));

    CHECK_INT(w->http, 403);
    CHECK(at != SIZE_MAX && str_find(message, str_from(images[1])) != SIZE_MAX);
    world_refusedf(w, "UnauthorizedOperation", NULL, RUN, "ami-009d6802948d06e52");
    world_refusedf(w, "UnauthorizedOperation", NULL, RUN "&DryRun=true", images[1]);
    world_as_root(w);
    told = xml_text(world_okf(w, "Action=DecodeAuthorizationMessage&EncodedMessage=%.*s",
                              STR_ARG(str_cut(message,
                                              at + strlen("Encoded authorization failure "
                                                          "message: "),
                                              message.n))),
                    "DecodedMessage");
    CHECK(str_find(told, S("\"action\":\"ec2:RunInstances\"")) != SIZE_MAX);
    CHECK(str_find(told, str_from(test_fmt("image/%s", images[1]))) != SIZE_MAX);
    /* what loses its tag is no longer approved */
    world_okf(w, "Action=DeleteTags&ResourceId.1=%s&Tag.1.Key=approved", images[0]);
    world_as_reply(w, key);
    world_refusedf(w, "UnauthorizedOperation", NULL, RUN, images[0]);
    world_free(w);
}
