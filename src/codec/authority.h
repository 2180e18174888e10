/*
 * A local certificate authority: its own certificate, and those that it signs for servers.
 *
 * What it may sign is written into its certificate (name constraints): AWS's endpoint names and
 * this machine's, so that whoever installs it in a trust store does not put the rest of the web
 * into the hands of its key.  Times are arguments and are the real ones, never the cloud's:
 * clients compare them with their own clocks.
 *
 * Links with: libcrypto.
 */
#pragma once

#include "base/str.h"

#include <openssl/types.h>

#define AUTHORITY_PEM_MAX 4096 /* bytes of the certificate */
#define AUTHORITY_LEAF_DAYS 90

struct authority;

/* Makes one, good for ten years: EC P-256; both texts are PEM, in the arena.  0 or -errno. */
int authority_make(struct arena *a, int64_t now_ms, struct str *ret_key, struct str *ret_cert);

/* Opens one from its texts; -EINVAL when they are not those of one authority. */
int authority_open(struct authority **ret, struct str key, struct str cert);
struct authority *authority_free(struct authority *authority);

/*
 * Whether the text is the certificate of an authority of ours: one that may sign for AWS's names
 * and this machine's only.  For who is about to trust a file.
 */
bool authority_is_constrained(struct str cert);

/* The certificate's time of expiry. */
int64_t authority_expires_ms(const struct authority *authority);
/* What its file is called in a directory of hashed names: "%08x.0". */
uint32_t authority_hash(const struct authority *authority);

/* Whom a server's certificate names: DNS names and IP addresses as text. */
struct authority_names {
    const struct str *dns;
    size_t n_dns;
    const struct str *ips;
    size_t n_ips;
};

/* A key for servers, P-256; NULL when memory is out. */
EVP_PKEY *authority_leaf_key(void);
/* Signs a certificate for that key, from an hour ago for AUTHORITY_LEAF_DAYS.  0 or -errno. */
int authority_issue(const struct authority *authority, EVP_PKEY *key,
                    const struct authority_names *names, int64_t now_ms, X509 **ret);
