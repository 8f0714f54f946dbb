/*
 * Private pages: those of ANONYMOUS, DEMAND and PRIVATE regions. Such a page is borrowed if its
 * frame is an object's, or some kin of the space shows it too; else it is the region's own.
 */
#pragma once

#include "vmm/regions.h"

struct borrower {
    const struct vm_space *space;
    const struct vm_region *region;
};

/* Whether a region can have pages that are borrowed at all. */
static inline bool region_may_borrow(const struct vm_space *space, const struct vm_region *region) {
    return region->kind == VM_PRIVATE || (space->kin && region_is_private(region));
}

/* Whether a page in that frame is borrowed; `borrower` is a struct borrower. For
 * paging_clear_unless and paging_count_if: the page itself need not be mapped any more. */
bool page_is_borrowed(const void *borrower, vaddr_t page, paddr_t frame);

/*
 * Make a page that is mapped, and must not be written to, the region's own and writable: by a copy
 * if it is borrowed. Errors, nothing changed: DENIED (it is not mapped, or writable already);
 * NO_MEMORY.
 */
int page_make_own(const struct vm_space *space, const struct vm_region *region, vaddr_t page);

/* How many pages of a part of a region are borrowed; and a copy, writable, in place of each,
 * ascending, which takes as many frames. */
uint64_t pages_borrowed(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                        uint64_t length);
void pages_copy_borrowed(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                         uint64_t length);

/* Give a page of a PRIVATE region that is not mapped a frame of its own, with what the object's
 * page has, or zeros if that has no frame. Errors, nothing changed: NO_MEMORY. */
int page_fill_private(const struct vm_space *space, const struct vm_region *region, vaddr_t page);

/* The same for every such page of a part of the region; there are enough frames. */
void pages_fill_private(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                        uint64_t length);
