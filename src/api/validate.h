/*
 * What a decoded input must satisfy: required members, lengths, ranges, patterns, enum values.
 *
 * EC2 stops at the first mistake and names the parameter as it is sent; all others collect them:
 * "2 validation errors detected: Value …; Value …".  However many elements of a list of scalars
 * are wrong, that is one mistake of the list: "Value '[…]' at 'names' failed to satisfy
 * constraint: Member must satisfy constraint: […]"; likewise the keys and the values of a map.
 */
#pragma once

#include "api/model.h"

/*
 * Answers 0, or positive with the fault: MissingParameter and InvalidParameterValue in ec2,
 * ValidationError in query, else ValidationException.  Unknown values of enums that the .ops file
 * calls open are let through.
 */
int api_validate(const struct api_service *service, enum api_protocol protocol,
                 const struct api_shape *input, struct arena *arena, const void *req,
                 struct api_fault *fault);
