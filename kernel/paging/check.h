/* Guards that several operations share. */
#pragma once

#include "paging/entry.h"

/* The cache mode is the highest field, and write-combining its highest value: what is greater has
 * an unknown mode or an unknown flag. */
static inline bool flags_are_valid(uint32_t flags) {
    return flags <= (PAGE_CACHE_WC | (PAGE_CACHE_WT - 1)) &&
           (flags & (PAGE_WRITE | PAGE_EXEC)) != (PAGE_WRITE | PAGE_EXEC);
}

#define SIGN_BITS (~0ULL << (VIRTUAL_BITS - 1)) /* equal in a canonical address */

/* Whether the range, which is not empty, lies wholly in one canonical half. Ending at 2^64 is fine.
 */
static inline bool range_is_canonical(vaddr_t va, uint64_t length) {
    uint64_t sign = va & SIGN_BITS;
    return (sign == 0 || sign == SIGN_BITS) && length - 1 <= (~va & ~SIGN_BITS);
}

/* Of a canonical address. */
static inline bool is_kernel_half(vaddr_t va) {
    return (int64_t)va < 0;
}
