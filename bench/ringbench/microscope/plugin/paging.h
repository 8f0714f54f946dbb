/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Entries of 4- and 5-level page tables, and the walk through those in guest RAM (Intel SDM volume
 * 3A, 4.5). Levels are counted from below: 1 is a page table, whose entries are leaves of 4 KiB.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ENTRIES       512
#define ENTRY_PRESENT (1ull << 0)
#define ENTRY_WRITE   (1ull << 1)
#define ENTRY_USER    (1ull << 2)
#define ENTRY_LARGE   (1ull << 7)
#define ENTRY_GLOBAL  (1ull << 8)
#define ENTRY_NO_EXEC (1ull << 63)
#define ENTRY_FRAME   0x000ffffffffff000ull

/* Address bits that QEMU's emulation has not (TCG_PHYS_ADDR_BITS): reserved, and set in what is no
   entry at all. */
#define ENTRY_RESERVED 0x000fff0000000000ull

/* What a translation allows, apart from reading. */
enum right {
    RIGHT_WRITE = 1,
    RIGHT_USER = 2,
    RIGHT_EXECUTE = 4,
    RIGHT_ALL = 7
};

/* Where a walk ends: `page` is the physical address of the 4 KiB that the address lies in. */
struct translation {
    bool is_present;
    unsigned int rights;
    uint64_t page;
};

/* Address bits below what an entry of a level decides: 12 for the lowest. */
static inline unsigned int level_shift(unsigned int level) {
    return 3 + 9 * level;
}

static inline unsigned int level_index(uint64_t address, unsigned int level) {
    return address >> level_shift(level) & (ENTRIES - 1);
}

static inline bool entry_is_leaf(uint64_t entry, unsigned int level) {
    return level == 1 || (level <= 3 && entry & ENTRY_LARGE);
}

/* Whether an entry leads anywhere: a processor keeps nothing of one with a reserved bit (4.7). */
static inline bool entry_leads(uint64_t entry) {
    return (entry & (ENTRY_PRESENT | ENTRY_RESERVED)) == ENTRY_PRESENT;
}

/* The frame that a leaf maps, or of the table that an entry leads to. */
static inline uint64_t entry_frame(uint64_t entry, unsigned int level) {
    uint64_t frame = entry & ENTRY_FRAME;
    return entry_is_leaf(entry, level) ? frame >> level_shift(level) << level_shift(level) : frame;
}

static inline unsigned int entry_rights(uint64_t entry) {
    return (entry & ENTRY_WRITE ? RIGHT_WRITE : 0) | (entry & ENTRY_USER ? RIGHT_USER : 0) |
           (entry & ENTRY_NO_EXEC ? 0 : RIGHT_EXECUTE);
}

/* The address that the entries of 4- or 5-level tables stand for, with its upper bits. */
static inline uint64_t canonical(uint64_t address, unsigned int levels) {
    unsigned int unused = 64 - level_shift(levels + 1);
    return (uint64_t)((int64_t)(address << unused) >> unused);
}

/* An entry of a table, as it is in RAM now; 0 where there is no RAM. */
uint64_t entry_read(uint64_t table, unsigned int index);

/* Go on from a table of some level, with the rights that the entries above have left. */
struct translation walk_from(uint64_t table, unsigned int level, uint64_t address,
                             unsigned int rights);
