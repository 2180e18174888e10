/*
 * Looking up in tables of a handful of rows: a loop is the fastest index there is.
 */
#include "base/sm.h"

bool
sm_allows(const struct sm *sm, unsigned from, unsigned to)
{
    assert(sm->states[from].name && sm->states[to].name);
    assert(from < sm->n_states && to < sm->n_states && sm->n_states <= 32);
    return (sm->states[from].next & SM_TO(to)) != 0;
}
