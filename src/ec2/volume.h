/*
 * Volumes, beside what ec2.h says of them: their encryption.
 *
 * A volume's data key is made by KMS for whoever launches (GenerateDataKeyWithoutPlaintext) and
 * kept encrypted.  For a start the caller gives EC2 a grant (CreateGrant, to the instance's own
 * principal, for this volume's encryption context), and EC2 has the data key decrypted by it.  The
 * plaintext is in the volume's row (a secret column) as long as the instance is started, as EC2's
 * hosts hold it while a volume is attached; a stop forgets it and takes the grant back.
 */
#pragma once

#include "api/authorize.h"
#include "ec2/ec2.h"

#define EC2_VIA "ec2.amazonaws.com"
#define EC2_EBS_KEY "alias/aws/ebs"

/* ---- storage_limit.c ---- */

/* A volume is about to be written, or deleted.  *ret_may: whether its type's quota allows it. */
int ec2_storage_take(struct txn *txn, const struct ec2_volume_row *row, bool *ret_may) MUST_USE;
int ec2_storage_give_back(struct txn *txn, const struct ec2_volume_row *row) MUST_USE;

/* ---- fault.c ---- */

/* Whether the operator has damaged it (`welkin fault snapshot`). */
bool ec2_snapshot_is_damaged(struct txn *txn, struct str snapshot_id);

/* ---- ebs_default.c ---- */

/* Whether new volumes are encrypted though nobody asked. */
bool ec2_ebs_encrypts(struct api_call *call);
/* The key for those whose launch names none. */
struct str ec2_ebs_key(struct api_call *call);

/* ---- volume_key.c ---- */

enum { VOLUME_KEY_BYTES = 64 };

/*
 * Makes a data key under `key` (id, alias or ARN), of KMS, for a volume that is not written yet.
 * *ret_may: false when KMS refused, which is no fault of this call.
 */
int ec2_volume_seal(struct api_call *call, struct str key, struct ec2_volume_row *row,
                    bool *ret_may) MUST_USE;
/* Gives EC2 the plaintext of the data key for an instance that starts; writes *row only. */
int ec2_volume_unseal(struct api_call *call, struct str instance_id, struct ec2_volume_row *row,
                      bool *ret_may) MUST_USE;
/* The same for all volumes of an instance, whose rows are written. */
int ec2_volumes_unseal(struct api_call *call, struct str instance_id, bool *ret_may) MUST_USE;
/* The instance is stopped or terminated: plaintext and grant go. */
int ec2_volumes_forget_keys(struct txn *txn, struct str instance_id) MUST_USE;
