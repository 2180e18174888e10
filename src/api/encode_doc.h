/*
 * Structs into bodies of JSON and CBOR: what decode_doc.h reads.
 *
 * Absent members are not written, empty lists are.  An absent element of a list or map is null.
 * Times are seconds since 1970 unless the description says otherwise; a float that is no number is
 * a word in JSON.
 */
#pragma once

#include "api/model.h"
#include "base/buf.h"

enum api_doc { API_DOC_JSON, API_DOC_CBOR };

/* Appends the members of *base that are in the body.  Look at buf_failed() once, at the end. */
void api_encode_doc(const struct api_service *service, const struct api_shape *shape,
                    enum api_doc form, const void *base, struct buf *out);
/* One member alone. */
void api_encode_doc_member(const struct api_service *service, const struct api_member *m,
                           enum api_doc form, const void *slot, struct buf *out);
/* A refusal: its __type (p NULL: none), message, and what its shape has beside them. */
void api_encode_doc_fault(const struct api_service *service, const struct api_fault *fault,
                          struct str type, enum api_doc form, struct buf *out);
