/*
 * Whether an instance can be hibernated: what AWS asks for at launch, and what it asks for when
 * the time has come.  How it is done is the host's affair (host/reconcile.c).
 */
#include "ec2/instance.h"

enum {
    RAM_MIB_LIMIT = 150 * 1024, /* less than this */
    WINDOWS_RAM_MIB_MAX = 16 * 1024,
    READY_MS = 2 * 60 * 1000, /* after a start; AWS waits for an agent in the guest */
};

static int
unsupported(struct api_call *call, const char *sentence)
{
    return api_fault(call, &EC2_ERR(UnsupportedHibernationConfiguration), "%s", sentence);
}

static int
check_type(struct api_call *call, const struct ec2_launch *l)
{
    bool windows = str_is(l->image->platform, "windows");

    if (!l->type->hibernates || l->type->bare_metal)
        return api_fault(call, &EC2_ERR(UnsupportedHibernationConfiguration),
                         "Hibernation is not supported for the instance type %.*s.",
                         STR_ARG(l->type->name));
    if (l->type->memory_mib >= RAM_MIB_LIMIT)
        return unsupported(call, "For hibernation, the instance must have less than 150 GiB of "
                                 "RAM.");
    if (windows && l->type->memory_mib > WINDOWS_RAM_MIB_MAX)
        return unsupported(call, "For hibernation, a Windows instance must have at most 16 GiB of "
                                 "RAM.");
    /* Graviton knows nothing but UEFI, and hibernates. */
    if (str_is(l->image->boot_mode, "uefi") && !str_is(l->image->architecture, "arm64"))
        return unsupported(call,
                           "Hibernation is not supported for an AMI whose boot mode is uefi.");
    return 0;
}

int
ec2_hibernation_check(struct api_call *call, const struct ec2_launch *l)
{
    static const char *const types[] = {"gp2", "gp3", "io1", "io2"};
    const struct ec2_EbsBlockDevice *root = &l->root;
    bool fast = false;
    int r = check_type(call, l);

    assert(root->encrypted.set && root->volume_size.set);
    if (r)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        fast = fast || str_is(root->volume_type, types[i]);
    if (!fast)
        return unsupported(call, "For hibernation, the root device volume must be of type gp2, "
                                 "gp3, io1 or io2.");
    if (!root->encrypted.v)
        return unsupported(call, "For hibernation, the root device volume must be encrypted.");
    if (root->volume_size.v * 1024 <= (int64_t)l->type->memory_mib)
        return api_fault(call, &EC2_ERR(UnsupportedHibernationConfiguration),
                         "For hibernation, the root device volume must be large enough for the "
                         "instance's RAM (%u MiB).",
                         l->type->memory_mib);
    return 0;
}

int
ec2_hibernate_check(struct api_call *call, const struct ec2_instance_row *row)
{
    if (!row->hibernation)
        return api_fault(call, &EC2_ERR(UnsupportedHibernationConfiguration),
                         "The instance can't be hibernated because it was not configured at "
                         "launch for hibernation: %.*s",
                         STR_ARG(row->id));
    if (row->state == EC2_PENDING ||
        (row->state == EC2_RUNNING && call->now_ms < row->launched_ms + READY_MS))
        return api_fault(call, &EC2_ERR(UnsupportedOperation),
                         "The instance %.*s is not ready to hibernate yet. Retry in a few minutes.",
                         STR_ARG(row->id));
    return 0;
}
