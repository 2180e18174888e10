/* RFC 4648 base32, without padding: seeds of one-time passwords, ids of certificates. */
#pragma once

#include "base/str.h"

struct str base32_encode(struct arena *a, struct str bytes);
/* Capital letters, digits 2 to 7; padding is neither asked for nor taken.  False when a character
 * is none of them, or when bits are left over that are not zero. */
bool base32_decode(struct arena *a, struct str text, struct str *ret);
