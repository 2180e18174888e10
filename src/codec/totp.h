/*
 * One-time passwords by time (RFC 6238): SHA-1, six digits, steps of 30 seconds, as virtual MFA
 * devices compute them.  Pure: the caller has the clock.
 */
#pragma once

#include "base/str.h"

enum { TOTP_STEP_MS = 30000, TOTP_DIGITS = 6 };

/* The step that a time lies in. */
static inline int64_t
totp_step(int64_t ms)
{
    return ms / TOTP_STEP_MS;
}

/* The code of a step under a key of any length (bytes, not base32). */
void totp_code(struct str key, int64_t step, char ret[TOTP_DIGITS]);

/*
 * The first step of first … last whose code is `code`, and, unless `next` is absent, whose
 * successor's code is `next`; -1 when there is none.  Takes as long for a wrong code as for one of
 * the last step.
 */
int64_t totp_find(struct str key, int64_t first, int64_t last, struct str code, struct str next);
