/* The JSON protocols' vectors, 1.0 and 1.1; protocol.c says how they prove a server. */
#include "golden/protocol.h"
#include "harness/harness.h"

TEST(json_1_1_requests_decode_to_what_the_client_meant)
{
    static const struct vector_except except[] = {
        {"SDKAppliedContentEncoding_awsJson1_1",
         "a body in gzip: no service that we have takes one yet"},
        {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1", "likewise"},
    };
    vector_inputs("input/json.json", 54, except, ARRAY_LEN(except));
}

TEST(json_1_0_requests_decode_to_what_the_client_meant)
{
    static const struct vector_except except[] = {
        {"AwsJson10EndpointTrait", "the vector is about the host and has no X-Amz-Target"},
        {"AwsJson10EndpointTraitWithHostLabel", "likewise"},
        {"AwsJson10HostWithPath", "likewise"},
        {"SDKAppliedContentEncoding_awsJson1_0",
         "a body in gzip: no service that we have takes one yet"},
        {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0", "likewise"},
    };
    vector_inputs("input/json_1_0.json", 21, except, ARRAY_LEN(except));
    vector_inputs("input/json_1_0-query-compatible.json", 1, NULL, 0);
}

TEST(json_1_1_replies_are_what_clients_were_tested_with)
{
    static const struct vector_except except[] = {
        {"handles_empty_output_shape",
         "an operation without output has no body, as another vector has it"},
        {"handles_unexpected_json_output", "the client must read over what it does not know"},
        {"AwsJson11DeserializeIgnoreType", "likewise"},
        {"AwsJson11IntEnums", "the vector has a request's header in its reply"},
    };
    vector_outputs("output/json.json", 58, except, ARRAY_LEN(except));
}

TEST(json_1_0_replies_are_what_clients_were_tested_with)
{
    static const struct vector_except except[] = {
        {"AwsJson10HandlesEmptyOutputShape",
         "an operation without output has no body, as another vector has it"},
        {"AwsJson10HandlesUnexpectedJsonOutput", "the client must read over what it does not know"},
        {"AwsJson10DeserializeIgnoreType", "likewise"},
    };
    vector_outputs("output/json_1_0.json", 32, except, ARRAY_LEN(except));
    vector_outputs("output/json_1_0-query-compatible.json", 2, NULL, 0);
}
