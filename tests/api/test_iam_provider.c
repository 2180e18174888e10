/* Identity providers: OpenID Connect and SAML. */
#include "harness/world.h"

#define URL "https%3A%2F%2Ftoken.actions.githubusercontent.com"
#define OIDC "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
#define SAML "arn:aws:iam::000000000000:saml-provider/corp"
#define THUMB "6938fd4d98bab03faadb97b34396831e3780aea1"

static struct str
metadata(struct world *w, const char *mark)
{
    return world_code(w, str_fmt(test_arena(),
                                 "<EntityDescriptor entityID=\"%s\"><IDPSSODescriptor/>"
                                 "<!--%01000d--></EntityDescriptor>",
                                 mark, 0));
}

TEST(an_oidc_provider_lives_through_its_verbs)
{
    struct world *w = world_new();
    struct str made =
        world_ok(w, "Action=CreateOpenIDConnectProvider&Url=" URL "&ClientIDList.member.1=sts&"
                    "ClientIDList.member.2=sts&ThumbprintList.member.1=" THUMB
                    "&Tags.member.1.Key=k&Tags.member.1.Value=v");

    CHECK_STR(xml_text(made, "OpenIDConnectProviderArn"), OIDC);
    world_refused(w, "EntityAlreadyExists",
                  "Provider with url https://token.actions.githubusercontent.com already exists.",
                  "Action=CreateOpenIDConnectProvider&Url=" URL);
    world_ok(w, "Action=AddClientIDToOpenIDConnectProvider&ClientID=two&"
                "OpenIDConnectProviderArn=" OIDC);
    world_ok(w, "Action=AddClientIDToOpenIDConnectProvider&ClientID=two&"
                "OpenIDConnectProviderArn=" OIDC);
    world_crash(w);
    struct str seen =
        world_ok(w, "Action=GetOpenIDConnectProvider&OpenIDConnectProviderArn=" OIDC);

    CHECK_STR(xml_text(seen, "Url"), "token.actions.githubusercontent.com");
    CHECK_INT(xml_count(xml_element(seen, "ClientIDList"), "member"), 2);
    CHECK_STR(xml_text(xml_element(seen, "ThumbprintList"), "member"), THUMB);
    world_ok(w, "Action=RemoveClientIDFromOpenIDConnectProvider&ClientID=sts&"
                "OpenIDConnectProviderArn=" OIDC);
    world_ok(w, "Action=UpdateOpenIDConnectProviderThumbprint&OpenIDConnectProviderArn=" OIDC
                "&ThumbprintList.member.1=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    seen = world_ok(w, "Action=GetOpenIDConnectProvider&OpenIDConnectProviderArn=" OIDC);
    CHECK_STR(xml_text(xml_element(seen, "ClientIDList"), "member"), "two");
    CHECK_STR(xml_text(xml_element(seen, "ThumbprintList"), "member"),
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    CHECK_STR(xml_text(world_ok(w, "Action=ListOpenIDConnectProviders"), "Arn"), OIDC);
    world_ok(w, "Action=TagOpenIDConnectProvider&OpenIDConnectProviderArn=" OIDC
                "&Tags.member.1.Key=l&Tags.member.1.Value=w");
    world_ok(w, "Action=UntagOpenIDConnectProvider&OpenIDConnectProviderArn=" OIDC
                "&TagKeys.member.1=k");
    CHECK_STR(xml_text(world_ok(w, "Action=ListOpenIDConnectProviderTags&"
                                   "OpenIDConnectProviderArn=" OIDC),
                       "Key"),
              "l");
    world_account(w, "111111111111", "us-east-1");
    world_refused(w, "NoSuchEntity", "OpenIDConnect Provider not found for arn " OIDC,
                  "Action=GetOpenIDConnectProvider&OpenIDConnectProviderArn=" OIDC);
    CHECK_INT(xml_count(world_ok(w, "Action=ListOpenIDConnectProviders"), "Arn"), 0);
    world_account(w, "000000000000", "us-east-1");
    world_ok(w, "Action=DeleteOpenIDConnectProvider&OpenIDConnectProviderArn=" OIDC);
    world_ok(w, "Action=DeleteOpenIDConnectProvider&OpenIDConnectProviderArn=" OIDC);
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=GetOpenIDConnectProvider&OpenIDConnectProviderArn=" OIDC);
    world_free(w);
}

TEST(an_oidc_provider_is_refused_for_what_it_cannot_be)
{
    struct world *w = world_new();

    world_refused(w, "ValidationError", "Invalid Open ID Connect Provider URL",
                  "Action=CreateOpenIDConnectProvider&Url=http%3A%2F%2Fexample.org");
    world_refused(w, "ValidationError", "Invalid Open ID Connect Provider URL",
                  "Action=CreateOpenIDConnectProvider&Url=https%3A%2F%2Fexample.org%3Fa%3Db");
    world_refused(w, "ValidationError", NULL,
                  "Action=CreateOpenIDConnectProvider&Url=" URL "&ThumbprintList.member.1=abc");
    world_refused(w, "InvalidInput", NULL,
                  "Action=CreateOpenIDConnectProvider&Url=" URL
                  "&ThumbprintList.member.1=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
    const char *form = "Action=CreateOpenIDConnectProvider&Url=" URL;

    for (int i = 1; i <= 6; i++)
        form = test_fmt("%s&ThumbprintList.member.%d=%040d", form, i, i);
    world_refused(w, "InvalidInput", "Thumbprint list must contain fewer than 5 entries.", form);
    form = "Action=CreateOpenIDConnectProvider&Url=" URL;
    for (int i = 1; i <= 100; i++)
        form = test_fmt("%s&ClientIDList.member.%d=c%d", form, i, i);
    world_ok(w, form);
    world_refused(w, "LimitExceeded",
                  "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
                  "Action=AddClientIDToOpenIDConnectProvider&ClientID=more&"
                  "OpenIDConnectProviderArn=" OIDC);
    world_free(w);
}

TEST(a_saml_provider_lives_through_its_verbs)
{
    struct world *w = world_new();
    struct str made = world_okf(
        w,
        "Action=CreateSAMLProvider&Name=corp&SAMLMetadataDocument=%.*s&Tags.member.1.Key=k&"
        "Tags.member.1.Value=v",
        STR_ARG(metadata(w, "one")));

    CHECK_STR(xml_text(made, "SAMLProviderArn"), SAML);
    world_refusedf(w, "EntityAlreadyExists", NULL,
                   "Action=CreateSAMLProvider&Name=corp&SAMLMetadataDocument=%.*s",
                   STR_ARG(metadata(w, "one")));
    world_refusedf(w, "InvalidInput", "Could not parse metadata",
                   "Action=CreateSAMLProvider&Name=bad&SAMLMetadataDocument=%01000d", 0);
    world_refusedf(w, "InvalidInput", NULL,
                   "Action=CreateSAMLProvider&Name=enc&AssertionEncryptionMode=Required&"
                   "SAMLMetadataDocument=%.*s",
                   STR_ARG(metadata(w, "one")));
    world_okf(w, "Action=UpdateSAMLProvider&SAMLProviderArn=" SAML "&SAMLMetadataDocument=%.*s",
              STR_ARG(metadata(w, "two")));
    world_crash(w);
    struct str seen = world_ok(w, "Action=GetSAMLProvider&SAMLProviderArn=" SAML);

    CHECK(str_find(xml_text(seen, "SAMLMetadataDocument"), S("\"two\"")) != SIZE_MAX);
    CHECK(str_starts(xml_text(seen, "ValidUntil"), S("21")));
    CHECK_STR(xml_text(world_ok(w, "Action=ListSAMLProviders"), "Arn"), SAML);
    world_ok(w, "Action=TagSAMLProvider&SAMLProviderArn=" SAML
                "&Tags.member.1.Key=l&Tags.member.1.Value=w");
    world_ok(w, "Action=UntagSAMLProvider&SAMLProviderArn=" SAML "&TagKeys.member.1=k");
    CHECK_STR(xml_text(world_ok(w, "Action=ListSAMLProviderTags&SAMLProviderArn=" SAML), "Key"),
              "l");
    world_ok(w, "Action=DeleteSAMLProvider&SAMLProviderArn=" SAML);
    world_refused(w, "NoSuchEntity", "Manifest not found for arn " SAML,
                  "Action=DeleteSAMLProvider&SAMLProviderArn=" SAML);
    world_free(w);
}
