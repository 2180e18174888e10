/*
 * Bodies of JSON and CBOR into a struct: the protocols JSON 1.0 and 1.1, rest-json and
 * rpc-v2-cbor.
 *
 * Members are looked for by their wire name; those that the description does not know are read
 * over, as AWS does.  null is the same as absent, in a list of text, lists or maps an element
 * that is absent.  Times are seconds since 1970, or text in any of AWS's forms; a number with a
 * fraction is cut off where an integer is asked for, as AWS does.
 *
 * Limits: API_VALUES_MAX values, DOC_DEPTH_MAX levels, API_DECODED_BYTES_MAX of structs and lists.
 */
#pragma once

#include "api/model.h"
#include "codec/doc.h"

#define API_VALUES_MAX 200000

/*
 * Fills in *req, a zeroed struct of the shape's size.  An empty body is an empty struct.  Members
 * that are not in the body (enum api_place) are left alone.  Answers 0, or positive with the
 * fault SerializationException, whose message is empty where AWS has none.
 */
int api_decode_doc(const struct api_service *service, const struct api_shape *shape,
                   const struct doc_format *format, struct arena *arena, struct str body, void *req,
                   struct api_fault *fault);

/* The same for a body that is one member: any shape, into the member's slot. */
int api_decode_doc_member(const struct api_service *service, const struct api_member *m,
                          const struct doc_format *format, struct arena *arena, struct str body,
                          void *slot, struct api_fault *fault);
