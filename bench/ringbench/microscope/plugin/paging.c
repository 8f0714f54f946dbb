/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "paging.h"

#include "plugin.h"

uint64_t entry_read(uint64_t table, unsigned int index) {
    uint64_t entry = 0;
    return ram_read(table + 8 * index, &entry, sizeof(entry)) ? entry : 0;
}

struct translation walk_from(uint64_t table, unsigned int level, uint64_t address,
                             unsigned int rights) {
    for (; level >= 1; level--) {
        uint64_t entry = entry_read(table, level_index(address, level));
        if (!entry_leads(entry)) {
            break;
        }
        rights &= entry_rights(entry);
        uint64_t frame = entry_frame(entry, level);
        if (entry_is_leaf(entry, level)) {
            uint64_t inside = (1ull << level_shift(level)) - 1;
            return (struct translation){true, rights, frame + (address & inside & -(uint64_t)PAGE)};
        }
        table = frame;
    }
    return (struct translation){0};
}
