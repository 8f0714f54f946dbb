/* Tables coming and going. */
#pragma once

#include "paging/walk.h"

/* How many tables it takes until every page of the range has an entry of `level`. */
uint64_t tables_missing(paddr_t root, vaddr_t va, uint64_t length, unsigned level);

/* The entry of `level` for va; tables that are missing on the way are taken, top level first. The
 * caller has made sure that there are enough frames. */
uint64_t *tables_make(paddr_t root, vaddr_t va, unsigned level);

/* After entries of a table of `level` were cleared, va's one of them: free that table if it is
 * empty, then the one above if that has become empty, and so on. */
void tables_collect(paddr_t root, vaddr_t va, const uint64_t *cleared, unsigned level);

/* Entries that are looked at together. One that is not present is 0. */
#define ENTRY_GROUP 8

static inline bool group_is_zero(const uint64_t *e) {
    return !(e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]);
}

/* How many tables between levels `from` (the entry that is not present) and `to` a range needs. */
static inline uint64_t tables_below(vaddr_t va, uint64_t length, unsigned from, unsigned to) {
    uint64_t tables = 0;
    for (unsigned level = to; level < from; level++) {
        unsigned shift = level_shift(level + 1);
        tables += ((va + (length - 1)) >> shift) - (va >> shift) + 1;
    }
    return tables;
}
