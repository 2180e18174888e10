/* The query protocol's vectors; protocol.c says how a client's vectors prove a server. */
#include "golden/protocol.h"
#include "harness/harness.h"

TEST(query_requests_decode_to_what_the_client_meant)
{
    static const struct vector_except except[] = {
        {"SDKAppliedContentEncoding_awsQuery", "the body is gzip: the HTTP front unpacks it"},
        {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", "likewise"},
        {"QueryProtocolIdempotencyTokenAutoFill", "the client makes a token that `params` does not have"},
    };
    vector_inputs("input/query.json", except, ARRAY_LEN(except));
}

TEST(query_replies_are_what_clients_were_tested_with)
{
    static const struct vector_except except[] = {
        {"QueryEmptyInputAndEmptyOutput", "the vector has no body at all; AWS sends the envelope"},
        {"QueryNoInputAndNoOutput", "likewise"},
        {"QueryNoInputAndOutput", "likewise"},
        {"AwsQueryDateTimeWithFractionalSeconds", "AWS's query services print whole seconds"},
        {"QueryComplexError", "no query service that we serve has members in an error"},
    };
    vector_outputs("output/query.json", except, ARRAY_LEN(except));
}
