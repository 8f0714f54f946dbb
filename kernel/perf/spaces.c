/* Spaces made and destroyed, with an eager region in them or none. */
#include "cpu/panic.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"
#include "vmm/vmm.h"

#define ROUNDS 4 /* the second and later ones differ in nothing: they show that */

void perf_space(uint64_t pages) {
    struct figure creates = {0}, destroys = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct vm_space space;
        int status = (int)figure_add(&creates, MEASURE(vm_space_create, (uint64_t)&space), 1);
        ASSERT(status == STATUS_OK);
        if (pages) {
            vaddr_t base;
            struct vm_backing backing = {.kind = VM_ANONYMOUS};
            status = vm_alloc(&space, pages * PAGE_SIZE_4K, PAGE_WRITE, backing, &base);
            ASSERT(status == STATUS_OK);
        }
        status = (int)figure_add(&destroys, MEASURE(vm_space_destroy, (uint64_t)&space),
                                 max_u64(pages, 1));
        ASSERT(status == STATUS_OK);
    }
    figure_print("space", pages, "create", &creates);
    figure_print("space", pages, "destroy", &destroys);
}
