/* Entries need not be aligned: every field is copied. */
#include "memmap/multiboot_map.h"

#include "base/string.h"
#include "boot/multiboot.h"

static int claim(struct memory_map *map, uint64_t base, uint64_t length, uint32_t type) {
    enum memory_kind kind = type == MULTIBOOT_MEMORY_AVAILABLE ? MEMORY_AVAILABLE : MEMORY_RESERVED;
    return memory_map_claim(map, base, length, kind);
}

int memory_map_multiboot1(struct memory_map *map, const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        struct mb1_memory_entry entry;
        if (length < sizeof(entry)) {
            return STATUS_INVALID;
        }
        memcpy(&entry, at, sizeof(entry));
        if (entry.size < sizeof(entry) - sizeof(entry.size) ||
            entry.size > length - sizeof(entry.size)) {
            return STATUS_INVALID;
        }
        uint64_t base = (uint64_t)entry.base_high << 32 | entry.base_low;
        int status =
            claim(map, base, (uint64_t)entry.length_high << 32 | entry.length_low, entry.type);
        if (status < 0) {
            return status;
        }
        at += sizeof(entry.size) + entry.size;
        length -= sizeof(entry.size) + entry.size;
    }
    return STATUS_OK;
}

int memory_map_multiboot2(struct memory_map *map, const void *bytes, size_t length,
                          uint32_t entry_size) {
    struct mb2_memory_entry entry;
    if (entry_size < sizeof(entry) || entry_size % MB2_TAG_ALIGN != 0 || length % entry_size != 0) {
        return STATUS_INVALID;
    }
    const char *at = bytes;
    for (; length > 0; at += entry_size, length -= entry_size) {
        memcpy(&entry, at, sizeof(entry));
        int status = claim(map, entry.base, entry.length, entry.type);
        if (status < 0) {
            return status;
        }
    }
    return STATUS_OK;
}
