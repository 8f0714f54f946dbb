/* Page faults: memory at its first touch, or the reason why not. */
#include "base/layout.h"
#include "base/x86.h"
#include "pmm/pmm.h"
#include "vmm/private.h"

static struct vm_space *current_space;

void vm_set_current(struct vm_space *space) {
    current_space = space;
}

/* The space that answers for an address, or NULL. */
static struct vm_space *space_of(vaddr_t address) {
    if (address < KERNEL_HALF) {
        return current_space;
    }
    bool window = address >= KERNEL_WINDOW_BASE && address < KERNEL_WINDOW_END;
    return window ? &kernel_space : NULL;
}

/* Whether a region's flags permit the access that an error code describes. */
static bool permits(uint32_t flags, uint64_t error) {
    return (flags & PAGE_WRITE || !(error & PF_W)) && (flags & PAGE_USER || !(error & PF_U)) &&
           (flags & PAGE_EXEC || !(error & PF_I));
}

/* The first touch, by this region, of a page of an object. */
static int touch_object_page(const struct vm_space *space, const struct vm_region *region,
                             vaddr_t page, bool write) {
    uint64_t index = region_index(region, page);
    if (index >= region->object->pages) {
        return STATUS_OUT_OF_RANGE;
    }
    if (region->kind == VM_PRIVATE && write) {
        return page_fill_private(space, region, page);
    }
    uint64_t frames = object_frames_missing(region->object, index, 1) +
                      paging_tables_missing(space->root, page, PAGE_SIZE_4K);
    if (frames > pmm_free_count()) {
        return STATUS_NO_MEMORY;
    }
    region_map_object(space, region, page, PAGE_SIZE_4K);
    return STATUS_OK;
}

/* A fault that the region's flags permit, but for the first touch of a DEMAND page. Out of the way,
 * so that the usual case saves no registers. */
__attribute__((noinline)) static int fault_elsewhere(const struct vm_space *space,
                                                     const struct vm_region *region, vaddr_t page,
                                                     uint64_t error) {
    /* A reserved bit is found in a present entry, even if the code does not say so (QEMU 7.2). */
    if (error & PF_RSVD) {
        return STATUS_DENIED;
    }
    if (error & PF_P) {
        bool can_own = error & PF_W && region_is_private(region);
        return can_own ? page_make_own(space, region, page) : STATUS_DENIED;
    }
    return region->object ? touch_object_page(space, region, page, error & PF_W) : STATUS_DENIED;
}

int vm_fault(vaddr_t address, uint64_t error) {
    const struct vm_space *space = space_of(address);
    const struct vm_region *region = space ? region_find(space, address) : NULL;
    if (!region) {
        return STATUS_NOT_MAPPED;
    }
    if (region->kind == VM_GUARD) {
        return STATUS_GUARD;
    }
    if (!permits(region->flags, error)) {
        return STATUS_DENIED;
    }
    vaddr_t page = align_down(address, PAGE_SIZE_4K);
    if (region->kind != VM_DEMAND || error & (PF_P | PF_RSVD)) {
        return fault_elsewhere(space, region, page, error);
    }
    return paging_fill_page(space->root, page, region->flags);
}
