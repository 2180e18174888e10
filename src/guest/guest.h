/*
 * What one boot knows, and the steps that a boot is made of.
 *
 * `struct guest` belongs to the boot worker, a child of PID 1: whatever user data does
 * to it, PID 1 goes on reaping and can still shut the instance down.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "node.h"
#include "text.h"
#include "userdata.h"

#define WELKIN_INIT_VERSION "0.1"
#define DATASOURCE_NAME "DataSourceEc2"

/* cloud-init's stages, in its order, as status.json names them. */
enum stage { STAGE_LOCAL, STAGE_INIT, STAGE_MODULES_INIT, STAGE_CONFIG, STAGE_FINAL, N_STAGES };

enum frequency { PER_ALWAYS, PER_INSTANCE, PER_ONCE };

struct stage_status {
    int64_t start_ms, finished_ms; /* 0: not yet */
    struct buf errors;             /* JSON strings with commas between */
};

struct guest {
    struct arena *a;
    bool has_metadata, new_instance, papers_done, parts_ready;
    struct str instance_id, previous_id, hostname_written, local_hostname, public_key, user_data;
    struct userdata parts;
    struct node *config; /* all cloud-config parts merged; a map, perhaps empty */
    struct str config_sources, final_message; /* the latter is said when all else is written */
    unsigned mark_later; /* bits: modules with nothing to run, not yet marked as done */
    enum stage stage;
    struct stage_status stages[N_STAGES];
};

/* boot.c: the whole boot, in a process of its own. */
_Noreturn void boot_worker(void);

/* state.c: /var/lib/cloud and /run/cloud-init. */
void state_open(struct guest *g);
/* What people read and no script waits for; see run_later(). */
void state_papers(struct guest *g);
void state_write_status(struct guest *g, bool between_stages);
const char *state_path(struct guest *g, const char *below_instance);
bool state_done(struct guest *g, const char *name, enum frequency freq);
/* True when it has not been done yet at that frequency; it then counts as done. */
bool state_first(struct guest *g, const char *name, enum frequency freq);
void stage_begin(struct guest *g, enum stage stage);
void stage_end(struct guest *g);
/* Makes the boot's status "error" with this reason, and logs it. */
void stage_error(struct guest *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void state_finished(struct guest *g);
/* True when a stage before this moment recorded an error. */
bool state_has_errors(const struct guest *g);

/* parts.c: user data parts onto the disk; boothooks run here. */
void parts_consume(struct guest *g);
void parts_papers(struct guest *g);

/* network.c: host name, hosts, resolv.conf. */
void network_files(struct guest *g);
void network_hostname(struct guest *g);
void network_papers(struct guest *g);
void network_etc_hosts(struct guest *g);

/* modules.c: the modules of one stage, in order. */
void modules_run(struct guest *g, enum stage stage);
/* Marks as done what there was nothing to do for. */
void modules_papers(struct guest *g);
void modules_warn_unknown(struct guest *g);

/* What modules.c calls; each reads its keys from g->config. */
void module_write_files(struct guest *g);
void module_write_files_deferred(struct guest *g);
void module_users_groups(struct guest *g);
void module_set_passwords(struct guest *g);
void module_packages(struct guest *g);

/* ssh.c */
void ssh_install_keys(struct guest *g);
void ssh_start(struct guest *g);

#endif
