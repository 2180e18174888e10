/*
 * SSH keys as text: made, shown once, read.
 *
 * Private keys are never kept.  What held one is wiped before it is given back, but for the text
 * that goes to the caller: that lies in the call's arena and in the reply until both are freed.
 */
#pragma once

#include "base/str.h"
#include "sys/env.h"

struct key_material {
    struct str type;        /* "rsa", "ed25519" */
    struct str public_line; /* "ssh-rsa AAAA… NAME" */
    /*
     * As DescribeKeyPairs has it.  RSA: the SHA-1 of the private key as PKCS#8 when it was made
     * here, the MD5 of the public key's DER when it was imported, "aa:bb:…".  ED25519: base64 of
     * the SHA-256 of the public key, as OpenSSH has it, with padding.
     */
    struct str fingerprint;
    struct str private_text; /* absent when imported */
};

/*
 * Makes a key: type "rsa" (2,048 bits) or "ed25519", format "pem" (RSA: PKCS#1; ED25519: OpenSSH)
 * or "ppk" (PuTTY, version 2).  0 or -errno.  An RSA key is one that sys/rsa_pool.h has ready, or
 * takes 50 to 250 ms of the loop; its randomness is libcrypto's: a simulation that must repeat
 * makes ED25519 keys.
 */
int key_material_make(struct env *env, struct arena *arena, struct str type, struct str format,
                      struct str name, struct key_material *ret);

/*
 * Reads a public key: a line of OpenSSH, RFC 4716, PEM or bare base64 of SubjectPublicKeyInfo; RSA
 * of 1,024 to 4,096 bits or ED25519.  false when it is none of these.
 */
bool key_material_read(struct arena *arena, struct str text, struct str name,
                       struct key_material *ret);
