/*
 * Running a program and keeping what it says.
 */
#ifndef CFN_PROC_H
#define CFN_PROC_H

#include "../node.h"

struct proc {
    const struct node *command; /* a string is for /bin/sh -c, a list is argv; or: */
    char *const *argv;
    const struct node *env; /* a map: the whole environment; NULL: our own */
    const char *extra_env;  /* one more "NAME=value", or NULL */
    struct str cwd;         /* empty: ours */
    bool apart;             /* stderr is not part of the output but thrown away */
};

/*
 * Waits until it has ended, not until what it left running has.  The output's first MiB, and the
 * exit code (128 + n for a signal).  False with *ret_why when it could not be started.
 */
bool proc_run(struct arena *a, const struct proc *p, struct str *ret_output, int *ret_status,
              struct str *ret_why);

/* argv of a few words, for the tools; the status, or 127 when there is no such program. */
int proc_tool(struct arena *a, struct str *ret_output, const char *first, ...)
    __attribute__((sentinel));

#endif
