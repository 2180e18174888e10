/*
 * What the API asks of this service beside its operations.
 *
 * No operation's line says what it is about: a key may be named by an alias or by a ciphertext, so
 * handlers find the key and ask (access.c).
 */
#include "kms/access.h"

const struct api_service_hooks kms_hooks = {
    .service = &kms_service,
    .prepare_needed = kms_due_needed,
    .prepare = kms_due,
    .context = kms_request_context,
    .granted = kms_granted,
    .resource_policies = true,
};
