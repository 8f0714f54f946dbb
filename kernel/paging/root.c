#include "paging/root.h"

#include "cpu/instructions.h"
#include "cpu/panic.h"
#include "paging/entry.h"
#include "paging/tables.h"
#include "pmm/pmm.h"

/* The kernel-half slots in use, ascending. */
static const vaddr_t windows[] = {DIRECT_MAP_BASE, HEAP_BASE, KERNEL_WINDOW_BASE, IMAGE_BASE};
#define WINDOWS (sizeof(windows) / sizeof(windows[0]))

static paddr_t kernel_root = PADDR_NONE;

void root_require_frames(uint64_t count) {
    if (count > pmm_free_below(BOOT_MAP_SIZE)) {
        panic("paging: no memory below 4 GiB for the kernel's tables");
    }
}

void root_init_kernel(void) {
    root_require_frames(1 + WINDOWS);
    kernel_root = frame_take();
    uint64_t *pml4 = direct_map(kernel_root);
    for (unsigned i = 0; i < WINDOWS; i++) {
        pml4[level_index(windows[i], PAGING_LEVELS)] = frame_take() | PTE_P | PTE_W;
    }
}

paddr_t paging_kernel_root(void) {
    return kernel_root;
}

paddr_t paging_active_root(void) {
    return read_cr3() & PTE_ADDRESS;
}

void paging_activate(paddr_t root) {
    write_cr3(root);
}

int paging_root_create(paddr_t *root) {
    if (pmm_alloc(root) < 0) {
        return STATUS_NO_MEMORY;
    }
    frame_zero(*root);
    uint64_t *pml4 = direct_map(*root);
    const uint64_t *kernel = direct_map(kernel_root);
    for (unsigned i = 0; i < WINDOWS; i++) {
        unsigned slot = level_index(windows[i], PAGING_LEVELS);
        pml4[slot] = kernel[slot];
    }
    return STATUS_OK;
}

/* Free all tables below the first `count` entries of a table of `level`; whether there were any. */
static bool free_below(const uint64_t *table, unsigned count, unsigned level) {
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        if (i % ENTRY_GROUP == 0 && group_is_zero(&table[i])) { /* most of a table often is */
            i += ENTRY_GROUP - 1;
            continue;
        }
        if (!entry_is_table(table[i])) {
            continue;
        }
        if (level > 2) {
            free_below(entry_table(table[i]), TABLE_ENTRIES, level - 1);
        }
        frame_give(table[i] & PTE_ADDRESS);
        any = true;
    }
    return any;
}

/* Drop all of the TLB, global entries included (SDM 3A 4.10.4.1). */
static void flush_everything(void) {
    uint64_t cr4 = read_cr4();
    write_cr4(cr4 ^ CR4_PGE);
    write_cr4(cr4);
}

int paging_root_destroy(paddr_t root) {
    if (root == paging_active_root()) {
        return STATUS_BUSY;
    }
    if (root == kernel_root) {
        return STATUS_DENIED;
    }
    /* Loading another root dropped all translations but the global ones. */
    if (free_below(direct_map(root), KERNEL_SLOT, PAGING_LEVELS)) {
        flush_everything();
    }
    frame_give(root);
    return STATUS_OK;
}
