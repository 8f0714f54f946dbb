/* Guards that several operations share, of this layer and of the one above. */
#pragma once

#include "cpu/features.h"
#include "paging/entry.h"

/* Nothing is both writable and executable. */
static inline bool flags_obey_w_xor_x(uint32_t flags) {
    return (flags & (PAGE_WRITE | PAGE_EXEC)) != (PAGE_WRITE | PAGE_EXEC);
}

/* The cache mode is the highest field, and write-combining its highest value: what is greater has
 * an unknown mode or an unknown flag. */
static inline bool flags_are_valid(uint32_t flags) {
    return flags <= (PAGE_CACHE_WC | (PAGE_CACHE_WT - 1)) && flags_obey_w_xor_x(flags);
}

#define SIGN_BITS (~0ULL << (VIRTUAL_BITS - 1)) /* equal in a canonical address */

/* Whether the range, which is not empty, lies wholly in one canonical half. Ending at 2^64 is fine.
 */
static inline bool range_is_canonical(vaddr_t va, uint64_t length) {
    uint64_t sign = va & SIGN_BITS;
    return (sign == 0 || sign == SIGN_BITS) && length - 1 <= (~va & ~SIGN_BITS);
}

/* Whether the CPU has all of a physical range, which is not empty. */
static inline bool range_is_addressable(paddr_t pa, uint64_t length) {
    paddr_t last = pa + (length - 1);
    return last >= pa && !(last >> cpu_features.physical_bits);
}

/* Of a canonical address. */
static inline bool is_kernel_half(vaddr_t va) {
    return (int64_t)va < 0;
}
