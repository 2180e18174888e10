/* The errors of STS, as they go on the wire. */
#include "sts/sts.h"

const struct api_error sts_access_denied = {"AccessDenied", 403};
const struct api_error sts_validation = {"ValidationError", 400};
const struct api_error sts_malformed_policy = {"MalformedPolicyDocument", 400};
const struct api_error sts_packed_too_large = {"PackedPolicyTooLarge", 400};
const struct api_error sts_invalid_token = {"InvalidIdentityToken", 400};
const struct api_error sts_expired_token = {"ExpiredTokenException", 400};
const struct api_error sts_invalid_message = {"InvalidAuthorizationMessageException", 400};
