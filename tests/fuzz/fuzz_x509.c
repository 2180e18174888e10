/*
 * Certificates, keys and chains as UploadServerCertificate gets them: one input, parted at its
 * first two NUL bytes.  What is no certificate never comes as far as its key.
 */
#include <stdlib.h>

#include "iam/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str rest = str_of(data, n);
    struct str cert = str_split(&rest, 0), key = str_split(&rest, 0);
    struct x509_facts facts;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    if (x509_read(&arena, cert, &facts)) {
        if (facts.id.n != 32)
            abort();
        x509_key_match(cert, key);
        if (x509_chain_check(cert, rest) < -2)
            abort();
        struct str two = str_cat(&arena, str_cat(&arena, cert, S("\n")), cert);

        if (x509_chain_check(cert, two) == -2)
            abort(); /* two certificates are a chain, if perhaps a wrong one */
    }
    arena_done(&arena);
    return 0;
}
