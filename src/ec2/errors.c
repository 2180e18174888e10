/* The table of errors.h. */
#include "ec2/errors.h"

const struct api_error ec2_errors[EC2_N_ERRORS] = {
#define X(name, code, http) {code, http},
    EC2_ERRORS(X)
#undef X
};
