/*
 * A laboratory for the privileged process: a DATA of its own, an image of busybox, and a network
 * namespace that plays the host, so that neither the machine's own network nor another test sees
 * anything of it.
 */
#pragma once

#include "harness/harness.h"
#include "host/priv.h"

#define LAB_CIDR 0xac1f0000u /* 172.31.0.0/16 */
#define LAB_IP(n) (LAB_CIDR + 0x10 + (uint32_t)(n))
#define LAB_PUBLIC(n) (0xc6120000u + (uint32_t)(n))
#define LAB_OUTSIDE 0xcb007101u /* 203.0.113.1, beyond the host */

struct lab {
    struct priv_config config;
    struct priv_conn *conn;
    struct arena *arena;
    struct priv_hello_reply hello;
    struct str hello_text;
    int vpc_fds[PRIV_FDS_MAX]; /* listeners of the last lab_vpc() */
    size_t n_vpc_fds;
    int outside; /* a process in the world's network namespace */
    int watchdog, life, log;
    /* the last events */
    struct priv_ev_exited exited;
    unsigned n_exited, n_exec_exited;
    struct priv_ev_exec_exited exec_exited;
    struct str console; /* what CONSOLE_FOLLOW brought */
};

/* Skips the test when this machine cannot run sandboxes. */
struct lab *lab_new(void);
void lab_free(struct lab *l);
/* Connects (again) and says HELLO. */
void lab_connect(struct lab *l);

/* A request that must succeed. */
struct str lab_call(struct lab *l, enum priv_op op, const void *req, size_t n, const void *tail,
                    size_t tail_n);
/* One that may fail: its status; the sentence in *ret_text. */
int lab_try(struct lab *l, enum priv_op op, const void *req, size_t n, const void *tail,
            size_t tail_n, struct str *ret_text);

/* With subnet 1, whose edge is open. */
void lab_vpc(struct lab *l, uint32_t number, uint32_t cidr);
/* What stands at the edge of a subnet; routes the most specific first. */
void lab_subnet(struct lab *l, const struct priv_subnet *q, const struct priv_route *routes,
                const struct priv_acl_entry *entries);
void lab_subnet_open(struct lab *l, uint32_t vpc, uint32_t subnet);
void lab_group(struct lab *l, uint32_t vpc, uint32_t group, const struct priv_rule *rules,
               uint32_t n);
void lab_class(struct lab *l, uint32_t vpc, uint32_t class, uint32_t group);
/* Rules that allow everything, as group 1 and class 1. */
void lab_open_class(struct lab *l, uint32_t vpc);

/* A launch of `sh -c script` as init number n of a VPC: i-n, address LAB_IP(n), class 1, subnet 1.
 */
struct priv_launch lab_plan(uint32_t n);
struct priv_launch_reply lab_launch(struct lab *l, const struct priv_launch *p, const char *script);
int lab_launch_try(struct lab *l, const struct priv_launch *p, const char *script,
                   struct str *ret_text);
void lab_signal(struct lab *l, uint32_t n, uint32_t how);
void lab_kill(struct lab *l, uint32_t n);
const char *lab_id(uint32_t n);
/* Waits for an exit event of that machine. */
void lab_wait_exit(struct lab *l, uint32_t n);
/* All console output, once it contains the text. */
struct str lab_console(struct lab *l, uint32_t n, const char *until);

/* Runs `sh -c command` in a machine, or on the host; output and exit status. */
struct str lab_exec(struct lab *l, uint32_t n, const char *command, int *ret_status);
struct str lab_run(struct lab *l, const char *command, int *ret_status);
