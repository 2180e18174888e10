/*
 * Loop devices: files of ours as block devices.
 *
 * A guest that has such a device may do with it what its descriptor lets it, but not what is about
 * the device itself: every ioctl of type 'L' is refused to guests (jail.c).  So what a device says
 * of itself is what we wrote there.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TRIES 16

void
loop_path(char to[LOOP_PATH_MAX], int number)
{
    assert(number >= 0);
    text_set(to, LOOP_PATH_MAX, "/dev/loop%d", number);
}

int
loop_open(int number, int flags)
{
    char path[LOOP_PATH_MAX];

    assert(number >= 0 && !(flags & O_CREAT));
    loop_path(path, number);
    int fd = open(path, flags | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

int
loop_attach(int file, const struct loop_info64 *info, int *ret_number)
{
    FD_CLEANUP int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    struct loop_config config = {.fd = (uint32_t)file, .info = *info};

    assert(file >= 0);
    if (control < 0)
        return -ENODEV;
    for (int i = 0; i < TRIES; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);

        if (number < 0)
            return -errno;
        FD_CLEANUP int fd = loop_open(number, O_RDWR);
        if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
            *ret_number = number;
            return fd_steal(&fd);
        }
        if (fd < 0 || errno != EBUSY) /* somebody else was faster */
            return fd < 0 ? fd : -errno;
    }
    return -EBUSY;
}

int
loop_status(int fd, struct loop_info64 *ret)
{
    assert(fd >= 0);
    return ioctl(fd, LOOP_GET_STATUS64, ret) < 0 ? -errno : 0;
}

int
loop_change(int fd, uint64_t offset, uint64_t bytes, const char *name)
{
    struct loop_info64 info;
    int r = loop_status(fd, &info);

    assert(bytes > 0 && strlen(name) < LO_NAME_SIZE);
    if (r < 0)
        return r;
    info.lo_offset = offset;
    info.lo_sizelimit = bytes;
    memset(info.lo_file_name, 0, sizeof(info.lo_file_name));
    memcpy(info.lo_file_name, name, strlen(name));
    return ioctl(fd, LOOP_SET_STATUS64, &info) < 0 ? -errno : 0;
}

/* When something else has it open, it goes with the last of them. */
int
loop_clear(int fd)
{
    assert(fd >= 0);
    return ioctl(fd, LOOP_CLR_FD, 0) < 0 && errno != ENXIO ? -errno : 0;
}
