/* The vectors of the two REST protocols; protocol.c says how they prove a server. */
#include "golden/protocol.h"
#include "harness/harness.h"

TEST(rest_json_requests_decode_to_what_the_client_meant)
{
    static const struct vector_except except[] = {
        {"RestJsonHostWithPath", "the endpoint has a path of its own before that of the operation"},
        {"RestJsonNullAndEmptyHeaders", "what the client left out is absent"},
        {"SDKAppliedContentEncoding_restJson1",
         "a body in gzip: no service that we have takes one yet"},
        {"SDKAppendedGzipAfterProvidedEncoding_restJson1", "likewise"},
        {"RestJsonQueryIdempotencyTokenAutoFill", "the client made the token"},
        {"RestJsonQueryPrecedence", "of two values of one name the client sent only one"},
        {"RestJsonQueryParamsStringListMap", "a server's map has all parameters"},
        {"RestJsonHttpWithEmptyStructurePayload",
         "the client sends {} for no payload, which is an empty one"},
        {"RestJsonHttpWithHeadersButNoPayload", "likewise"},
    };
    vector_inputs("input/rest-json.json", 113, except, ARRAY_LEN(except));
}

TEST(rest_xml_requests_decode_to_what_the_client_meant)
{
    static const struct vector_except except[] = {
        {"NullAndEmptyHeaders", "what the client left out is absent"},
        {"SDKAppliedContentEncoding_restXml",
         "a body in gzip: no service that we have takes one yet"},
        {"SDKAppendedGzipAfterProvidedEncoding_restXml", "likewise"},
        {"QueryIdempotencyTokenAutoFill", "the client made the token"},
        {"RestXmlQueryPrecedence", "of two values of one name the client sent only one"},
        {"AllQueryStringTypes", "a server's map has all parameters"},
        {"RestXmlQueryStringEscaping", "likewise"},
        {"RestXmlSupportsNaNFloatQueryValues", "likewise"},
        {"RestXmlSupportsInfinityFloatQueryValues", "likewise"},
        {"RestXmlSupportsNegativeInfinityFloatQueryValues", "likewise"},
        {"RestXmlZeroAndFalseQueryValues", "likewise"},
        {"RestXmlQueryParamsStringListMap", "likewise"},
    };
    vector_inputs("input/rest-xml.json", 94, except, ARRAY_LEN(except));
}

TEST(rest_json_replies_are_what_clients_were_tested_with)
{
    static const struct vector_except except[] = {
        {"RestJsonEmptyInputAndEmptyOutputJsonObjectOutput", "the client must take no body for {}"},
        {"RestJsonNoInputAndOutputNoPayload", "likewise"},
        {"RestJsonIgnoreQueryParamsInResponseNoPayload", "likewise"},
        {"RestJsonGreetingWithErrors", "the client must take {} where all is in headers"},
        {"RestJsonHttpResponseCode", "likewise"},
        {"RestJsonDeserializeIgnoreType", "the client must read over what it does not know"},
    };
    vector_outputs("output/rest-json.json", 91, except, ARRAY_LEN(except));
}

TEST(rest_xml_replies_are_what_clients_were_tested_with)
{
    static const struct vector_except except[] = {
        {"InvalidGreetingError", "the client must read over what it does not know"},
    };
    vector_outputs("output/rest-xml.json", 78, except, ARRAY_LEN(except));
}
