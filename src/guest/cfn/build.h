/*
 * One run of cfn-init over one configuration: its sections in AWS's order, and what each changed,
 * which decides what services are restarted.
 */
#ifndef CFN_BUILD_H
#define CFN_BUILD_H

#include "../node.h"

struct changes {
    struct str *names;
    size_t n, room;
};

enum { MANAGERS_MAX = 8 };

struct build {
    struct arena *a;
    const struct node *auth; /* AWS::CloudFormation::Authentication, or NULL */
    struct changes groups, users, sources, files, commands;
    struct {
        struct str manager;
        struct changes names;
    } packages[MANAGERS_MAX];
    size_t n_packages;
    struct str error; /* of the step that failed */
};

/* All sections of `config`, NULL for none; false with b->error. */
bool build_config(struct build *b, const struct node *config);

void build_changed(struct build *b, struct changes *c, struct str name);
/* Sets b->error; false. */
bool build_fail(struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Python's list of strings: ['a', 'b'] */
struct str build_list(struct build *b, const struct changes *c);

/* The sections; each takes a map. */
bool build_packages(struct build *b, const struct node *packages);
bool build_groups(struct build *b, const struct node *groups);
bool build_users(struct build *b, const struct node *users);
bool build_sources(struct build *b, const struct node *sources);
bool build_files(struct build *b, const struct node *files);
bool build_commands(struct build *b, const struct node *commands);
bool build_services(struct build *b, const struct node *services);

#endif
