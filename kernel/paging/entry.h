/*
 * Page-table entries: the x86 bits (base/x86.h) on one side, the caller's intent on the other.
 *
 * Levels are numbered as in the manual: 4 the PML4, 3 a PDPT, 2 a PD, 1 a PT (SDM 3A 4.5).
 */
#pragma once

#include "base/direct_map.h"
#include "base/x86.h"
#include "paging/paging.h"

#define KERNEL_SLOT (TABLE_ENTRIES / 2) /* PML4 entries from here on are the kernel half's */

static inline unsigned level_shift(unsigned level) {
    return PAGE_OFFSET_BITS + TABLE_INDEX_BITS * (level - 1);
}

/* Bytes that one entry of the level spans. */
static inline uint64_t level_size(unsigned level) {
    return 1ULL << level_shift(level);
}

static inline unsigned level_index(vaddr_t va, unsigned level) {
    return va >> level_shift(level) & (TABLE_ENTRIES - 1);
}

/*
 * Whether an entry, of any level but 1, points to a table. It is 0 if it is not present, and bit 7,
 * the sign of its lowest byte, is PS if it is a leaf: one look tells all three apart.
 */
static inline bool entry_is_table(uint64_t entry) {
    return (int8_t)entry > 0;
}
_Static_assert(PTE_PS == 0x80, "the sign of a byte");

static inline bool entry_is_present(uint64_t entry) {
    return entry & PTE_P;
}

/* Whether a present entry is a leaf. */
static inline bool entry_is_leaf(uint64_t entry, unsigned level) {
    return level == 1 || (entry & PTE_PS && level < 4);
}

static inline uint64_t *entry_table(uint64_t entry) {
    return direct_map(entry & PTE_ADDRESS);
}

/* Where a leaf's page begins. In large leaves PTE_PAT_LARGE is the lowest bit of the address. */
static inline paddr_t leaf_physical(uint64_t entry, unsigned level) {
    return entry & PTE_ADDRESS & ~(level_size(level) - 1);
}

/* The bits `from` of a value, moved as they are to where `to` has them; both are constants. */
static inline uint64_t move_bits(uint64_t value, uint64_t from, uint64_t to) {
    return from < to ? (value & from) * (to / from) : (value & from) / (from / to);
}

/* The cache mode's three bits: in the flags they are neighbours, in an entry the highest is apart.
 */
#define PAGE_CACHE_LOW  (PAGE_CACHE_MASK & ~PAGE_CACHE_WC) /* PWT and PCD */
#define PAGE_CACHE_HIGH PAGE_CACHE_WC                      /* PAT */

/*
 * A leaf's bits for `flags`, address left out. The cache mode is the PAT entry's number
 * (paging_init programs the table), its bits scattered over the entry (SDM 3A 4.9.2). In a large
 * leaf PAT is where it is out of step with the other bits.
 */
static inline uint64_t leaf_bits(uint32_t flags, unsigned level) {
    uint64_t bits = PTE_P | move_bits(flags, PAGE_CACHE_LOW, PTE_PWT | PTE_PCD) |
                    move_bits(~flags, PAGE_EXEC, PTE_NX) | move_bits(flags, PAGE_GLOBAL, PTE_G);
    if (level == 1) {
        return bits |
               move_bits(flags, PAGE_WRITE | PAGE_USER | PAGE_CACHE_HIGH, PTE_W | PTE_U | PTE_PAT);
    }
    return bits | PTE_PS | move_bits(flags, PAGE_WRITE | PAGE_USER, PTE_W | PTE_U) |
           move_bits(flags, PAGE_CACHE_HIGH, PTE_PAT_LARGE);
}

/* The parts have no bit in common; their sum is their union, and what it costs less to compute. */
static inline uint32_t leaf_flags(uint64_t entry, unsigned level) {
    uint64_t flags = move_bits(entry, PTE_PWT | PTE_PCD, PAGE_CACHE_LOW) + PAGE_EXEC;
    if (level == 1) {
        flags +=
            move_bits(entry, PTE_W | PTE_U | PTE_PAT, PAGE_WRITE | PAGE_USER | PAGE_CACHE_HIGH);
    } else {
        flags += move_bits(entry, PTE_W | PTE_U, PAGE_WRITE | PAGE_USER) +
                 move_bits(entry, PTE_PAT_LARGE, PAGE_CACHE_HIGH);
    }
    flags += move_bits(entry, PTE_G, PAGE_GLOBAL);
    return (uint32_t)(flags - move_bits(entry, PTE_NX, PAGE_EXEC));
}
