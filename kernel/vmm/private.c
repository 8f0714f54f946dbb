/*
 * Private pages that somebody else shows too: the object that a PRIVATE region has them from, or a
 * kin of the space.
 */
#include "base/direct_map.h"
#include "base/string.h"
#include "cpu/panic.h"
#include "pmm/pmm.h"
#include "vmm/private.h"

/* Whether a kin of the space has a page of its own at that address in that very frame. */
static bool kin_shows(const struct vm_space *space, vaddr_t page, paddr_t frame) {
    for (const struct vm_space *kin = space->kin; kin && kin != space; kin = kin->kin) {
        struct mapping mapping;
        if (paging_query(kin->root, page, &mapping) == STATUS_OK && mapping.physical == frame &&
            region_is_private(region_find(kin, page))) {
            return true;
        }
    }
    return false;
}

bool page_is_borrowed(const void *borrower, vaddr_t page, paddr_t frame) {
    const struct borrower *by = borrower;
    paddr_t objects;
    if (by->region->kind == VM_PRIVATE &&
        object_page(by->region->object, region_index(by->region, page), &objects) &&
        objects == frame) {
        return true;
    }
    return kin_shows(by->space, page, frame);
}

/* Give a page of a region a copy, in a frame of its own. There is one. */
static void copy_page(const struct vm_space *space, const struct vm_region *region, vaddr_t page,
                      paddr_t from) {
    paddr_t copy;
    int status = pmm_alloc(&copy);
    ASSERT(status == STATUS_OK);
    memcpy(direct_map(copy), direct_map(from), PAGE_SIZE_4K);
    paging_replace(space->root, page, copy, region->flags);
}

int page_make_own(const struct vm_space *space, const struct vm_region *region, vaddr_t page) {
    struct mapping mapping;
    int status = paging_query(space->root, page, &mapping);
    if (status < 0 || mapping.flags & PAGE_WRITE) {
        return STATUS_DENIED;
    }
    struct borrower by = {space, region};
    if (!page_is_borrowed(&by, page, mapping.physical)) {
        paging_replace(space->root, page, mapping.physical, region->flags);
        return STATUS_OK;
    }
    if (pmm_free_count() == 0) {
        return STATUS_NO_MEMORY;
    }
    copy_page(space, region, page, mapping.physical);
    return STATUS_OK;
}

uint64_t pages_borrowed(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                        uint64_t length) {
    struct borrower by = {space, region};
    return region_may_borrow(space, region)
               ? paging_count_if(space->root, base, length, page_is_borrowed, &by)
               : 0;
}

void pages_copy_borrowed(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                         uint64_t length) {
    if (!region_may_borrow(space, region)) {
        return;
    }
    struct borrower by = {space, region};
    for (vaddr_t page = base; page < base + length; page += PAGE_SIZE_4K) {
        struct mapping mapping;
        if (paging_query(space->root, page, &mapping) == STATUS_OK &&
            page_is_borrowed(&by, page, mapping.physical)) {
            copy_page(space, region, page, mapping.physical);
        }
    }
}

int page_fill_private(const struct vm_space *space, const struct vm_region *region, vaddr_t page) {
    int status = paging_fill_page(space->root, page, region->flags);
    paddr_t from;
    if (status == STATUS_OK && object_page(region->object, region_index(region, page), &from)) {
        struct mapping mapping;
        status = paging_query(space->root, page, &mapping);
        ASSERT(status == STATUS_OK);
        memcpy(direct_map(mapping.physical), direct_map(from), PAGE_SIZE_4K);
    }
    return status;
}

void pages_fill_private(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                        uint64_t length) {
    for (vaddr_t page = base; page < base + length; page += PAGE_SIZE_4K) {
        struct mapping mapping;
        if (paging_query(space->root, page, &mapping) < 0) {
            int status = page_fill_private(space, region, page);
            ASSERT(status == STATUS_OK);
        }
    }
}
