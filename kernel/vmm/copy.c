/*
 * Copying into, out of and between spaces, page by page through the direct map, so that it does not
 * matter which root is active.
 */
#include "base/direct_map.h"
#include "base/string.h"
#include "cpu/panic.h"
#include "pmm/pmm.h"
#include "vmm/private.h"

/* Whether a region may be read, or written, up to `last`, one of its bytes. */
static int check_region(const struct vm_region *region, vaddr_t last, bool write) {
    if (!region_has_contents(region) || (write && !(region->flags & PAGE_WRITE))) {
        return STATUS_DENIED;
    }
    if (region->object && region_index(region, last) >= region->object->pages) {
        return STATUS_OUT_OF_RANGE;
    }
    return STATUS_OK;
}

/* Whether every byte of a range may be read, or written. */
static int check_range(const struct vm_space *space, vaddr_t va, uint64_t length, bool write) {
    if (length - 1 > UINT64_MAX - va) {
        return STATUS_NOT_MAPPED;
    }
    vaddr_t last = va + (length - 1);
    const struct vm_region *region = region_find(space, va);
    for (vaddr_t at = va; region && region->base <= at; region = region->next) {
        int status = check_region(region, min_u64(last, region_end(region) - 1), write);
        if (status < 0) {
            return status;
        }
        at = region_end(region);
        if (at > last) {
            return STATUS_OK;
        }
    }
    return STATUS_NOT_MAPPED;
}

/* How many frames it takes, tables aside, until every page of a part of a region can be written. */
static uint64_t pages_missing(const struct vm_space *space, const struct vm_region *region,
                              vaddr_t base, uint64_t length) {
    uint64_t pages = length / PAGE_SIZE_4K;
    return region->kind == VM_SHARED
               ? object_frames_missing(region->object, region_index(region, base), pages)
               : pages - paging_pages_present(space->root, base, length) +
                     pages_borrowed(space, region, base, length);
}

/* Give every page of a range a frame that it may be written to in: first those of a region that
 * have none, then those that are borrowed. */
static int fill_range(const struct vm_space *space, vaddr_t va, uint64_t length) {
    vaddr_t base = align_down(va, PAGE_SIZE_4K);
    vaddr_t end = align_up(va + length, PAGE_SIZE_4K);
    const struct vm_region *first = region_find(space, base);
    uint64_t frames = paging_tables_missing(space->root, base, end - base);
    vaddr_t stop;
    vaddr_t at = base;
    for (const struct vm_region *region = first; at < end; region = region->next, at = stop) {
        stop = min_u64(region_end(region), end);
        frames += pages_missing(space, region, at, stop - at);
    }
    if (frames > pmm_free_count()) {
        return STATUS_NO_MEMORY;
    }
    for (const struct vm_region *region = first; base < end; region = region->next, base = stop) {
        stop = min_u64(region_end(region), end);
        if (region->kind == VM_SHARED) {
            region_map_object(space, region, base, stop - base);
        } else if (region->kind == VM_DEMAND) {
            int status = paging_fill(space->root, base, stop - base, region->flags);
            ASSERT(status == STATUS_OK);
        } else if (region->kind == VM_PRIVATE) {
            pages_fill_private(space, region, base, stop - base);
        }
        pages_copy_borrowed(space, region, base, stop - base);
    }
    return STATUS_OK;
}

/* The byte that `va` names, through the direct map; NULL if its page has no frame yet. What is
 * mapped is found without a look at the regions; an object may have pages that are not. */
static uint8_t *locate(const struct vm_space *space, vaddr_t va) {
    struct mapping mapping;
    if (paging_query(space->root, va, &mapping) == STATUS_OK) {
        return (uint8_t *)direct_map(mapping.physical) + (va - mapping.virtual);
    }
    const struct vm_region *region = region_find(space, va);
    paddr_t frame;
    if (!region->object || !object_page(region->object, region_index(region, va), &frame)) {
        return NULL;
    }
    return (uint8_t *)direct_map(frame) + va % PAGE_SIZE_4K;
}

/* How much of `length` bytes from va lies in va's page. */
static uint64_t in_page(vaddr_t va, uint64_t length) {
    return min_u64(length, PAGE_SIZE_4K - va % PAGE_SIZE_4K);
}

int vm_read(const struct vm_space *space, vaddr_t va, void *buffer, uint64_t length) {
    if (length == 0) {
        return STATUS_INVALID;
    }
    int status = check_range(space, va, length, false);
    if (status < 0) {
        return status;
    }
    uint8_t *to = buffer;
    for (uint64_t step; length; to += step, va += step, length -= step) {
        const uint8_t *from = locate(space, va);
        step = in_page(va, length);
        if (from) {
            memcpy(to, from, step);
        } else {
            memset(to, 0, step);
        }
    }
    return STATUS_OK;
}

/* The part of writing that vm_write and vm_copy share: after it every page has a frame. */
static int prepare_write(const struct vm_space *space, vaddr_t va, uint64_t length) {
    int status = check_range(space, va, length, true);
    return status < 0 ? status : fill_range(space, va, length);
}

int vm_write(struct vm_space *space, vaddr_t va, const void *buffer, uint64_t length) {
    if (length == 0) {
        return STATUS_INVALID;
    }
    int status = prepare_write(space, va, length);
    if (status < 0) {
        return status;
    }
    const uint8_t *from = buffer;
    for (uint64_t step; length; from += step, va += step, length -= step) {
        step = in_page(va, length);
        memcpy(locate(space, va), from, step);
    }
    return STATUS_OK;
}

int vm_copy(struct vm_space *to, vaddr_t to_va, const struct vm_space *from, vaddr_t from_va,
            uint64_t length) {
    uint64_t distance = to_va > from_va ? to_va - from_va : from_va - to_va;
    if (length == 0 || (to == from && distance < length)) {
        return STATUS_INVALID;
    }
    int status = check_range(from, from_va, length, false);
    if (status < 0) {
        return status;
    }
    status = prepare_write(to, to_va, length);
    if (status < 0) {
        return status;
    }
    for (uint64_t step; length; to_va += step, from_va += step, length -= step) {
        step = in_page(from_va, in_page(to_va, length));
        uint8_t *target = locate(to, to_va);
        const uint8_t *source = locate(from, from_va);
        if (source) {
            memmove(target, source, step); /* both may be the same page of an object */
        } else {
            memset(target, 0, step);
        }
    }
    return STATUS_OK;
}
