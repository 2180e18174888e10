/* The two directions of a vector, shared by the tests of each protocol. */
#pragma once

#include "golden/vectors.h"

struct vector_except {
    const char *id, *why;
};

/* Cases of `except` must exist and must differ: an entry that became needless fails the test. */
void vector_inputs(const char *file, const struct vector_except *except, size_t n);
void vector_outputs(const char *file, const struct vector_except *except, size_t n);
