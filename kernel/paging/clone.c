/* The lower half of one root made from that of another. */
#include "paging/paging.h"

#include "paging/tables.h"
#include "pmm/pmm.h"

/* The tables below the first `count` entries of a table of `level`. */
static uint64_t tables_of(const uint64_t *table, unsigned count, unsigned level) {
    uint64_t tables = 0;
    for (unsigned i = 0; i < count; i++) {
        if (entry_is_table(table[i])) {
            tables +=
                1 + (level > 2 ? tables_of(entry_table(table[i]), TABLE_ENTRIES, level - 1) : 0);
        }
    }
    return tables;
}

static void copy_table(uint64_t *to, const uint64_t *from, unsigned count, unsigned level) {
    for (unsigned i = 0; i < count; i++) {
        to[i] = from[i];
        if (level > 1 && entry_is_table(from[i])) {
            to[i] = frame_take() | (from[i] & ~PTE_ADDRESS);
            copy_table(entry_table(to[i]), entry_table(from[i]), TABLE_ENTRIES, level - 1);
        }
    }
}

uint64_t paging_tables_of(paddr_t root) {
    return tables_of(direct_map(root), KERNEL_SLOT, PAGING_LEVELS);
}

void paging_clone(paddr_t to, paddr_t from) {
    copy_table(direct_map(to), direct_map(from), KERNEL_SLOT, PAGING_LEVELS);
}
