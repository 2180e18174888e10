/*
 * Replies of the ec2, query and rest-xml protocols: an output struct into XML, and refusals.
 *
 * Absent members are not printed, empty lists as an empty element.  Times are whole seconds,
 * "….000Z" in ec2 and "…Z" in query, and milliseconds in rest-xml.  Text that XML
 * cannot carry (most control characters) is printed as U+FFFD.
 */
#pragma once

#include "api/model.h"
#include "base/buf.h"

#define API_XML_CONTENT_TYPE "text/xml;charset=UTF-8"

/* Appends the reply of an operation that went well.  Look at buf_failed() once, at the end. */
void api_encode_xml(const struct api_service *service, const struct api_op *op, const void *res,
                    struct str request_id, struct buf *out);

/* Appends a refusal; its HTTP status is fault->http.  service may be NULL: the query form. */
void api_encode_fault(const struct api_service *service, const struct api_fault *fault,
                      struct str request_id, struct buf *out);

/* rest-xml: the members of an output that are in the body, in its root element. */
void api_encode_xml_root(const struct api_service *service, const struct api_op *op,
                         const void *res, struct buf *out);
/* rest-xml: a structure that is the whole body; its element has the member's name. */
void api_encode_xml_payload(const struct api_service *service, const struct api_member *m,
                            const void *slot, struct buf *out);
/* rest-xml: a refusal, S3's without an <ErrorResponse> around it, with what its shape has. */
void api_encode_xml_fault(const struct api_service *service, const struct api_fault *fault,
                          struct str request_id, struct buf *out);

/* Text as the content of an element. */
void api_xml_text(struct buf *out, struct str text);
