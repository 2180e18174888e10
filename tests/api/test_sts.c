/* Who is calling. */
#include "harness/harness.h"
#include "harness/world.h"

TEST(a_caller_learns_who_it_is)
{
    struct world *w = world_new();
    struct str me = world_call(w, "Action=GetCallerIdentity");

    CHECK_OK(w, me);
    CHECK_STR(xml_text(me, "Account"), "000000000000");
    CHECK_STR(xml_text(me, "Arn"), "arn:aws:iam::000000000000:root");
    CHECK(xml_text(me, "UserId").n > 0);

    world_account(w, "123456789012", "eu-west-1");
    me = world_call(w, "Action=GetCallerIdentity");
    CHECK_STR(xml_text(me, "Account"), "123456789012");
    CHECK_STR(xml_text(me, "Arn"), "arn:aws:iam::123456789012:root");
    world_free(w);
}
