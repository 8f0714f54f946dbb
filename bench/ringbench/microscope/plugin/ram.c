/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where an access went in physical memory, and what guest RAM holds, by the file that it is.
 */
#include "ram.h"

#include "plugin.h"

#include <stdio.h>
#include <string.h>

static const char *ram_name; /* of that file */

void ram_named(const char *name) {
    ram_name = name;
}

uint64_t access_physical(const struct access *access) {
    struct qemu_plugin_hwaddr *found = qemu_plugin_get_hwaddr(access->info, access->address);
    if (!found || qemu_plugin_hwaddr_is_io(found)) {
        return NOWHERE;
    }
    uint64_t physical = qemu_plugin_hwaddr_phys_addr(found);
#if INTERFACE == 1 /* which says where in RAM it is, and not at which address that RAM is */
    for (uint64_t i = 0; i < shared->ram_count; i++) {
        const struct ram_range *range = &shared->ram[i];
        if (physical - range->offset < range->length) {
            return range->base + (physical - range->offset);
        }
    }
#endif
    return physical;
}

static uint64_t offset_of(uint64_t physical) {
    for (uint64_t i = 0; i < shared->ram_count; i++) {
        const struct ram_range *range = &shared->ram[i];
        if (physical - range->base < range->length) {
            return range->offset + (physical - range->base);
        }
    }
    return NOWHERE;
}

bool ram_has(uint64_t physical) {
    return offset_of(physical) != NOWHERE;
}

/* Where QEMU has mapped the file that is guest RAM, which it does after it has loaded plugins. */
static const uint8_t *find(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];
    const uint8_t *found = NULL;
    while (maps && !found && fgets(line, sizeof(line), maps)) {
        unsigned long begin, offset;
        if (strstr(line, ram_name) && sscanf(line, "%lx-%*x %*s %lx", &begin, &offset) == 2) {
            found = offset == 0 ? (const uint8_t *)begin : NULL;
        }
    }
    if (maps) {
        fclose(maps);
    }
    return found;
}

bool ram_read(uint64_t physical, void *to, uint64_t size) {
    static const uint8_t *ram;
    uint64_t offset = physical == NOWHERE ? NOWHERE : offset_of(physical);
    if (!ram) {
        ram = find();
    }
    if (!ram || offset == NOWHERE) {
        return false;
    }
    memcpy(to, ram + offset, size);
    return true;
}
