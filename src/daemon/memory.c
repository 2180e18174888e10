/*
 * What memory the daemon holds while nobody asks it for anything.
 *
 * Large replies keep their memory from one to the next, because to be given a fresh page costs
 * more than to write it; what is left lying around is given back once a second.  So are, once,
 * the pages of programs and libraries that a start touches: two thirds of them, OpenSSL's and
 * SQLite's above all, are not needed again, and whoever does need one finds it in the page cache.
 */
#include "daemon/daemon.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAP_PIECE_BYTES (32 << 20) /* the most that malloc does not ask mmap for */
#define HEAP_KEPT_BYTES (1 << 30)
#define HEAP_IDLE_BYTES ((size_t)2 << 20)

void
memory_keep(void)
{
    mallopt(M_MMAP_THRESHOLD, HEAP_PIECE_BYTES);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
}

static void
give_heap_back(void)
{
    static size_t kept_bytes; /* holes that cannot be given back are not tried again */
    size_t idle_bytes = mallinfo2().fordblks;

    if (idle_bytes < HEAP_IDLE_BYTES || idle_bytes == kept_bytes)
        return;
    malloc_trim(0);
    kept_bytes = mallinfo2().fordblks;
}

/* Segments that are never written are the file's own pages: none of them can be lost. */
static int
give_object_back(struct dl_phdr_info *info, size_t size, void *vdso)
{
    uintptr_t page = sysconf(_SC_PAGESIZE);

    assert(page > 0 && (page & (page - 1)) == 0);
    (void)size;
    if (info->dlpi_addr == (uintptr_t)vdso)
        return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr, down = from & ~(page - 1);

        if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
            madvise((void *)down, from + p->p_memsz - down, MADV_DONTNEED);
    }
    return 0;
}

static void
give_start_back(void)
{
    static bool done;

    if (!done)
        dl_iterate_phdr(give_object_back, (void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR));
    done = true;
}

void
memory_tidy(void)
{
    give_heap_back();
    give_start_back();
}
