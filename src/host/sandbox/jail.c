/*
 * What a guest's root cannot do although it is root in its user namespace.
 *
 * The user namespace is the wall: every capability in it is one over the guest's own namespaces.
 * This file takes away what the kernel lets such a root do and a guest has no use for, so that a
 * bug there is not one here.  Denied by number, everything else allowed: programs that expect a
 * real machine must run.
 *
 *   kept on purpose   mount, unshare, clone with new namespaces, pivot_root, setns: containers
 *                     inside an instance; ptrace; setuid programs (no_new_privs is not set);
 *                     reboot, which in a pid namespace ends its init
 *   told              mount(2) of a file system (mounts.c); with it fsopen(2) is no system call,
 *                     and programs fall back to mount(2)
 *   denied            what is about loop devices themselves: volumes are such (volume.c);
 *                     kernel modules, kexec, BPF, perf, userfaultfd, keyrings (not namespaced),
 *                     the kernel's log, handles that walk out of a mount, swap, quotas, ports,
 *                     clocks, accounting, io_uring (its work escapes seccomp)
 *
 * The filter is compiled once; a child loads the ready program.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    int call;
    int err;
} denied[] = {
    {SCMP_SYS(kexec_load), EPERM},
    {SCMP_SYS(kexec_file_load), EPERM},
    {SCMP_SYS(init_module), EPERM},
    {SCMP_SYS(finit_module), EPERM},
    {SCMP_SYS(delete_module), EPERM},
    {SCMP_SYS(create_module), EPERM},
    {SCMP_SYS(open_by_handle_at), EPERM},
    {SCMP_SYS(bpf), EPERM},
    {SCMP_SYS(perf_event_open), EPERM},
    {SCMP_SYS(userfaultfd), EPERM},
    {SCMP_SYS(keyctl), ENOSYS}, /* programs take it for a kernel without keyrings */
    {SCMP_SYS(add_key), ENOSYS},
    {SCMP_SYS(request_key), ENOSYS},
    {SCMP_SYS(io_uring_setup), ENOSYS},
    {SCMP_SYS(io_uring_enter), ENOSYS},
    {SCMP_SYS(io_uring_register), ENOSYS},
    {SCMP_SYS(syslog), EPERM},
    {SCMP_SYS(swapon), EPERM},
    {SCMP_SYS(swapoff), EPERM},
    {SCMP_SYS(quotactl), EPERM},
    {SCMP_SYS(quotactl_fd), EPERM},
    {SCMP_SYS(acct), EPERM},
    {SCMP_SYS(iopl), EPERM},
    {SCMP_SYS(ioperm), EPERM},
    {SCMP_SYS(settimeofday), EPERM},
    {SCMP_SYS(clock_settime), EPERM},
    {SCMP_SYS(clock_adjtime), EPERM},
    {SCMP_SYS(adjtimex), EPERM},
    {SCMP_SYS(stime), EPERM},
    {SCMP_SYS(lookup_dcookie), EPERM},
    {SCMP_SYS(nfsservctl), EPERM},
    {SCMP_SYS(move_pages), EPERM},
    {SCMP_SYS(_sysctl), EPERM},
    {SCMP_SYS(vm86), EPERM},
    {SCMP_SYS(vm86old), EPERM},
    {SCMP_SYS(modify_ldt), EPERM},
    {SCMP_SYS(uselib), EPERM},
    {SCMP_SYS(vhangup), EPERM},
};

static const int dropped[] = {
    CAP_SYS_MODULE, CAP_SYS_RAWIO,     CAP_SYS_TIME,   CAP_MAC_ADMIN, CAP_MAC_OVERRIDE,
    CAP_SYSLOG,     CAP_AUDIT_CONTROL, CAP_AUDIT_READ, CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND,
    CAP_BPF,        CAP_PERFMON,       CAP_SYS_PACCT,  CAP_LINUX_IMMUTABLE,
};

static int
read_program(int fd, struct sock_fprog *ret)
{
    off_t n = lseek(fd, 0, SEEK_END);

    assert(fd >= 0);
    if (n <= 0 || n % (off_t)sizeof(struct sock_filter) || n > 65536)
        return -EINVAL;
    struct sock_filter *code = malloc((size_t)n);
    if (!code || pread(fd, code, (size_t)n, 0) != n) {
        free(code);
        return -EIO;
    }
    *ret = (struct sock_fprog){.len = (unsigned short)((size_t)n / sizeof(*code)), .filter = code};
    return 0;
}

#define NO_NEW_MOUNT                                                                               \
    (MS_BIND | MS_MOVE | MS_REMOUNT | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)
#define IOCTL_TYPE 0xffffff00u /* of the 32 bits that the kernel looks at */
#define IOCTL_LOOP 0x4c00

static int
add_mounts(scmp_filter_ctx ctx)
{
    int r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(mount), 1,
                             SCMP_A3(SCMP_CMP_MASKED_EQ, NO_NEW_MOUNT, 0));

    return r < 0 ? r : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(fsopen), 0);
}

int
jail_compile(struct sock_fprog *ret, bool guest_mounts)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r = ctx ? 0 : -ENOMEM;

    if (r == 0)
        seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
#ifdef __x86_64__
    if (r == 0)
        r = seccomp_arch_add(ctx, SCMP_ARCH_X86);
#endif
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(denied); i++) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)denied[i].err), denied[i].call, 0);
        if (r == -EINVAL || r == -EDOM)
            r = 0; /* no such call on this architecture */
    }
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, IOCTL_TYPE, IOCTL_LOOP));
    if (r == 0 && guest_mounts)
        r = add_mounts(ctx);
    FD_CLEANUP int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (r == 0)
        r = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
    if (r == 0)
        r = read_program(fd, ret);
    seccomp_release(ctx);
    return r < 0 ? error_origin(-r, "system call filter") : 0;
}

const char *
jail_enter(const struct sock_fprog *filter, int *ret_listener)
{
    assert(filter->len > 0 && filter->filter);
    for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
        /* EINVAL: a kernel that does not know this capability. */
        if (prctl(PR_CAPBSET_DROP, dropped[i], 0, 0, 0) < 0 && errno != EINVAL)
            return "capabilities could not be dropped";
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2];
    if (syscall(SYS_capget, &head, caps) < 0)
        return "capabilities could not be read";
    for (size_t i = 0; i < ARRAY_LEN(dropped); i++) {
        struct __user_cap_data_struct *word = &caps[dropped[i] / 32];

        word->effective &= ~(1u << dropped[i] % 32);
        word->permitted &= ~(1u << dropped[i] % 32);
        word->inheritable = 0;
    }
    if (syscall(SYS_capset, &head, caps) < 0)
        return "capabilities could not be set";
    /* A listener that the filter does not need is closed again by who gets it. */
    int r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                         ret_listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, filter);

    if (ret_listener)
        *ret_listener = r;
    if (r < 0)
        return "the system call filter could not be loaded";
    return NULL;
}
