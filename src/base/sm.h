/*
 * State machines as data: a row a state, with its name, its number on the wire and the states
 * that may follow.  The table is the documentation, the check and the simulation's oracle.
 */
#pragma once

#include "base/str.h"

struct sm_state {
    const char *name;
    int code;       /* AWS's number of the state, where it has one */
    uint32_t next;  /* SM_TO(x) | … */
};

#define SM_TO(state) (1u << (state))
#define SM_STATES_MAX 32 /* bits of `next` */
#define SM_FINAL 0u

struct sm {
    const char *what; /* "instance" */
    const struct sm_state *states;
    unsigned n_states;
};

/* Whether `to` may follow `from`. */
bool sm_allows(const struct sm *sm, unsigned from, unsigned to);
