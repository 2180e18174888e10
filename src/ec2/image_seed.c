/*
 * Images that are there without anyone having registered them.
 *
 * Welkin's own are in every region under one id, which follows from their name: a template that
 * names it works on every Welkin.  An id of AWS's is what somebody's template already says; it
 * stands for whatever root file system the operator maps it to.
 */
#include "ec2/ec2.h"
#include "ec2/row_ok.h"

enum { ROOT_GIB_DEFAULT = 8 };

struct known_image {
    const char *id; /* of AWS's; NULL: made from the name */
    const char *account, *alias, *region, *name, *description;
    const char *root_device_name, *volume_type;
    int64_t created_ms;
    bool windows;
};

static const struct known_image known_images[] = {
    /* 2018-11-14 is the day in its name. */
    {"ami-009d6802948d06e52", "137112412989", "amazon", "us-east-1",
     "amzn2-ami-hvm-2.0.20181114-x86_64-gp2", "Amazon Linux 2 AMI 2.0.20181114 x86_64 HVM gp2",
     "/dev/xvda", "gp2", 1542153600000},
    {NULL, EC2_WELKIN_ACCOUNT, "welkin", "", "welkin-tiny", "Welkin's own: busybox and welkin-init",
     "/dev/xvda", "gp3", 0},
    {NULL, EC2_WELKIN_ACCOUNT, "welkin", "", "welkin-debian-12", "Debian 12 for Welkin",
     "/dev/xvda", "gp3", 0},
    {NULL, EC2_WELKIN_ACCOUNT, "welkin", "", "welkin-windows",
     "What names of Windows images stand for: it boots nowhere here", "/dev/sda1", "gp3", 0,
     .windows = true},
};

static const struct known_image *
known_find(struct str image)
{
    for (size_t i = 0; i < ARRAY_LEN(known_images); i++)
        if (str_is(image, known_images[i].name) ||
            (known_images[i].id && str_is(image, known_images[i].id)))
            return &known_images[i];
    return NULL;
}

static struct ec2_image_row
image_row(struct arena *arena, const struct known_image *known, struct str id)
{
    assert(ec2_id_is(id, "ami") && known->name[0] != '\0');
    return (struct ec2_image_row){
        .id = id,
        .account = str_from(known->account),
        .owner_alias = str_from(known->alias),
        .region = str_from(known->region),
        .name = str_from(known->name),
        .description = str_from(known->description),
        .architecture = S("x86_64"),
        .root_device_name = str_from(known->root_device_name),
        .block_devices = str_fmt(arena, "{\"DeleteOnTermination\":true,\"VolumeType\":\"%s\"}",
                                 known->volume_type),
        .platform = known->windows ? S("windows") : S(""),
        .is_public = true,
        .state = S("available"),
        .created_ms = known->created_ms,
        .ena_support = true,
        .sriov_net_support = S("simple"),
        .snapshot_id = ec2_id_of_name(arena, "snap", id),
        .volume_size_gib = ROOT_GIB_DEFAULT,
    };
}

int
ec2_image_seed(struct txn *txn, struct env *env, struct str image, struct str rootfs,
               struct str init)
{
    CLEANUP(arena_done) struct arena arena;
    const struct known_image *known = known_find(image);
    int r;

    arena_init(&arena, 64 << 10);
    if (!known && !ec2_id_is(image, "ami") && !str_starts(image, S("welkin-")))
        return -EINVAL;
    bool mapped = !known && ec2_id_is(image, "ami");
    struct str id = mapped               ? image
                    : known && known->id ? str_from(known->id)
                                         : ec2_id_of_name(&arena, "ami", image);
    const struct ec2_image_row *old = ec2_image_get(txn, id);
    struct ec2_image_row row;

    if (old) {
        row = *old;
    } else if (known) {
        row = image_row(&arena, known, id);
    } else {
        const struct known_image other = {
            .account = EC2_WELKIN_ACCOUNT,
            .alias = "welkin",
            .region = "",
            .name = mapped ? str_fmt(&arena, "welkin-mapped-%.*s", STR_ARG(id)).p
                           : str_cstr(&arena, image),
            .description = mapped ? "An id that was mapped to an image of this cloud"
                                  : "An image of this cloud",
            .root_device_name = "/dev/xvda",
            .volume_type = "gp3",
        };

        row = image_row(&arena, &other, id);
    }
    if (!row.created_ms)
        row.created_ms = env->now_ms(env);
    row.rootfs = rootfs;
    row.init = init;
    assert(ec2_image_ok(&row));
    r = old ? ec2_image_update(txn, &row) : ec2_image_insert(txn, &row);
    return r < 0 ? error_origin(-r, "image %.*s cannot be written", STR_ARG(id)) : 0;
}
