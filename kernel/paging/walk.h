/* The one walk: from a root down to the entry that decides about an address. */
#pragma once

#include "paging/entry.h"

struct walk {
    uint64_t *entry; /* the deciding one */
    unsigned level;  /* of its table */
};

/* Descend to level `lowest`, or until an entry is not present or a leaf. */
__attribute__((always_inline)) static inline struct walk walk(paddr_t root, vaddr_t va,
                                                              unsigned lowest) {
    uint64_t *table = direct_map(root);
#pragma GCC unroll 4
    for (unsigned level = PAGING_LEVELS; level > lowest; level--) {
        uint64_t *entry = &table[level_index(va, level)];
        if (!entry_is_table(*entry)) {
            return (struct walk){entry, level};
        }
        table = entry_table(*entry);
    }
    return (struct walk){&table[level_index(va, lowest)], lowest};
}

/* How much of [va, va + length) lies in the entry of `level` that spans va. */
static inline uint64_t bytes_in_entry(vaddr_t va, uint64_t length, unsigned level) {
    return min_u64(length, level_size(level) - (va & (level_size(level) - 1)));
}

/* How much of it lies in the table of `level` that va is in. */
static inline uint64_t bytes_in_table(vaddr_t va, uint64_t length, unsigned level) {
    return bytes_in_entry(va, length, level + 1);
}
