/*
 * Making translations. First a look at the range that changes nothing: is anything there, how many
 * tables are missing? Then the effect, which can't fail.
 */
#include "paging/paging.h"

#include "cpu/features.h"
#include "paging/check.h"
#include "paging/tables.h"
#include "pmm/pmm.h"

/* Whether every kernel-half PML4 slot of the range is in use. */
static bool slots_in_use(paddr_t root, vaddr_t va, uint64_t length) {
    const uint64_t *pml4 = direct_map(root);
    unsigned last = level_index(va + (length - 1), PAGING_LEVELS);
    for (unsigned slot = level_index(va, PAGING_LEVELS); slot <= last; slot++) {
        if (!entry_is_present(pml4[slot])) {
            return false;
        }
    }
    return true;
}

static inline int check_map(paddr_t root, vaddr_t va, paddr_t pa, uint64_t length, unsigned level,
                            uint32_t flags) {
    if (!flags_are_valid(flags) || length == 0) {
        return STATUS_INVALID;
    }
    if (level == 3 && !cpu_features.gib_pages) {
        return STATUS_UNSUPPORTED;
    }
    if (!is_aligned(va | pa | length, level_size(level))) {
        return STATUS_MISALIGNED;
    }
    if (!range_is_canonical(va, length)) {
        return STATUS_NON_CANONICAL;
    }
    if (!range_is_addressable(pa, length)) {
        return STATUS_OUT_OF_RANGE;
    }
    if (is_kernel_half(va) && (flags & PAGE_USER || !slots_in_use(root, va, length))) {
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

/* Whether `count` entries are all free to be mapped. */
static inline bool run_is_absent(const uint64_t *entry, uint64_t count) {
    for (const uint64_t *end = entry + count; entry < end; entry++) {
        if (entry_is_present(*entry)) {
            return false;
        }
    }
    return true;
}

/* Write `count` leaves for physically contiguous pages, the first of which is `leaf`. */
static inline void run_write(uint64_t *entry, uint64_t count, uint64_t leaf, unsigned level) {
    for (const uint64_t *end = entry + count; entry < end; entry++) {
        *entry = leaf;
        leaf += level_size(level);
    }
}

/* How many tables a range lacks; or, in the status, that some page of it is mapped. */
static inline int survey(paddr_t root, vaddr_t va, uint64_t length, unsigned level,
                         uint64_t *missing) {
    for (*missing = 0; length;) {
        struct walk at = walk(root, va, level);
        uint64_t step = bytes_in_entry(va, length, at.level);
        uint64_t entries = 1;
        if (at.level == level) {
            step = bytes_in_table(va, length, level);
            entries = step >> level_shift(level);
        } else {
            *missing += tables_below(va, step, at.level, level);
        }
        if (!run_is_absent(at.entry, entries)) {
            return STATUS_MAPPED;
        }
        va += step;
        length -= step;
    }
    return STATUS_OK;
}

/* A range of any shape. Kept apart, for it needs many more registers than the usual case. */
__attribute__((noinline)) static int map_range(paddr_t root, vaddr_t va, uint64_t length,
                                               unsigned level, uint64_t leaf) {
    uint64_t missing;
    int status = survey(root, va, length, level, &missing);
    if (status < 0) {
        return status;
    }
    if (missing > pmm_free_count()) {
        return STATUS_NO_MEMORY;
    }
    for (uint64_t step; length; va += step, length -= step, leaf += step) {
        step = bytes_in_table(va, length, level);
        run_write(tables_make(root, va, level), step >> level_shift(level), leaf, level);
    }
    return STATUS_OK;
}

/* paging_map for leaves of one level; inlined, so that all that depends on it is constant. */
__attribute__((always_inline)) static inline int
map(paddr_t root, vaddr_t va, paddr_t pa, uint64_t length, unsigned level, uint32_t flags) {
    int status = check_map(root, va, pa, length, level, flags);
    if (status < 0) {
        return status;
    }
    uint64_t leaf = leaf_bits(flags, level) | pa;
    struct walk at = walk(root, va, level);
    if (at.level != level || bytes_in_table(va, length, level) != length) {
        return map_range(root, va, length, level, leaf);
    }
    /* All of it is in one table, which is there. */
    uint64_t count = length >> level_shift(level);
    if (!run_is_absent(at.entry, count)) {
        return STATUS_MAPPED;
    }
    run_write(at.entry, count, leaf, level);
    return STATUS_OK;
}

int paging_map(paddr_t root, vaddr_t va, paddr_t pa, uint64_t length, uint64_t page_size,
               uint32_t flags) {
    if (page_size == PAGE_SIZE_4K) {
        return map(root, va, pa, length, 1, flags);
    }
    if (page_size == PAGE_SIZE_2M) {
        return map(root, va, pa, length, 2, flags);
    }
    if (page_size == PAGE_SIZE_1G) {
        return map(root, va, pa, length, 3, flags);
    }
    return STATUS_INVALID;
}

uint64_t paging_tables_missing(paddr_t root, vaddr_t va, uint64_t length) {
    return tables_missing(root, va, length, 1);
}

/* Whether there are surely frames for `pages` and their tables. Counting, if memory is short. */
static bool enough_memory(paddr_t root, vaddr_t va, uint64_t length) {
    uint64_t pages = length / PAGE_SIZE_4K;
    uint64_t free = pmm_free_count();
    if (free / 2 > pages + 3) { /* no page needs more than one table of its own, but for 6 */
        return true;
    }
    uint64_t present = paging_pages_present(root, va, length);
    return pages - present + paging_tables_missing(root, va, length) <= free;
}

/* Give the page that a walk came to, and that is not mapped, a zeroed frame. There are enough. */
static inline void fill_page(paddr_t root, vaddr_t va, struct walk at, uint64_t leaf) {
    uint64_t filled = leaf | frame_take();
    uint64_t *entry = at.level == 1 ? at.entry : tables_make(root, va, 1);
    *entry = filled;
}

int paging_fill_page(paddr_t root, vaddr_t va, uint32_t flags) {
    struct walk at = walk(root, va, 1);
    if (at.level == 1 && entry_is_present(*at.entry)) {
        return STATUS_OK;
    }
    if (pmm_free_count() < at.level) { /* the frame, and a table for each level below */
        return STATUS_NO_MEMORY;
    }
    fill_page(root, va, at, leaf_bits(flags, 1));
    return STATUS_OK;
}

int paging_fill(paddr_t root, vaddr_t va, uint64_t length, uint32_t flags) {
    if (!enough_memory(root, va, length)) {
        return STATUS_NO_MEMORY;
    }
    uint64_t leaf = leaf_bits(flags, 1);
    while (length) {
        struct walk at = walk(root, va, 1);
        for (uint64_t left = bytes_in_table(va, length, 1); left; left -= PAGE_SIZE_4K) {
            if (at.level > 1) {
                fill_page(root, va, at, leaf);
                at = walk(root, va, 1);
            } else if (!entry_is_present(*at.entry)) {
                fill_page(root, va, at, leaf);
            }
            at.entry++;
            va += PAGE_SIZE_4K;
            length -= PAGE_SIZE_4K;
        }
    }
    return STATUS_OK;
}
