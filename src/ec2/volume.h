/*
 * Volumes and snapshots, beside what ec2.h says of them.
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
#include "ec2/network.h"

#define EC2_VIA "ec2.amazonaws.com"
#define EC2_EBS_KEY "alias/aws/ebs"

/* ---- volume.c ---- */

/* Faults: InvalidParameterValue, InvalidVolume.NotFound. */
int ec2_volume_find(struct api_call *call, struct str id, const struct ec2_volume_row **ret);
struct ec2_Volume ec2_volume_show(struct api_call *call, const struct ec2_volume_row *row);
struct ec2_VolumeAttachment ec2_attachment_show(struct txn *txn, const struct ec2_volume_row *row);
struct ec2_OperatorResponse *ec2_operator_show(struct arena *arena);
/* A number that is absent when it is 0. */
struct opt_i64 ec2_rate_show(int64_t v);
/* What the volume does when nobody said: gp2 by its size, gp3 by default. */
void ec2_volume_rates(struct ec2_volume_row *row);
/* It is attached to nothing any more; the caller writes the row. */
void ec2_volume_leave(struct ec2_volume_row *row);

struct ec2_volume_want {
    const struct ec2_EbsBlockDevice *ebs; /* of ec2_devices_wanted() or ec2_data_wanted() */
    struct str zone, instance_id, device; /* instance_id empty: it is available */
    bool is_data;
    struct str client_token, request_hash;
    const struct str_list *tags;
};
/*
 * Makes it.  *ret_error: empty, or why an instance cannot start with it: KMS does not let the
 * caller have its key, the account has no room for it (then there is no volume), or its snapshot
 * is damaged.
 */
int ec2_volume_make(struct api_call *call, const struct ec2_volume_want *want,
                    struct ec2_volume_row *ret, struct str *ret_error) MUST_USE;

/* ---- block_device.c ---- */

struct ec2_device {
    struct str name;
    struct ec2_EbsBlockDevice ebs;
    bool dropped;
};
struct ec2_devices {
    struct ec2_device *v;
    size_t n;
};
/* A device as a line of an image's more_devices, and back. */
struct str ec2_device_json(struct arena *arena, const struct ec2_device *device);
struct ec2_device ec2_device_of(struct arena *arena, struct str text);
/* "/dev/sdf", "xvdba" */
bool ec2_device_name_ok(struct str name);
/*
 * What a volume that holds bytes shall be: fills in what *ebs leaves out, by its snapshot and by
 * the account's defaults.  Faults: those of ec2_volume_check() and ec2_snapshot_usable(),
 * Unsupported, MissingParameter, InvalidParameterDependency, and `too_few` when it is smaller than
 * its snapshot.
 */
int ec2_data_wanted(struct api_call *call, const struct api_error *too_few,
                    struct ec2_EbsBlockDevice *ebs);
/* What CreateImage may say of a volume that the instance has.  InvalidBlockDeviceMapping …. */
int ec2_device_override(struct api_call *call, const struct ec2_BlockDeviceMapping *m,
                        int64_t least_gib, struct ec2_EbsBlockDevice *ebs);
/*
 * What the volumes of an instance shall be, from the image and the caller's BlockDeviceMappings.
 * Whether each is encrypted is decided, and by which key.
 */
int ec2_devices_wanted(struct api_call *call, const struct ec2_image_row *image,
                       const struct ec2_BlockDeviceMappingList *mappings,
                       struct ec2_EbsBlockDevice *ret_root, struct ec2_devices *ret_more);

/* ---- volume_attach.c ---- */

/* Whether this host can have such devices in its guests.  Fault: Unsupported, with its reason. */
int ec2_volumes_hosted(struct api_call *call, const struct ec2_devices *devices);

/* ---- snapshot.c ---- */

/* A snapshot that the caller may make volumes of: his own, shared or public. */
bool ec2_snapshot_visible(const struct api_call *call, const struct ec2_snapshot_row *row);
/* Such a one.  Faults: InvalidSnapshotID.Malformed, InvalidSnapshot.NotFound. */
int ec2_snapshot_find(struct api_call *call, struct str id, const struct ec2_snapshot_row **ret);
/* The same, but it is whole.  Fault: IncorrectState. */
int ec2_snapshot_usable(struct api_call *call, struct str id, const struct ec2_snapshot_row **ret);
/* The caller's own.  Fault: AuthFailure. */
int ec2_snapshot_own(struct api_call *call, struct str id, const struct ec2_snapshot_row **ret);
struct ec2_Snapshot ec2_snapshot_show(struct api_call *call, const struct ec2_snapshot_row *row);
/* Deletes one that no image uses.  Fault: InvalidSnapshot.InUse. */
int ec2_snapshot_drop(struct api_call *call, const struct ec2_snapshot_row *row);
extern const struct api_filter_table ec2_snapshot_filter_table,
    ec2_volume_modification_filter_table;

/* Whether some are still being made of an instance's volumes. */
bool ec2_snapshots_pending(struct txn *txn, struct str instance_id);

/* ---- snapshot_make.c ---- */

struct ec2_snapshot_want {
    const struct ec2_volume_row *volume;
    struct str description;
    int64_t reboot_generation; /* of the volume's instance: when; 0: now */
    const struct str_list *tags;
};
/* Fault: Unsupported (this host cannot), IncorrectState. */
int ec2_snapshot_make(struct api_call *call, const struct ec2_snapshot_want *want,
                      struct ec2_snapshot_row *ret);
/*
 * What a copy is encrypted under, by what the caller says and the account's default; empty: not.
 * Faults: InvalidParameterDependency, Unsupported.
 */
int ec2_copy_key(struct api_call *call, bool is_encrypted, struct opt_bool encrypted,
                 struct str key, struct str *ret);
int ec2_source_region_check(struct api_call *call, struct str region);
/* A copy that the caller owns, in this region, under `key` (empty: not encrypted). */
int ec2_snapshot_copy(struct api_call *call, const struct ec2_snapshot_row *from, struct str key,
                      struct str description, const struct str_list *tags,
                      struct ec2_snapshot_row *ret);

/* ---- snapshot_attribute.c ---- */

/* Whether it is a key that AWS manages, which no other account can be let use. */
bool ec2_key_is_aws(struct txn *txn, struct str arn);

/* ---- storage_reconcile.c ---- */

/*
 * Moves volumes, snapshots, modifications and the images that wait for snapshots through their
 * states, as the host says and the cloud's clock; level-triggered like the instances' reconciler.
 */
struct ec2_storage_reconciler;
struct loop;
int ec2_storage_reconciler_new(struct ec2_storage_reconciler **ret, struct loop *loop,
                               struct store *store);
struct ec2_storage_reconciler *ec2_storage_reconciler_free(struct ec2_storage_reconciler *rec);

/* ---- storage_limit.c ---- */

/*
 * A volume is about to be written (one of another type was given back before), or deleted.
 * *ret_may: whether its type's quota allows it.
 */
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
/* The same for a volume that is detached; the caller writes the row. */
int ec2_volume_forget_key(struct txn *txn, struct ec2_volume_row *row) MUST_USE;
/* Whether the caller may use the key that a snapshot is encrypted under. */
int ec2_snapshot_unseal(struct api_call *call, const struct ec2_snapshot_row *row,
                        bool *ret_may) MUST_USE;
/* A snapshot's data key, under `key`. */
int ec2_snapshot_seal(struct api_call *call, struct str key, struct ec2_snapshot_row *row,
                      bool *ret_may) MUST_USE;
