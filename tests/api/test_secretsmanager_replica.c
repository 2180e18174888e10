/* Replicas in other regions; rotation as far as there is no function. */
#include "secretsmanager_help.h"

static void
in_region(struct world *w, const char *region)
{
    world_account(w, "000000000000", region);
}

TEST(a_replica_follows_its_primary_and_is_written_by_it_only)
{
    struct world *w = world_new();
    struct str made = SM(w, "CreateSecret",
                         "{'Name':'one','SecretString':'first','AddReplicaRegions':[{'Region':"
                         "'eu-west-1'}]," SM_TOKEN("1") "}");

    SM_IS(sm_get(made, "ReplicationStatus.0.Status"), "InSync");
    SM(w, "PutSecretValue", "{'SecretId':'one','SecretString':'second'," SM_TOKEN("2") "}");
    SM(w, "TagResource", "{'SecretId':'one','Tags':[{'Key':'a','Value':'b'}]}");
    SM_IS(sm_get(SM(w, "DescribeSecret", "{'SecretId':'one'}"), "PrimaryRegion"), "us-east-1");
    SM_REFUSED(w, "InvalidParameterException",
               "You can't delete secret one that still has replica regions [eu-west-1]",
               "DeleteSecret", "{'SecretId':'one'}");
    world_crash(w);
    in_region(w, "eu-west-1");
    SM_IS(sm_value(w, "one"), "second");
    SM_IS(sm_get(SM(w, "GetSecretValue", "{'SecretId':'one','VersionStage':'AWSPREVIOUS'}"),
                 "SecretString"),
          "first");
    struct str shown = SM(w, "DescribeSecret", "{'SecretId':'one'}");
    SM_IS(sm_get(shown, "PrimaryRegion"), "us-east-1");
    SM_IS(sm_get(shown, "Tags.0.Key"), "a");
    SM_REFUSED(w, "InvalidParameterException", SM_REPLICA, "PutSecretValue",
               "{'SecretId':'one','SecretString':'x'," SM_TOKEN("3") "}");
    SM_REFUSED(w, "InvalidParameterException", SM_REPLICA, "DeleteSecret", "{'SecretId':'one'}");
    SM_REFUSED(w, "InvalidParameterException", SM_REPLICA, "ReplicateSecretToRegions",
               "{'SecretId':'one','AddReplicaRegions':[{'Region':'eu-west-2'}]}");
    shown = SM(w, "ListSecrets", "{'Filters':[{'Key':'primary-region','Values':['us-']}]}");
    CHECK_INT(json_count(shown, "SecretList"), 1);
    in_region(w, "us-east-1");
    struct str left = SM(w, "RemoveRegionsFromReplication",
                         "{'SecretId':'one','RemoveReplicaRegions':['eu-west-1']}");
    CHECK_INT(json_count(left, "ReplicationStatus"), 0);
    in_region(w, "eu-west-1");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "DescribeSecret", "{'SecretId':'one'}");
    world_free(w);
}

TEST(a_replica_becomes_a_secret_of_its_own)
{
    struct world *w = world_new();

    sm_new(w, "one");
    SM_REFUSED(w, "InvalidParameterException", "Invalid replica region.",
               "ReplicateSecretToRegions",
               "{'SecretId':'one','AddReplicaRegions':[{'Region':'us-east-1'}]}");
    SM_REFUSED(w, "InvalidRequestException", NULL, "StopReplicationToReplica",
               "{'SecretId':'one'}");
    SM(w, "ReplicateSecretToRegions",
       "{'SecretId':'one','AddReplicaRegions':[{'Region':'eu-west-1'},{'Region':'eu-west-2'}]}");
    SM_REFUSED(w, "InvalidParameterException", NULL, "ReplicateSecretToRegions",
               "{'SecretId':'one','AddReplicaRegions':[{'Region':'eu-west-1'}]}");
    in_region(w, "eu-west-1");
    SM(w, "StopReplicationToReplica", "{'SecretId':'one'}");
    SM(w, "PutSecretValue", "{'SecretId':'one','SecretString':'here'," SM_TOKEN("2") "}");
    in_region(w, "us-east-1");
    SM(w, "PutSecretValue", "{'SecretId':'one','SecretString':'there'," SM_TOKEN("2") "}");
    struct str shown = SM(w, "DescribeSecret", "{'SecretId':'one'}");
    CHECK_INT(json_count(shown, "ReplicationStatus"), 1);
    in_region(w, "eu-west-1");
    SM_IS(sm_value(w, "one"), "here");
    in_region(w, "eu-west-2");
    SM_IS(sm_value(w, "one"), "there");
    world_free(w);
}

