/*
 * RSA public keys as text: a line of OpenSSH or PEM of SubjectPublicKeyInfo, each made from the
 * other.  Pure.
 */
#pragma once

#include "base/str.h"

struct public_key {
    struct str ssh;         /* "ssh-rsa AAAA…", without a comment */
    struct str pem;         /* "-----BEGIN PUBLIC KEY-----\n…", ends with a line's end */
    struct str fingerprint; /* MD5 of what SSH sends, "aa:bb:…" */
    unsigned bits;
};

/* False unless the text is just one RSA key in one of the two forms. */
bool public_key_read(struct arena *arena, struct str text, struct public_key *ret);
