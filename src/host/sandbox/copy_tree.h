/*
 * Copies of what guests wrote, by root, safely.  Not for two threads at once.
 */
#pragma once

#include "host/sandbox/sandbox.h"

/* All in one folder into another, which is empty.  0 or -errno. */
int copy_tree(int from, int to);
/* The bytes of a file into an empty one, holes and shared blocks kept where they can be. */
int copy_bytes(int from, int to, off_t size);
