/* Custom resources, and the signed URLs that they share with handles of wait conditions. */
#pragma once

#include "cloudformation/own.h"

/* Requests to the URLs of custom resources: owns and answer of struct api_service_hooks. */
bool cfn_custom_owns(const struct api_request *req);
void
cfn_custom_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply);

/* ---- handle.c ---- */

/* A URL for a PUT of `key` at `host`, signed by a key of its own, whose secret is *ret_secret. */
struct str
cfn_url_make(struct cfn_look *look, struct str host, struct str key, struct str *ret_secret);
/* Whether the request is signed by that key (p NULL: there is none); else the reply says why. */
bool cfn_url_proven(struct api_call *call, const struct api_request *req, struct str secret,
                    struct api_reply *reply);
void cfn_url_refuse(struct api_call *call, struct api_reply *reply, int status, const char *code,
                    const char *message);
