/* Looking up what maps an address. */
#include "paging/paging.h"

#include "paging/check.h"
#include "paging/walk.h"

/* Inlined, so that all that depends on the level is constant. */
__attribute__((always_inline)) static inline int describe(uint64_t entry, vaddr_t va,
                                                          struct mapping *mapping, unsigned level) {
    if (!entry_is_present(entry)) {
        return STATUS_NOT_MAPPED;
    }
    mapping->virtual = align_down(va, level_size(level));
    mapping->physical = leaf_physical(entry, level);
    mapping->size = level_size(level);
    mapping->flags = leaf_flags(entry, level);
    return STATUS_OK;
}

/* Arguments as those of paging_query, where they then stay. */
__attribute__((noinline)) static int describe_large(uint64_t entry, vaddr_t va,
                                                    struct mapping *mapping, unsigned level) {
    return level == 2 ? describe(entry, va, mapping, 2) : describe(entry, va, mapping, 3);
}

int paging_query(paddr_t root, vaddr_t va, struct mapping *mapping) {
    if (!range_is_canonical(va, 1)) {
        return STATUS_NON_CANONICAL;
    }
    struct walk at = walk(root, va, 1);
    if (at.level == 1) {
        return describe(*at.entry, va, mapping, 1);
    }
    return describe_large(*at.entry, va, mapping, at.level);
}
