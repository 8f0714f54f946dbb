/* The kernel root, built while still running on the boot-time tables. */
#include "paging/paging.h"

#include "base/layout.h"
#include "boot/image.h"
#include "cpu/features.h"
#include "cpu/instructions.h"
#include "cpu/panic.h"
#include "paging/root.h"
#include "paging/tables.h"

/* PAT: entry 4, which repeats entry 0 after reset, becomes write-combining (SDM 3A 11.12.4). */
#define PAT_VALUE                                                               \
    (PAT_FIELD(0, PAT_WB) | PAT_FIELD(1, PAT_WT) | PAT_FIELD(2, PAT_UC_MINUS) | \
     PAT_FIELD(3, PAT_UC) | PAT_FIELD(4, PAT_WC) | PAT_FIELD(5, PAT_WT) |       \
     PAT_FIELD(6, PAT_UC_MINUS) | PAT_FIELD(7, PAT_UC))

static void map(vaddr_t va, paddr_t pa, uint64_t length, unsigned level, uint32_t flags) {
    paddr_t root = paging_kernel_root();
    root_require_frames(tables_missing(root, va, length, level));
    int status = paging_map(root, va, pa, length, level_size(level), flags | PAGE_GLOBAL);
    if (status < 0) {
        panic("paging: the kernel's own mappings fail with status %d", status);
    }
}

static void map_segment(const char *start, const char *end, uint32_t flags) {
    vaddr_t va = (vaddr_t)start;
    map(va, va - IMAGE_BASE, (vaddr_t)end - va, 1, flags);
}

/* In the order of their addresses. The page below the stack stays unmapped: its guard. */
static void map_image(void) {
    map_segment(image_stack_bottom, image_stack_top, PAGE_WRITE);
    map_segment(image_text_start, image_text_end, PAGE_EXEC);
    map_segment(image_rodata_start, image_rodata_end, 0);
    map_segment(image_data_start, image_data_end, PAGE_WRITE);
}

/* The level of the largest page that is aligned at `at` and fits before `end`. */
static unsigned best_level(paddr_t at, paddr_t end) {
    unsigned level = cpu_features.gib_pages ? 3 : 2;
    while (!is_aligned(at, level_size(level)) || end - at < level_size(level)) {
        level--;
    }
    return level;
}

static void map_direct(paddr_t base, paddr_t end) {
    while (base < end) {
        unsigned level = best_level(base, end);
        paddr_t stop = base;
        while (stop < end && best_level(stop, end) == level) {
            stop += level_size(level);
        }
        map(DIRECT_MAP_BASE + base, base, stop - base, level, PAGE_WRITE);
        base = stop;
    }
}

static void map_memory(const struct memory_map *map) {
    paddr_t base = 0, end = 0;
    for (uint64_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        if (range->kind == MEMORY_RESERVED || range->base >= DIRECT_MAP_SIZE) {
            continue;
        }
        if (range->base != end) {
            map_direct(base, end);
            base = range->base;
        }
        end = min_u64(range->base + range->length, DIRECT_MAP_SIZE);
    }
    map_direct(base, end);
}

void paging_init(const struct boot_info *info) {
    write_msr(MSR_PAT, PAT_VALUE);
    root_init_kernel();
    map_image();
    map_memory(&info->map);
    paging_activate(paging_kernel_root());
}
