/*
 * Times as text.  A time is milliseconds since 1970-01-01T00:00:00Z in an int64_t, always UTC;
 * a variable that holds one ends in _ms.  No time zones, no locale, no libc.
 */
#pragma once

#include "base/str.h"

struct civil {
    int year, month, day;     /* month and day from 1 */
    int hour, minute, second, ms;
    int weekday;              /* 0 is Sunday */
};

struct civil time_civil(int64_t ms);
int64_t time_from_civil(const struct civil *c);

#define TIME_ISO_LEN 24
/* "2026-11-21T01:30:00.123Z", not NUL-terminated, TIME_ISO_LEN bytes. */
void time_iso_buf(int64_t ms, char *out);
struct str time_iso(struct arena *a, int64_t ms);
/* "2026-11-21T01:30:00Z" */
struct str time_iso_s(struct arena *a, int64_t ms);
/* "20261121T013000Z", the form of SigV4. */
struct str time_compact(struct arena *a, int64_t ms);
/* "Sat, 21 Nov 2026 01:30:00 GMT" */
struct str time_http(struct arena *a, int64_t ms);

/* ISO 8601: date, or date and time with optional fraction and Z or ±hh:mm. */
bool time_parse_iso(struct str s, int64_t *ret_ms);
bool time_parse_compact(struct str s, int64_t *ret_ms);
bool time_parse_http(struct str s, int64_t *ret_ms);
