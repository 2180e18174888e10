/*
 * The wire formats, a row each.  A service may speak several; which one a request is in is told by
 * its headers, never by its body.
 *
 *   format      found by                            operation
 *   ec2, query  a form                              Action=
 *   json        X-Amz-Target or its content type    X-Amz-Target: PREFIX.OPERATION
 *   cbor        smithy-protocol: rpc-v2-cbor        /service/PREFIX/operation/OPERATION
 *   rest-*      all else                            method, path, query and required headers
 */
#pragma once

#include "api/api.h"

struct api_wire {
    enum api_protocol protocol;
    enum sigv4_dialect dialect; /* see api_wire_dialect() */
    /* Sets call->op.  0, or positive with the fault: there is no such operation. */
    int (*find)(struct api_call *call, const struct api_request *req);
    /* Fills in the operation's zeroed input.  0, or positive with the fault. */
    int (*decode)(struct api_call *call, const struct api_request *req, void *in);
    /* Status, headers, content type and body of a reply that went well. */
    void (*encode)(struct api_call *call, const struct api_request *req, const void *out,
                   struct api_reply *reply);
    /* Headers, content type and body for call->fault.  The call may have no service. */
    void (*encode_fault)(struct api_call *call, const struct api_request *req,
                         struct api_reply *reply);
};

/*
 * Finds call->service and call->wire.  `signing` is the service of the request's credential
 * scope, p NULL when it is not signed: then prefix, version, path or host name the service.
 * Answers the service's hooks, or NULL when there is no such service; a wire is set even then.
 */
const struct api_service_hooks *
api_wire_find(struct api_call *call, const struct api_service_hooks *const *services,
              const struct api_request *req, struct str signing);

/* The row of a protocol. */
const struct api_wire *api_wire_of(enum api_protocol protocol);

/* How a fault of the signature is worded. */
enum sigv4_dialect api_wire_dialect(const struct api_call *call);

/* The parameters of a form: the body, else the query string. */
struct str api_form(const struct api_request *req);
/* A header's value, p NULL when there is none. */
struct str api_header(const struct api_request *req, struct str name);
/* Adds a header to a reply, with a copy of the value; its control characters become blanks. */
void
api_reply_header(struct arena *arena, struct api_reply *reply, struct str name, struct str value);
