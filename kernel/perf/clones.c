/* A space cloned, and its pages copied on write. */
#include "base/direct_map.h"
#include "base/string.h"
#include "cpu/panic.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"
#include "vmm/vmm.h"

extern const char perf_touch[];

/* Touch every page of a range, a space's root being active. What a page that is there costs is
 * taken off, as with perf_fault, and `off` besides. */
static void touch_all(struct figure *figure, struct vm_space *space, vaddr_t base, uint64_t pages,
                      uint64_t off) {
    paging_activate(space->root);
    vm_set_current(space);
    for (uint64_t page = 0; page < pages; page++) {
        vaddr_t va = base + page * PAGE_SIZE_4K;
        struct measured first = MEASURE(perf_touch, va);
        first.ticks -= MEASURE(perf_touch, va).ticks + off;
        figure_add(figure, first, 1);
    }
    vm_set_current(NULL);
    paging_activate(paging_kernel_root());
}

/* What copying a page costs by itself: it is no part of what a fault costs. */
static uint64_t copy_ticks(const struct vm_space *space, vaddr_t page) {
    struct mapping mapping;
    int status = paging_query(space->root, page, &mapping);
    ASSERT(status == STATUS_OK);
    uint64_t bytes = (uint64_t)direct_map(mapping.physical);
    return MEASURE(memcpy, bytes, bytes, PAGE_SIZE_4K).ticks;
}

/* Clone a space of `pages` pages and touch each in one: a copy; then in the other, which is the
 * last that has it. */
void perf_clone(uint64_t pages) {
    struct figure clones = {0}, copies = {0}, takes = {0};
    struct vm_space one, other;
    vaddr_t base;
    struct vm_backing backing = {.kind = VM_ANONYMOUS};
    int status = vm_space_create(&one);
    ASSERT(status == STATUS_OK);
    status = vm_space_create(&other);
    ASSERT(status == STATUS_OK);
    status = vm_alloc(&one, pages * PAGE_SIZE_4K, PAGE_WRITE, backing, &base);
    ASSERT(status == STATUS_OK);
    struct measured clone = MEASURE(vm_space_clone, (uint64_t)&other, (uint64_t)&one);
    status = (int)figure_add(&clones, clone, pages);
    ASSERT(status == STATUS_OK);
    touch_all(&copies, &one, base, pages, copy_ticks(&one, base));
    touch_all(&takes, &other, base, pages, 0);
    status = vm_space_destroy(&other);
    ASSERT(status == STATUS_OK);
    status = vm_space_destroy(&one);
    ASSERT(status == STATUS_OK);
    figure_print("clone", pages, "clone", &clones);
    figure_print("clone", pages, "copy", &copies);
    figure_print("clone", pages, "take", &takes);
}
