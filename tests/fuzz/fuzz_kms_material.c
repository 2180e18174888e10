/*
 * Key material as ImportKeyMaterial gets it, once unwrapped.  The first byte picks the key spec;
 * what is read as material of it is written as material that is read again to the same, and works.
 */
#include <stdlib.h>

#include "kms/material.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const specs[] = {"SYMMETRIC_DEFAULT",    "HMAC_256",      "RSA_2048",
                                        "ECC_NIST_P256",        "ECC_NIST_P521", "ECC_SECG_P256K1",
                                        "ECC_NIST_EDWARDS25519"};
    struct kms_material material, again;
    struct str signature;
    struct arena arena;

    if (n == 0 || n > 6144)
        return 0;
    const struct kms_spec *spec = kms_spec_find(str_from(specs[data[0] % ARRAY_LEN(specs)]));

    arena_init(&arena, 1 << 20);
    if (kms_material_read(&arena, spec, str_of(data + 1, n - 1), &material) == 0) {
        if (kms_material_read(&arena, spec, material.secret, &again) != 0 ||
            !str_eq(material.secret, again.secret) || !str_eq(material.public, again.public))
            abort();
        if (spec->signing[0] &&
            (kms_signature_make(&arena, material.secret, str_from(spec->signing[0]), S("x"), false,
                                &signature) != 0 ||
             kms_signature_check(material.public, str_from(spec->signing[0]), S("x"), false,
                                 signature) != 0))
            abort();
    }
    if (arena_spent(&arena))
        abort();
    arena_done(&arena);
    return 0;
}
