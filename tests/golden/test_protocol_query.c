/* The query protocol's vectors; protocol.c says how a client's vectors prove a server. */
#include "golden/protocol.h"

#include "api/decode_query.h"
#include "harness/harness.h"

TEST(query_requests_decode_to_what_the_client_meant)
{
    static const struct vector_except except[] = {
        {"SDKAppliedContentEncoding_awsQuery", "gzip: the HTTP front unpacks it"},
        {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", "likewise"},
        {"QueryProtocolIdempotencyTokenAutoFill", "the client made the token"},
    };
    vector_inputs("input/query.json", 20, except, ARRAY_LEN(except));
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
    vector_outputs("output/query.json", 20, except, ARRAY_LEN(except));
}

static void
broken_maps(struct arena *a, const struct json *suite, const struct json *one)
{
    static const struct {
        const char *form, *message;
    } bad[] = {
        {"MapArg.entry.1=x", "A structure was expected: MapArg.entry.1"},
        {"MapArg.entry.1=x&MapArg.entry.1.key=k", "A structure was expected: MapArg.entry.1"},
        {"MapArg=x", "A list was expected: MapArg"},
        {"MapArg.entry.1.key=a&MapArg.entry.1.key=b",
         "A parameter was given more than once: MapArg.entry.1.key"},
    };

    if (!str_is(json_text(one, "id"), "QuerySimpleQueryMaps"))
        return;
    const struct vector_model *m = vector_model(a, suite, json_get(one, "given"));

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        void *req = api_new_input(&m->service, &m->op, a);
        struct api_fault fault;

        CHECK_INT(api_decode_query(&m->service, &m->service.shapes[m->op.input], a,
                                   str_from(bad[i].form), req, &fault),
                  1);
        CHECK_STR(fault.message, bad[i].message);
    }
}

TEST(maps_that_are_no_maps_are_refused)
{
    vector_each("input/query.json", broken_maps);
}
