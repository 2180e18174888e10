/* Archives that clients send: whatever is read is unpacked and packed as tar. */
#include "codec/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct zip zip;
    struct buf tar;

    arena_init(&a, (size_t)64 << 20);
    if (zip_open(&a, str_of(data, size), &zip)) {
        buf_init(&tar, (size_t)4 << 20);
        zip_to_tar(&zip, "var/task", &tar);
        buf_done(&tar);
    }
    arena_done(&a);
    return 0;
}
