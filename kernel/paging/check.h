/* Guards that several operations share. */
#pragma once

#include "paging/entry.h"

static inline bool flags_are_valid(uint32_t flags) {
    return !(flags & ~(uint32_t)PAGE_FLAGS_ALL) &&
           (flags & (PAGE_WRITE | PAGE_EXEC)) != (PAGE_WRITE | PAGE_EXEC) &&
           (flags & PAGE_CACHE_MASK) <= PAGE_CACHE_WC;
}

/* Whether the range, which is not empty, lies wholly in one canonical half. Ending at 2^64 is fine.
 */
static inline bool range_is_canonical(vaddr_t va, uint64_t length) {
    vaddr_t last = va + (length - 1);
    int64_t half = (int64_t)va >> (VIRTUAL_BITS - 1);
    return last >= va && (half == 0 || half == -1) && (int64_t)last >> (VIRTUAL_BITS - 1) == half;
}
