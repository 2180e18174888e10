/*
 * Command lines as Python's optparse reads them: the helpers' scripts are written against its
 * abbreviations, its sentences and its status 2.
 */
#ifndef CFN_OPTIONS_H
#define CFN_OPTIONS_H

#include "../text.h"

enum option_kind { OPTION_TEXT, OPTION_INT, OPTION_BOOL, OPTION_FLAG }; /* BOOL: true or false */

struct option_def {
    char letter; /* 0: none */
    const char *name;
    enum option_kind kind;
    const char *help;
    const char *group; /* NULL: not in a group; equal neighbours share one heading */
};

struct option_value {
    bool given;
    struct str text; /* empty when not given */
    long number;
};

struct command_line {
    const char *program, *usage; /* usage after the program's name */
    const struct option_def *defs;
    size_t n_defs;
    struct option_value *values; /* one for each def */
    char **args;
    size_t n_args;
};

enum options_read { OPTIONS_READ, OPTIONS_HELP, OPTIONS_WRONG };

/* OPTIONS_WRONG: *ret_why is optparse's sentence.  Options and arguments may be mixed. */
enum options_read options_parse(struct arena *a, struct command_line *line, int argc, char **argv,
                                struct str *ret_why);
/* What --help shows. */
struct str options_help(struct arena *a, const struct command_line *line);
/* Parses and, for --help and mistakes, says what optparse says and exits as it does. */
void options_or_exit(struct arena *a, struct command_line *line, int argc, char **argv);
/* "Error: …", the help, and status 1: the helpers' own way of refusing. */
void options_refuse(struct arena *a, const struct command_line *line, const char *fmt, ...) NORETURN
    __attribute__((format(printf, 3, 4)));

#endif
