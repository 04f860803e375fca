#include "agent/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Segments that cannot be written are the file's, byte for byte: what is dropped of them is read again. Those that can
 * hold relocations and variables, and are let alone.
 */
static int drop_segments(struct dl_phdr_info *object, size_t size, void *userdata) {
        const uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);

        for (size_t i = 0; i < object->dlpi_phnum; i++) {
                const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
                uintptr_t begin, end;

                if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
                        continue;
                begin = (object->dlpi_addr + segment->p_vaddr + page - 1) / page * page;
                end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) / page * page;
                if (begin < end)
                        (void) madvise((void *) begin, end - begin, MADV_DONTNEED);
        }
        return 0;
}

void memory_give_back(void) {
        (void) malloc_trim(0);
        (void) dl_iterate_phdr(drop_segments, NULL);
}
