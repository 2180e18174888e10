/* The vectors of RPC v2 CBOR; protocol.c says how they prove a server. */
#include "golden/protocol.h"
#include "harness/harness.h"

TEST(cbor_requests_decode_to_what_the_client_meant)
{
    vector_inputs("input/smithy-rpc-v2-cbor.json", 15, NULL, 0);
    vector_inputs("input/smithy-rpc-v2-cbor-query-compatible.json", 1, NULL, 0);
    vector_inputs("input/smithy-rpc-v2-cbor-non-query-compatible.json", 1, NULL, 0);
}

TEST(cbor_replies_are_what_clients_were_tested_with)
{
    static const struct vector_except except[] = {
        {"empty_output_no_body", "the client must take no body for an empty structure"},
        {"NoOutputClientAllowsEmptyCbor", "the client must take an empty structure for no output"},
        {"RpcV2CborExtraFieldsInTheBodyShouldBeSkippedByClients",
         "the client must read over what it does not know"},
        {"RpcV2CborPayloadWithUnsetUnion",
         "the vector is of another protocol: no smithy-protocol header, no body"},
    };
    vector_outputs("output/smithy-rpc-v2-cbor.json", 35, except, ARRAY_LEN(except));
    vector_outputs("output/smithy-rpc-v2-cbor-query-compatible.json", 2, NULL, 0);
}
