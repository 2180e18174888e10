/*
 * The daemon: a cloud, its listeners, and what `welkin up` asks for.
 */
#pragma once

#include "daemon/cloud.h"
#include "host/functions.h"
#include "host/sandbox_driver.h"
#include "loop/http_server.h"

enum daemon_host { DAEMON_HOST_AUTO, DAEMON_HOST_SANDBOX, DAEMON_HOST_SIM };

struct daemon_config {
    const char *data_dir;  /* absolute */
    struct str address;    /* to listen on */
    uint16_t port;
    enum daemon_host host;
    bool allow_test_keys;  /* also on an address that is not loopback */
    bool verbose;
    struct str allow_origins; /* of web pages that may call the API: "*", or several with commas */
    int64_t vcpu_limit;      /* 0: plenty */
    int64_t storage_limit;   /* likewise */
    struct str region_model; /* text; p NULL: the built-in one */
    int64_t sim_boot_ms, sim_stop_ms;
};

struct front;
struct admin;
struct guestnet;
struct trust;

struct daemon {
    struct daemon_config config;
    struct env *env;
    struct loop *loop;
    struct cloud *cloud;
    struct trust *trust;
    struct front *front;
    struct admin *admin;
    struct host_sim *sim;
    struct host_sandbox *sandbox;
    struct host_functions *functions;
    struct guestnet *guestnet;
    struct loop_fd signals;
    struct loop_fd blobs; /* some are durable */
    struct loop_timer watchdog; /* over the store */
    int64_t started_ns;
    int exit_status;
};

/* Runs until it is told to stop.  Answers the exit status of the command. */
int daemon_run(const struct daemon_config *config);

/* ---- front.c: HTTP to API ---- */

int front_new(struct front **ret, struct daemon *d, int listen_fd);
struct front *front_free(struct front *front);
/* Takes no more connections; calls in progress are still answered. */
void front_stop(struct front *front);
/* Serves a VPC's listeners, which are the front's from now on. */
void front_add_vpc(struct front *front, struct str vpc_id, int tls_fd, int http_fd);
void front_remove_vpc(struct front *front, struct str vpc_id);
/*
 * Whether a web page of another machine's sent the request: by its Origin, or by what browsers say
 * of those that have none.  origins: see struct daemon_config.
 */
bool front_is_foreign(const struct http_head *head, struct str origins);

/* ---- trust.c: the certificate authority ---- */

/* Opens the cloud's, which is made at the first start, and writes DATA/ca.pem.  0 or -errno. */
int trust_open(struct trust **ret, struct store *store, const char *data_dir);
struct trust *trust_free(struct trust *trust);
struct str trust_pem(const struct trust *trust);
uint32_t trust_hash(const struct trust *trust);
struct tls *trust_tls(const struct trust *trust);

/* ---- memory.c ---- */

/* Has large replies keep their memory from one to the next.  Once, before the first. */
void memory_keep(void);
/* Gives back what lies around idle; once a second. */
void memory_tidy(void);

/* ---- admin.c: /_welkin and /_localstack ---- */

int admin_new(struct admin **ret, struct daemon *d);
struct admin *admin_free(struct admin *admin);
/* "127.0.0.1:4566", "localhost", "[::1]:80": names that no stranger can give out, as he can
 * 127.example.com. */
bool daemon_own_name(struct str host);
/* Whether the path is the admin API's. */
bool admin_owns(struct str path);
void admin_request(struct admin *admin, struct http_request *req);
/* Console bytes of the sandbox host, for who follows them. */
void admin_console(void *ctx, const struct priv_ev_console *ev, struct str bytes);

/* Reads and writes the cloud's clock; the store keeps it. */
int daemon_clock_load(struct daemon *d);
int daemon_clock_set(struct daemon *d, const struct env_clock *clock);

/* ---- image.c: root file systems below DATA/images ---- */

/* Whether NAME is a good name and DATA/images/NAME is there. */
bool image_exists(const char *data_dir, struct str name);
bool image_name_good(struct str name);
/* Where the project's own scripts and programs lie: beside the binary, or where it was installed.
 * Answers false when the file is in neither place. */
bool image_find_file(struct arena *arena, const char *name, const char **ret_path);
/* Runs images/NAME.sh into DATA/images/NAME; 0 or -errno. */
int image_build(struct arena *arena, const char *data_dir, const char *name);
/*
 * Runs a program of PATH to its end, its stdin empty, what it prints on our stderr, or nowhere when
 * it shall be quiet.  Its exit status, or -errno; 127 when there is no such program.
 */
int image_run(bool quiet, char *const argv[]);
