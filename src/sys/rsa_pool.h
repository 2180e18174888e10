/*
 * RSA keys that are ready when one is asked for.  To make one takes 50 to 250 ms, in which the
 * loop would answer nobody; so the daemon has a thread of low priority that keeps two of them.
 *
 * Keys wait as DER in one page that is neither swapped nor dumped, and are wiped when they are
 * taken and when the pool stops.  Without rsa_pool_start(), as in tests and in the simulation,
 * every key is made when it is asked for.  One a process; take, start and stop from one thread.
 */
#pragma once

#include "base/base.h"

#include <openssl/evp.h>

#define RSA_POOL_BITS 2048
#define RSA_POOL_KEYS 2

/* Starts the thread; 0 or -errno, and then keys are made in place as before. */
int rsa_pool_start(void);
/* Ends the thread, also in the middle of a key, and wipes what is left. */
void rsa_pool_stop(void);
/* How many keys are ready. */
unsigned rsa_pool_ready(void);

/* A new key, which is the caller's to free; NULL when libcrypto fails. */
EVP_PKEY *rsa_pool_take(void);
