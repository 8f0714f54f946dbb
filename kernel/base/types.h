/* Basic types. Physical and virtual addresses are distinct names for 64-bit integers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t; /* physical address */
typedef uint64_t vaddr_t; /* virtual address */

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#define PAGE_SIZE_4K KIB(4)
#define PAGE_SIZE_2M MIB(2)
#define PAGE_SIZE_1G GIB(1)

#define PADDR_NONE UINT64_MAX /* no frame; 0 is a legal physical address */

/* `align` is a power of two. align_up wraps to 0 within `align` of 2^64: callers bound first. */
static inline uint64_t align_down(uint64_t value, uint64_t align) {
    return value & ~(align - 1);
}
static inline uint64_t align_up(uint64_t value, uint64_t align) {
    return (value + align - 1) & ~(align - 1);
}
static inline bool is_aligned(uint64_t value, uint64_t align) {
    return (value & (align - 1)) == 0;
}
static inline bool is_power_of_two(uint64_t value) {
    return value && !(value & (value - 1));
}
static inline uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}
static inline uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}
