/* Guards that several operations share. */
#pragma once

#include "paging/entry.h"

/* The cache mode is the highest field, and write-combining its highest value: what is greater has
 * an unknown mode or an unknown flag. */
static inline bool flags_are_valid(uint32_t flags) {
    return flags <= (PAGE_CACHE_WC | (PAGE_CACHE_WT - 1)) &&
           (flags & (PAGE_WRITE | PAGE_EXEC)) != (PAGE_WRITE | PAGE_EXEC);
}

/* Whether the range, which is not empty, lies wholly in one canonical half. Ending at 2^64 is fine.
 */
static inline bool range_is_canonical(vaddr_t va, uint64_t length) {
    uint64_t half = ((uint64_t)1 << (VIRTUAL_BITS - 1)) - 1;
    uint64_t sign = (uint64_t)((int64_t)va >> (VIRTUAL_BITS - 1)); /* all zeros or all ones */
    return sign + 1 <= 1 && length - 1 <= (~va & half);
}

/* Of a canonical address. */
static inline bool is_kernel_half(vaddr_t va) {
    return (int64_t)va < 0;
}
