/*
 * SSH's wire form of public keys (RFC 4251 §5, RFC 4253 §6.6): strings with their lengths in front,
 * of which numbers are ones.  What comes is a stranger's.
 */
#pragma once

#include "base/str.h"

#include <openssl/types.h>

/* Takes a string off the front; false: there is no whole one. */
bool ssh_wire_take(struct str *wire, struct str *ret);
/* The RSA key of an exponent and a modulus as they stand in it, which are not empty; or NULL. */
EVP_PKEY *ssh_wire_rsa(struct str e, struct str n);