TEST(a_name_that_is_taken_fails_a_replica_unless_it_is_overwritten)
{
    struct world *w = world_new();

    in_region(w, "eu-west-1");
    sm_new(w, "one");
    SM(w, "PutSecretValue", "{'SecretId':'one','SecretString':'here'," SM_TOKEN("2") "}");
    in_region(w, "us-east-1");
    struct str made = SM(w, "CreateSecret",
                         "{'Name':'one','SecretString':'there','AddReplicaRegions':[{'Region':"
                         "'eu-west-1'}]," SM_TOKEN("3") "}");
    SM_IS(sm_get(made, "ReplicationStatus.0.Status"), "Failed");
    SM_IS(sm_get(made, "ReplicationStatus.0.StatusMessage"),
          "Replication failed: Secret name one already exists in region eu-west-1.");
    SM(w, "TagResource", "{'SecretId':'one','Tags':[{'Key':'a','Value':'b'}]}");
    in_region(w, "eu-west-1");
    SM_IS(sm_value(w, "one"), "here");
    in_region(w, "us-east-1");
    made = SM(w, "ReplicateSecretToRegions",
              "{'SecretId':'one','AddReplicaRegions':[{'Region':'eu-west-1'}],"
              "'ForceOverwriteReplicaSecret':true}");
    SM_IS(sm_get(made, "ReplicationStatus.0.Status"), "InSync");
    in_region(w, "eu-west-1");
    SM_IS(sm_value(w, "one"), "there");
    world_free(w);
}

TEST(a_replica_whose_key_is_missing_is_failed_and_recovers)
{
    struct world *w = world_new();

    sm_new(w, "one");
    struct str made = SM(w, "ReplicateSecretToRegions",
                         "{'SecretId':'one','AddReplicaRegions':[{'Region':'eu-west-1',"
                         "'KmsKeyId':'alias/mine'}]}");
    SM_IS(sm_get(made, "ReplicationStatus.0.Status"), "Failed");
    SM_IS(sm_get(made, "ReplicationStatus.0.KmsKeyId"), "alias/mine");
    in_region(w, "eu-west-1");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "GetSecretValue", "{'SecretId':'one'}");
    const char *key = sm_get(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");
    world_json_okf(w, "kms", "CreateAlias", "{'AliasName':'alias/mine','TargetKeyId':'%s'}", key);
    in_region(w, "us-east-1");
    SM(w, "PutSecretValue", "{'SecretId':'one','SecretString':'second'," SM_TOKEN("2") "}");
    in_region(w, "eu-west-1");
    SM_IS(sm_value(w, "one"), "second");
    SM_IS(sm_get(SM(w, "ListSecretVersionIds", "{'SecretId':'one'}"), "Versions.0.KmsKeyIds.0"),
          "alias/mine");
    world_free(w);
}

TEST(rotation_says_that_its_function_cannot_be_called)
{
    struct world *w = world_new();
    const char *function = "'RotationLambdaARN':'arn:aws:lambda:us-east-1:000000000000:function:f'";
    static const char *const bad[] = {
        "{'ScheduleExpression':'rate(2 hours)'}",
        "{'ScheduleExpression':'cron(5 0 * * ? *)'}",
        "{'ScheduleExpression':'rate(10 days)','AutomaticallyAfterDays':3}",
        "{'ScheduleExpression':'rate(4 hours)','Duration':'5h'}",
        "{'AutomaticallyAfterDays':3,'Duration':'0h'}",
        "{'Duration':'3h'}",
    };

    sm_new(w, "one");
    SM_REFUSED(w, "InvalidRequestException",
               "No Lambda rotation function ARN is associated with this secret.", "RotateSecret",
               "{'SecretId':'one'," SM_TOKEN("2") "}");
    SM_REFUSED(w, "InvalidParameterException",
               "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
               "RotateSecret", "{'SecretId':'one'}");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        SM_REFUSED(w, "InvalidParameterException", NULL, "RotateSecret",
                   "{'SecretId':'one',%s,'RotationRules':%s," SM_TOKEN("2") "}", function, bad[i]);
    SM_REFUSED(w, "InvalidParameterException", NULL, "RotateSecret",
               "{'SecretId':'one','ExternalSecretRotationMetadata':[]," SM_TOKEN("2") "}");
    SM_REFUSED(w, "AccessDeniedException",
               "Secrets Manager cannot invoke the specified Lambda function. Ensure that the "
               "function policy grants access to the principal secretsmanager.amazonaws.com.",
               "RotateSecret",
               "{'SecretId':'one',%s,'RotationRules':{'ScheduleExpression':'rate(10 days)',"
               "'Duration':'3h'},'RotateImmediately':false," SM_TOKEN("2") "}",
               function);
    struct str shown = SM(w, "DescribeSecret", "{'SecretId':'one'}");
    CHECK(!json_path(shown, "RotationEnabled").p && !json_path(shown, "RotationRules").p);
    SM_REFUSED(w, "InvalidRequestException", NULL, "CancelRotateSecret", "{'SecretId':'one'}");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "RotateSecret",
               "{'SecretId':'none'," SM_TOKEN("2") "}");
    world_free(w);
}
