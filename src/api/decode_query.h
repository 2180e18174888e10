/*
 * Requests of the ec2 and query protocols: a form of name=value pairs into an input struct.
 *
 *   ec2     Filter.1.Name=…&Filter.1.Value.1=…          lists are always flat
 *   query   Tags.member.1.Key=…  Map.entry.1.key=…      unless the description says flat
 *
 * The numbers of a list may have gaps and come in any order; they only give the order of the
 * elements.  `Name=` is an empty list.  Action, Version and the parameters of signatures are
 * skipped.  A name that the description does not know is refused by ec2 and ignored by query
 * services, as AWS does.
 *
 * Limits: API_PAIRS_MAX pairs, API_DEPTH_MAX levels, API_DECODED_BYTES_MAX of structs and lists;
 * time is O(n log n) in the pairs.
 */
#pragma once

#include "api/model.h"

#define API_PAIRS_MAX 20000
#define API_DEPTH_MAX 32
#define API_DECODED_BYTES_MAX ((size_t)8 << 20)

/*
 * Fills in *req, a zeroed struct of the input's size (api_new_input()).  Text of *req lies in the
 * form or in the arena.  Answers 0, or positive with the fault: UnknownParameter,
 * InvalidParameterValue, MalformedInput, InvalidQueryParameter.
 */
int api_decode_query(const struct api_service *service, const struct api_shape *input,
                     struct arena *arena, struct str form, void *req, struct api_fault *fault);
