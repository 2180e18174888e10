/*
 * REST: what of a request and a reply is not in the body.  Both rest-json and rest-xml.
 *
 * The operation is that of the first route that fits (model.h).  Labels, parameters and headers
 * become members; then the body: the member that is the payload, else all members that have no
 * other place.  A payload of bytes or text is a slice of the body, whatever its size.
 */
#pragma once

#include "api/wire.h"

#define API_SEGMENTS_MAX 32

/* The functions of struct api_wire. */
int api_rest_find(struct api_call *call, const struct api_request *req);
int api_rest_decode(struct api_call *call, const struct api_request *req, void *in);
void api_rest_encode(struct api_call *call, const struct api_request *req, const void *out,
                     struct api_reply *reply);
void api_rest_encode_fault(struct api_call *call, const struct api_request *req,
                           struct api_reply *reply);

/* The first route that the request fits, or NULL. */
const struct api_route *
api_rest_route(const struct api_service *service, const struct api_request *req);
