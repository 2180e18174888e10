/*
 * What no reply of ours may look like, whatever the request was: a required member missing, an
 * enum value that the description does not have, text that is not UTF-8, NaN, an id of the wrong
 * form.  Dispatch runs it over every reply in debug and test builds and aborts on a finding: the
 * handler has a bug.
 */
#pragma once

#include "api/model.h"

/* Answers what is wrong, with the path of the member, in the arena; absent when all is well. */
struct str api_check_reply(const struct api_service *service, const struct api_op *op,
                           const void *res, struct arena *arena);
