#include "paging/tables.h"

#include "cpu/instructions.h"
#include "pmm/pmm.h"

uint64_t tables_missing(paddr_t root, vaddr_t va, uint64_t length, unsigned level) {
    uint64_t missing = 0;
    for (uint64_t step; length; va += step, length -= step) {
        struct walk at = walk(root, va, level);
        if (at.level == level) {
            step = bytes_in_table(va, length, level);
            continue;
        }
        step = bytes_in_entry(va, length, at.level);
        if (!entry_is_present(*at.entry)) {
            missing += tables_below(va, step, at.level, level);
        }
    }
    return missing;
}

static void make_table(uint64_t *entry, vaddr_t va) {
    *entry = frame_take() | PTE_P | PTE_W | (va < KERNEL_HALF ? PTE_U : 0);
}

uint64_t *tables_make(paddr_t root, vaddr_t va, unsigned level) {
    uint64_t *table = direct_map(root);
    for (unsigned at = PAGING_LEVELS; at > level; at--) {
        uint64_t *entry = &table[level_index(va, at)];
        if (!entry_is_present(*entry)) {
            make_table(entry, va);
        }
        table = entry_table(*entry);
    }
    return &table[level_index(va, level)];
}

/* Whether the table of an entry is empty. Begins there: whoever clears ascending finds a neighbour
 * that is still there at once. */
static bool table_is_empty(const uint64_t *entry) {
    const uint64_t *table = (const uint64_t *)align_down((uintptr_t)entry, PAGE_SIZE_4K);
    unsigned index = (unsigned)(entry - table);
    for (unsigned i = 0; i < TABLE_ENTRIES; i += ENTRY_GROUP) {
        unsigned group = (index + i) % TABLE_ENTRIES / ENTRY_GROUP;
        if (!group_is_zero(&table[group * ENTRY_GROUP])) {
            return false;
        }
    }
    return true;
}

void tables_collect(paddr_t root, vaddr_t va, const uint64_t *cleared, unsigned level) {
    /* The kernel half's PDPTs stay. */
    unsigned highest = va < KERNEL_HALF ? PAGING_LEVELS - 1 : PAGING_LEVELS - 2;
    while (level <= highest && table_is_empty(cleared)) {
        level++;
        uint64_t *parent = walk(root, va, level).entry;
        paddr_t table = *parent & PTE_ADDRESS;
        *parent = 0;
        invlpg(va); /* drops the paging-structure caches too (SDM 3A 4.10.4.1) */
        frame_give(table);
        cleared = parent;
    }
}
