/*
 * Making translations. First a look at the range that changes nothing: is anything there, how many
 * tables are missing? Then the effect, which can't fail.
 */
#include "paging/paging.h"

#include "cpu/features.h"
#include "cpu/panic.h"
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
    uint64_t limit = 1ULL << cpu_features.physical_bits;
    if (pa >= limit || length > limit - pa) {
        return STATUS_OUT_OF_RANGE;
    }
    if (va >= KERNEL_HALF && (flags & PAGE_USER || !slots_in_use(root, va, length))) {
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

struct survey {
    bool mapped;      /* some page is mapped already; then the rest was not looked at */
    uint64_t missing; /* tables */
    uint64_t *entry;  /* the first page's entry, NULL if its table is missing */
};

static inline struct survey survey(paddr_t root, vaddr_t va, uint64_t length, unsigned level) {
    struct survey found = {0};
    for (bool first = true; length; first = false) {
        struct walk at = walk(root, va, level);
        const uint64_t *entry = at.entry;
        uint64_t step = bytes_in_entry(va, length, at.level);
        uint64_t entries = 1;
        if (at.level == level) {
            step = bytes_in_table(va, length, level);
            entries = step >> level_shift(level);
            found.entry = first ? at.entry : found.entry;
        } else {
            found.missing += tables_below(va, step, at.level, level);
        }
        for (const uint64_t *end = entry + entries; entry < end; entry++) {
            if (entry_is_present(*entry)) {
                found.mapped = true;
                return found;
            }
        }
        va += step;
        length -= step;
    }
    return found;
}

/* paging_map for leaves of one level; inlined, so that all that depends on it is constant. */
__attribute__((always_inline)) static inline int
map(paddr_t root, vaddr_t va, paddr_t pa, uint64_t length, unsigned level, uint32_t flags) {
    int status = check_map(root, va, pa, length, level, flags);
    if (status < 0) {
        return status;
    }
    struct survey found = survey(root, va, length, level);
    if (found.mapped) {
        return STATUS_MAPPED;
    }
    if (found.missing > pmm_free_count()) {
        return STATUS_NO_MEMORY;
    }

    uint64_t leaf = leaf_bits(flags, level) | pa;
    for (uint64_t *entry = found.entry;; entry = NULL) {
        if (!entry) {
            entry = tables_make(root, va, level);
        }
        uint64_t step = bytes_in_table(va, length, level);
        for (const uint64_t *end = entry + (step >> level_shift(level)); entry < end; entry++) {
            *entry = leaf;
            leaf += level_size(level);
        }
        if (step == length) {
            return STATUS_OK;
        }
        va += step;
        length -= step;
    }
}

int paging_map(paddr_t root, vaddr_t va, paddr_t pa, uint64_t length, uint64_t page_size,
               uint32_t flags) {
    switch (page_size) {
    case PAGE_SIZE_4K:
        return map(root, va, pa, length, 1, flags);
    case PAGE_SIZE_2M:
        return map(root, va, pa, length, 2, flags);
    case PAGE_SIZE_1G:
        return map(root, va, pa, length, 3, flags);
    default:
        return STATUS_INVALID;
    }
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

int paging_fill(paddr_t root, vaddr_t va, uint64_t length, uint32_t flags) {
    if (!enough_memory(root, va, length)) {
        return STATUS_NO_MEMORY;
    }
    uint64_t leaf = leaf_bits(flags, 1);
    while (length) {
        struct walk at = walk(root, va, 1);
        uint64_t *entry = at.level == 1 ? at.entry : NULL;
        uint64_t step = bytes_in_table(va, length, 1);
        for (uint64_t left = step; left; left -= PAGE_SIZE_4K, va += PAGE_SIZE_4K) {
            if (!entry || !entry_is_present(*entry)) {
                paddr_t frame;
                int status = pmm_alloc(&frame);
                ASSERT(status == STATUS_OK);
                frame_zero(frame);
                entry = entry ? entry : tables_make(root, va, 1);
                *entry = leaf | frame;
            }
            entry++;
        }
        length -= step;
    }
    return STATUS_OK;
}
