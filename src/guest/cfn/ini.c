/*
 * Lines: [section], name=value or name: value, and continuations that begin with a blank.
 */
#include "ini.h"

#include <string.h>

static struct node *
child_of(struct arena *a, struct node *map, struct str key, enum node_kind kind)
{
    struct node **at = &map->first;

    while (*at && !str_eq((*at)->key, key))
        at = &(*at)->next;
    if (!*at) {
        *at = arena_alloc(a, sizeof(**at));
        (*at)->kind = kind;
        (*at)->quoted = true;
        (*at)->key = key;
    }
    return *at;
}

bool
ini_read(struct arena *a, struct str text, struct node *root, struct str *ret_why)
{
    struct node *section = NULL, *option = NULL;
    struct str line;

    while (str_line(&text, &line)) {
        struct str trimmed = str_trim(line);
        size_t equals = str_find(trimmed, S("="), 0), colon = str_find(trimmed, S(":"), 0);
        size_t at = equals < colon ? equals : colon;

        if (!trimmed.n || trimmed.p[0] == '#' || trimmed.p[0] == ';')
            continue;
        if (option && (line.p[0] == ' ' || line.p[0] == '\t')) {
            option->text = arena_fmt(a, "%.*s\n%.*s", STR_ARG(option->text), STR_ARG(trimmed));
            continue;
        }
        if (trimmed.p[0] == '[' && trimmed.p[trimmed.n - 1] == ']') {
            section = child_of(a, root, str_cut(trimmed, 1, trimmed.n - 1), NODE_MAP);
            option = NULL;
            continue;
        }
        *ret_why = arena_fmt(a, "neither a section nor an option: '%.*s'",
                             STR_ARG(str_cut(trimmed, 0, 80)));
        if (!section || at == SIZE_MAX || at == 0)
            return false;
        option = child_of(a, section, str_lower(a, str_trim(str_cut(trimmed, 0, at))), NODE_SCALAR);
        option->text = str_trim(str_cut(trimmed, at + 1, trimmed.n));
    }
    return true;
}
