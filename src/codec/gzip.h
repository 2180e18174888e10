/* What clients compressed: one gzip member (RFC 1952), by zlib. */
#pragma once

#include "base/str.h"

/* The bytes in the arena; false: it is none, it is cut off, or there are more than max. */
bool gzip_inflate(struct arena *arena, struct str bytes, size_t max, struct str *ret);
