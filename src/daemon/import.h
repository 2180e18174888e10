/*
 * `welkin image import`: a root file system out of what others pack them in.
 */
#pragma once

#include "base/str.h"

#define IMPORT_WHY_BYTES 512

/*
 * Unpacks `file` into DATA/images/NAME: a rootfs tar (plain, gzip, xz, zstd, bzip2), an OCI image
 * layout (a folder, or a tar of one), or a `docker save` archive.  Layers are put on each other
 * with their whiteouts.  *init is "welkin", "systemd" or "none"; when it is NULL the kind that
 * fits the files is chosen.  Without helpers, AWS's (/opt/aws/bin) are not put into its instances,
 * which a file of the image says, /etc/welkin-no-helpers.  Needs root.  0 or -errno with a sentence
 * in `why`; then nothing is left behind.
 */
int image_import(struct arena *arena, const char *data_dir, const char *name, const char *file,
                 const char **init, bool helpers, char why[IMPORT_WHY_BYTES]);

/* The kind of init that fits an image: "systemd" when it has systemd and cloud-init. */
const char *image_init_kind(struct arena *arena, const char *data_dir, const char *name);
