/*
 * Bodies of the rest-xml protocol into a struct.
 *
 * Elements that the description does not know are read over.  The name of the root does not
 * count, nor do namespaces.  Limits: API_VALUES_MAX elements, XML_DEPTH_MAX levels,
 * API_DECODED_BYTES_MAX of structs and lists.
 */
#pragma once

#include "api/model.h"

/*
 * Fills in *req, a zeroed struct of the shape's size, from the root's children and attributes.
 * An empty body is an empty struct.  Answers 0, or positive with the fault MalformedXML.
 */
int api_decode_xml(const struct api_service *service, const struct api_shape *shape,
                   struct arena *arena, struct str body, void *req, struct api_fault *fault);
