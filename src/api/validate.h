/*
 * What a decoded input must satisfy: required members, lengths, ranges, patterns, enum values.
 *
 * EC2 stops at the first mistake and names the parameter as it is sent; query services collect
 * them: "2 validation errors detected: Value …; Value …".
 */
#pragma once

#include "api/model.h"

/* Answers 0, or positive with the fault (MissingParameter, InvalidParameterValue,
 * ValidationError, in JSON ValidationException).  Unknown values of enums that the .ops file calls open are let through. */
int api_validate(const struct api_service *service, enum api_protocol protocol,
                 const struct api_shape *input, struct arena *arena, const void *req,
                 struct api_fault *fault);
