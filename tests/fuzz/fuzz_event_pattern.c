/*
 * Patterns and events: the pattern, a NUL, the event.  What must hold: a pattern that is refused is
 * refused with a sentence and its place; one that is read reads the same a second time and answers
 * the same; an event that fits has one of the sources that the pattern says it must have.
 */
#include <stdlib.h>

#include "codec/event_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_BYTES_MAX = 16384, ARENA_BYTES = 64 << 20 };

static void
must(bool ok)
{
    if (!ok)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str event_text = str_of(data, n), text = str_split(&event_text, 0), why, why_again;
    const struct event_pattern *pattern, *again;
    struct str_list sources;
    struct json event;
    struct arena a;
    size_t at;

    if (n > INPUT_BYTES_MAX)
        return 0;
    arena_init(&a, ARENA_BYTES);
    bool read = event_pattern_parse(&a, text, &pattern, &why);

    must(read == event_pattern_parse(&a, text, &again, &why_again));
    must(read ? !why.p : str_eq(why, why_again) && str_find(why, S("\n at [Source: ")) != SIZE_MAX);
    if (read && json_parse(&a, event_text, 10000, &event, &at)) {
        struct str source = json_text(&event, "source");
        bool fits = event_pattern_match(pattern, &event);

        must(fits == event_pattern_match(again, &event));
        if (fits && source.p && event_pattern_texts(pattern, S("source"), &a, &sources))
            must(str_in(&sources, source));
    }
    must(!arena_spent(&a));
    arena_done(&a);
    return 0;
}
