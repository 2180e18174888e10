/* The ec2 protocol's vectors; protocol.c says how a client's vectors prove a server. */
#include "golden/protocol.h"
#include "harness/harness.h"

TEST(ec2_requests_decode_to_what_the_client_meant)
{
    static const struct vector_except except[] = {
        {"SDKAppliedContentEncoding_ec2Query", "gzip: the HTTP front unpacks it"},
        {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query", "likewise"},
        {"Ec2ProtocolIdempotencyTokenAutoFill", "the client made the token"},
    };
    vector_inputs("input/ec2.json", 20, except, ARRAY_LEN(except));
}

TEST(ec2_replies_are_what_clients_were_tested_with)
{
    static const struct vector_except except[] = {
        {"Ec2QueryEmptyInputAndEmptyOutput", "we add <return>true</return>, for older clients"},
        {"Ec2QueryNoInputAndOutput", "likewise"},
        {"Ec2QueryDateTimeWithFractionalSeconds", "EC2 prints whole seconds"},
        {"Ec2ComplexError", "EC2's errors have a code and a message only"},
    };
    vector_outputs("output/ec2.json", 20, except, ARRAY_LEN(except));
}
