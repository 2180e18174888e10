/* The two directions of a vector, shared by the tests of each protocol. */
#pragma once

#include "golden/vectors.h"

struct vector_except {
    const char *id, *why;
};

/*
 * Runs a file that has at least n_least cases.  Cases of `except` must exist and must differ: an
 * entry that became needless fails the test.
 */
void vector_inputs(const char *file, size_t n_least, const struct vector_except *except, size_t n);
void vector_outputs(const char *file, size_t n_least, const struct vector_except *except, size_t n);
