/* Translations made, removed, looked up, and made by page faults. */
#include "cpu/panic.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"
#include "vmm/vmm.h"

#define BASE      GIB(1)
#define PAGES_ALL 16384 /* of all calls of one benchmark together */

extern const char perf_touch[];

static paddr_t make_root(void) {
    paddr_t root;
    int status = paging_root_create(&root);
    ASSERT(status == STATUS_OK);
    return root;
}

static void drop_root(paddr_t root) {
    int status = paging_root_destroy(root);
    ASSERT(status == STATUS_OK);
}

/* Map the pages of a range to the frames of the same numbers, or unmap them, `pages` at a call. */
static void map_all(struct figure *figure, paddr_t root, uint64_t pages) {
    uint64_t length = pages * PAGE_SIZE_4K;
    for (uint64_t at = 0; at < PAGES_ALL * PAGE_SIZE_4K; at += length) {
        int status = (int)figure_add(
            figure, MEASURE(paging_map, root, BASE + at, at, length, PAGE_SIZE_4K, PAGE_WRITE),
            pages);
        ASSERT(status == STATUS_OK);
    }
}

static void unmap_all(struct figure *figure, paddr_t root, uint64_t pages) {
    uint64_t length = pages * PAGE_SIZE_4K;
    for (uint64_t at = 0; at < PAGES_ALL * PAGE_SIZE_4K; at += length) {
        int status = (int)figure_add(figure, MEASURE(paging_unmap, root, BASE + at, length), pages);
        ASSERT(status == STATUS_OK);
    }
}

/*
 * `pages` at a call, as large a range as there is room for when it is PAGES_ALL. With one page at a
 * call, the tables are there before and after: the question is what the entry costs. Otherwise they
 * are made and freed on the way.
 */
void perf_map(uint64_t pages) {
    struct figure maps = {0}, unmaps = {0};
    paddr_t root = make_root();
    if (pages == 1) {
        struct figure unused = {0};
        map_all(&unused, root, PAGES_ALL);
        for (uint64_t i = 0; i < PAGES_ALL; i++) {
            vaddr_t va = BASE + i * PAGE_SIZE_4K;
            int status = (int)figure_add(&unmaps, MEASURE(paging_unmap, root, va, PAGE_SIZE_4K), 1);
            ASSERT(status == STATUS_OK);
            status = (int)figure_add(
                &maps,
                MEASURE(paging_map, root, va, i * PAGE_SIZE_4K, PAGE_SIZE_4K, PAGE_SIZE_4K, 0), 1);
            ASSERT(status == STATUS_OK);
        }
    } else {
        map_all(&maps, root, pages);
        unmap_all(&unmaps, root, pages);
    }
    drop_root(root);
    figure_print("map", pages, "map", &maps);
    figure_print("map", pages, "unmap", &unmaps);
}

void perf_query(uint64_t pages) {
    struct figure figure = {0}, unused = {0};
    struct random random = RANDOM_SEED;
    paddr_t root = make_root();
    map_all(&unused, root, pages);
    for (uint64_t i = 0; i < pages; i++) {
        struct mapping mapping;
        vaddr_t va = BASE + random_below(&random, pages * PAGE_SIZE_4K);
        int status =
            (int)figure_add(&figure, MEASURE(paging_query, root, va, (uint64_t)&mapping), 1);
        ASSERT(status == STATUS_OK && mapping.virtual == align_down(va, PAGE_SIZE_4K));
    }
    drop_root(root);
    figure_print("query", pages, "query", &figure);
}

/*
 * Touch every page of a region on demand. An instruction that faults counts when it is tried again,
 * so what a page that is there costs is what to take off. The first page of each table has its
 * table made on the way, and is counted apart.
 */
void perf_fault(uint64_t pages) {
    struct figure faults = {0}, with_table = {0};
    vaddr_t base;
    struct vm_backing backing = {.kind = VM_DEMAND};
    int status = vm_alloc(&kernel_space, pages * PAGE_SIZE_4K, PAGE_WRITE, backing, &base);
    ASSERT(status == STATUS_OK);
    for (uint64_t i = 0; i < pages; i++) {
        vaddr_t va = base + i * PAGE_SIZE_4K;
        struct measured first = MEASURE(perf_touch, va);
        first.ticks -= MEASURE(perf_touch, va).ticks;
        bool new_table = i == 0 || is_aligned(va, PAGE_SIZE_2M);
        figure_add(new_table ? &with_table : &faults, first, 1);
    }
    status = vm_free(&kernel_space, base);
    ASSERT(status == STATUS_OK);
    figure_print("fault", pages, "fault", &faults);
    figure_print("fault", pages, "fault_with_table", &with_table);
}
