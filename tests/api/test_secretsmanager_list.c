/* Lists of secrets: filters, order, pages; random passwords. */
#include "secretsmanager_help.h"

/* The names that a list has, "a,b". */
static const char *
names(struct world *w, const char *members)
{
    struct str reply = SM(w, "ListSecrets", "{%s}", members);
    struct str_list all = {NULL, 0};

    for (size_t i = 0; i < json_count(reply, "SecretList"); i++)
        *LIST_PUSH(test_arena(), &all) =
            str_from(sm_get(reply, test_fmt("SecretList.%zu.Name", i)));
    return test_cstr(str_join(test_arena(), &all, S(",")));
}

static const char *
filtered(struct world *w, const char *key, const char *values)
{
    return names(w,
                 test_fmt("'SortBy':'name','Filters':[{'Key':'%s','Values':[%s]}]", key, values));
}

static void
fill(struct world *w)
{
    SM(w, "CreateSecret",
       "{'Name':'prod/web','Description':'Front Door','Tags':[{'Key':'Team','Value':'blue'}]"
       "," SM_TOKEN("1") "}");
    world_advance(w, 1000);
    SM(w, "CreateSecret",
       "{'Name':'prod/db','Description':'myDatabase','Tags':[{'Key':'team','Value':'green'}]"
       "," SM_TOKEN("1") "}");
    world_advance(w, 1000);
    SM(w, "CreateSecret", "{'Name':'test_DbUser'," SM_TOKEN("1") "}");
}

TEST(filters_choose_secrets)
{
    struct world *w = world_new();

    fill(w);
    SM_IS(filtered(w, "name", "'prod/'"), "prod/db,prod/web");
    SM_IS(filtered(w, "name", "'Prod'"), "");
    SM_IS(filtered(w, "name", "'!prod/'"), "test_DbUser");
    SM_IS(filtered(w, "name", "'prod/w','test'"), "prod/web,test_DbUser");
    SM_IS(filtered(w, "description", "'front'"), "prod/web");
    SM_IS(filtered(w, "description", "'data'"), "prod/db");
    SM_IS(filtered(w, "tag-key", "'Te'"), "prod/web");
    SM_IS(filtered(w, "tag-key", "'!team'"), "prod/web,test_DbUser");
    SM_IS(filtered(w, "tag-value", "'gr'"), "prod/db");
    SM_IS(filtered(w, "all", "'DB'"), "prod/db,test_DbUser");
    SM_IS(filtered(w, "all", "'user'"), "test_DbUser");
    SM_IS(filtered(w, "all", "'team green'"), "");
    SM_IS(filtered(w, "primary-region", "'us'"), "");
    SM_IS(filtered(w, "owning-service", "'rds'"), "");
    SM_IS(names(w, "'Filters':[{'Key':'name','Values':['prod']},{'Key':'tag-key','Values':["
                   "'team']}]"),
          "prod/db");
    SM_REFUSED(w, "InvalidParameterException", NULL, "ListSecrets",
               "{'Filters':[{'Values':['x']}]}");
    SM_REFUSED(w, "InvalidParameterException", NULL, "ListSecrets", "{'Filters':[{'Key':'name'}]}");
    SM_REFUSED(w, "ValidationException", NULL, "ListSecrets",
               "{'Filters':[{'Key':'colour','Values':['x']}]}");
    world_free(w);
}

TEST(lists_are_sorted_both_ways_and_paged)
{
    struct world *w = world_new();

    fill(w);
    SM_IS(names(w, ""), "prod/web,prod/db,test_DbUser");
    SM_IS(names(w, "'SortOrder':'desc'"), "test_DbUser,prod/db,prod/web");
    SM_IS(names(w, "'SortBy':'name'"), "prod/db,prod/web,test_DbUser");
    SM_IS(names(w, "'SortBy':'name','SortOrder':'desc'"), "test_DbUser,prod/web,prod/db");
    world_advance(w, 1000);
    SM(w, "UpdateSecret", "{'SecretId':'prod/web','Description':'x'," SM_TOKEN("2") "}");
    SM_IS(names(w, "'SortBy':'last-changed-date'"), "prod/db,test_DbUser,prod/web");
    SM(w, "PutSecretValue", "{'SecretId':'prod/db','SecretString':'x'," SM_TOKEN("2") "}");
    sm_value(w, "prod/db");
    SM_IS(names(w, "'SortBy':'last-accessed-date','SortOrder':'desc','MaxResults':1"), "prod/db");
    struct str page = SM(w, "ListSecrets", "{'SortOrder':'desc','MaxResults':2}");
    SM_IS(sm_get(page, "SecretList.1.Name"), "prod/db");
    page = SM(w, "ListSecrets", "{'SortOrder':'desc','MaxResults':2,'NextToken':'%s'}",
              sm_get(page, "NextToken"));
    SM_IS(sm_get(page, "SecretList.0.Name"), "prod/web");
    CHECK(!json_path(page, "NextToken").p);
    SM_REFUSED(w, "InvalidNextTokenException", NULL, "ListSecrets", "{'NextToken':'forged'}");
    world_account(w, "111111111111", "us-east-1");
    SM_IS(names(w, ""), "");
    world_free(w);
}

TEST(random_passwords_keep_to_their_rules)
{
    struct world *w = world_new();
    struct str got = SM(w, "GetRandomPassword", "{}");

    CHECK_INT(json_path(got, "RandomPassword").n, 32);
    got = SM(w, "GetRandomPassword",
             "{'PasswordLength':200,'ExcludeNumbers':true,'ExcludePunctuation':true,"
             "'ExcludeUppercase':true,'ExcludeCharacters':'abcdefghijklmnopqrstuvwx'}");
    struct str text = json_path(got, "RandomPassword");
    CHECK_INT(text.n, 200);
    for (size_t i = 0; i < text.n; i++)
        CHECK(text.p[i] == 'y' || text.p[i] == 'z');
    SM_REFUSED(w, "InvalidParameterException",
               "Password length is too short based on the required types.", "GetRandomPassword",
               "{'PasswordLength':3}");
    SM_REFUSED(w, "InvalidParameterException",
               "All characters of the desired type have been excluded", "GetRandomPassword",
               "{'ExcludeCharacters':'0123456789'}");
    SM_REFUSED(w, "InvalidParameterException", "All characters have been excluded from selection",
               "GetRandomPassword",
               "{'ExcludeNumbers':true,'ExcludePunctuation':true,'ExcludeUppercase':true,"
               "'ExcludeLowercase':true}");
    SM_REFUSED(w, "ValidationException", NULL, "GetRandomPassword", "{'PasswordLength':4097}");
    world_free(w);
}
