/* The table of errors.h. */
#include "iam/errors.h"

const struct api_error iam_errors[IAM_N_ERRORS] = {
#define X(name, code, http) {code, http},
    IAM_ERRORS(X)
#undef X
};
