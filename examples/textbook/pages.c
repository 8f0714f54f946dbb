/*
 * Page tables of four levels, reached by the direct map.
 *
 * An entry that leads to a table allows everything: the page's own entry says what is allowed.
 * Tables are made where they are needed and go with the last page below them. The large pages that
 * boot.S made are left as they are.
 */
#include "kernel.h"

#define ADDRESS 0x000ffffffffff000ull
#define ENTRIES 512

uint64_t kernel_root(void) {
    extern char boot_pml4[];
    return (uint64_t)boot_pml4;
}

static bool canonical(uint64_t virtual) {
    uint64_t upper = virtual >> 47;
    return upper == 0 || upper == 0x1ffff;
}

static uint64_t *entry_at(uint64_t table, uint64_t virtual, int level) {
    size_t index = virtual >> (12 + 9 * (level - 1)) & (ENTRIES - 1);
    return (uint64_t *)at_physical(table) + index;
}

/* What the processor may have kept of an address. */
static void flush(uint64_t virtual) {
    asm volatile("invlpg (%0)" : : "r"(virtual) : "memory");
}

/*
 * The entry of the last level for `virtual`. NULL if a table is missing and, with `make`, none can
 * be made (some of those above may have been), or if a large page is there.
 */
static uint64_t *find_entry(uint64_t root, uint64_t virtual, bool make) {
    uint64_t table = root;
    for (int level = 4; level > 1; level--) {
        uint64_t *entry = entry_at(table, virtual, level);
        if (!(*entry & PAGE_PRESENT)) {
            uint64_t below = make ? frame_alloc() : 0;
            if (below == 0) {
                return NULL;
            }
            memset(at_physical(below), 0, PAGE_SIZE);
            *entry = below | PAGE_PRESENT | PAGE_WRITE | PAGE_USER;
        } else if (*entry & PAGE_LARGE) {
            return NULL;
        }
        table = *entry & ADDRESS;
    }
    return entry_at(table, virtual, 1);
}

static bool is_empty(uint64_t table) {
    const uint64_t *entry = at_physical(table);
    for (size_t index = 0; index < ENTRIES; index++) {
        if (entry[index] != 0) {
            return false;
        }
    }
    return true;
}

/* Give back the tables below `table` on the way to `virtual` that are empty, the lowest first. */
static void drop_empty(uint64_t table, uint64_t virtual, int level) {
    uint64_t *entry = entry_at(table, virtual, level);
    if (level == 1 || !(*entry & PAGE_PRESENT) || *entry & PAGE_LARGE) {
        return;
    }
    uint64_t below = *entry & ADDRESS;
    drop_empty(below, virtual, level - 1);
    if (is_empty(below)) {
        *entry = 0;
        flush(virtual);
        frame_free(below);
    }
}

int map_page(uint64_t root, uint64_t virtual, uint64_t physical, uint64_t flags) {
    if (virtual % PAGE_SIZE != 0 || !canonical(virtual) || (physical & ~ADDRESS) != 0 ||
        (flags & ~PAGE_RIGHTS) != 0) {
        return PAGE_BAD;
    }
    if (translate(root, virtual) != NOT_MAPPED) {
        return PAGE_MAPPED;
    }
    uint64_t *entry = find_entry(root, virtual, true);
    if (entry == NULL) {
        drop_empty(root, virtual, 4);
        return PAGE_NO_MEMORY;
    }
    *entry = physical | flags | PAGE_PRESENT;
    return PAGE_OK;
}

int unmap_page(uint64_t root, uint64_t virtual) {
    if (virtual % PAGE_SIZE != 0 || !canonical(virtual)) {
        return PAGE_BAD;
    }
    uint64_t *entry = find_entry(root, virtual, false);
    if (entry == NULL || !(*entry & PAGE_PRESENT)) {
        return PAGE_NOT_MAPPED;
    }
    *entry = 0;
    flush(virtual);
    drop_empty(root, virtual, 4);
    return PAGE_OK;
}

int protect_page(uint64_t root, uint64_t virtual, uint64_t flags) {
    if (virtual % PAGE_SIZE != 0 || !canonical(virtual) || (flags & ~PAGE_RIGHTS) != 0) {
        return PAGE_BAD;
    }
    uint64_t *entry = find_entry(root, virtual, false);
    if (entry == NULL || !(*entry & PAGE_PRESENT)) {
        return PAGE_NOT_MAPPED;
    }
    *entry = (*entry & ADDRESS) | flags | PAGE_PRESENT;
    flush(virtual);
    return PAGE_OK;
}

uint64_t translate(uint64_t root, uint64_t virtual) {
    if (!canonical(virtual)) {
        return NOT_MAPPED;
    }
    uint64_t table = root;
    for (int level = 4; level > 0; level--) {
        uint64_t entry = *entry_at(table, virtual, level);
        if (!(entry & PAGE_PRESENT)) {
            return NOT_MAPPED;
        }
        uint64_t size = PAGE_SIZE << 9 * (level - 1);
        if (level == 1 || (entry & PAGE_LARGE)) {
            return (entry & ADDRESS & ~(size - 1)) | (virtual & (size - 1));
        }
        table = entry & ADDRESS;
    }
    return NOT_MAPPED;
}
