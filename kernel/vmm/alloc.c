/* Regions: allocate, free, protect, resize, query. */
#include "base/layout.h"
#include "cpu/panic.h"
#include "paging/check.h"
#include "pmm/pmm.h"
#include "vmm/private.h"

#define PERMISSIONS ((uint32_t)(PAGE_WRITE | PAGE_USER | PAGE_EXEC))

/* Whether WRITE, USER and EXEC, the only flags given, go together and with the window. */
static bool permissions_are_valid(const struct vm_space *space, uint32_t flags) {
    return !(flags & ~PERMISSIONS) && flags_obey_w_xor_x(flags) &&
           !(flags & PAGE_USER && space->base >= KERNEL_HALF);
}

/* The errors that an allocation has wherever it is to go. */
static int check_alloc(const struct vm_space *space, uint64_t length, uint32_t flags,
                       struct vm_backing backing) {
    uint32_t cache = flags & PAGE_CACHE_MASK;
    if (length == 0 || backing.kind >= VM_KIND_COUNT || cache > PAGE_CACHE_WC ||
        !permissions_are_valid(space, flags & ~(uint32_t)PAGE_CACHE_MASK) ||
        (cache != PAGE_CACHE_WB && backing.kind != VM_PHYSICAL) ||
        (flags != 0 && backing.kind == VM_GUARD) ||
        (kind_shows_object(backing.kind) && !backing.object)) {
        return STATUS_INVALID;
    }
    if (!is_aligned(length, PAGE_SIZE_4K)) {
        return STATUS_MISALIGNED;
    }
    if (backing.kind == VM_PHYSICAL) {
        if (!is_aligned(backing.physical, PAGE_SIZE_4K)) {
            return STATUS_MISALIGNED;
        }
        if (!range_is_addressable(backing.physical, length)) {
            return STATUS_OUT_OF_RANGE;
        }
    }
    if (kind_shows_object(backing.kind)) {
        if (!is_aligned(backing.offset, PAGE_SIZE_4K)) {
            return STATUS_MISALIGNED;
        }
        if (backing.offset / PAGE_SIZE_4K >= backing.object->pages) {
            return STATUS_OUT_OF_RANGE;
        }
    }
    return STATUS_OK;
}

/* Whether there are frames for a new region's pages, their tables and `others` besides. */
static bool enough_memory(const struct vm_space *space, vaddr_t base, uint64_t length,
                          uint32_t kind, uint64_t others) {
    uint64_t frames = others;
    if (kind == VM_ANONYMOUS) {
        frames += length / PAGE_SIZE_4K;
    }
    if (kind == VM_ANONYMOUS || kind == VM_PHYSICAL) {
        frames += paging_tables_missing(space->root, base, length);
    }
    return frames <= pmm_free_count();
}

/* Make a region in a gap that is known to hold it. */
static int place(struct vm_space *space, const struct vm_gap *gap, const struct vm_region *region) {
    if (!enough_memory(space, region->base, region->length, region->kind, region_frames())) {
        return STATUS_NO_MEMORY;
    }
    region_insert(space, gap, region);
    int status = STATUS_OK;
    if (region->kind == VM_ANONYMOUS) {
        status = paging_fill(space->root, region->base, region->length, region->flags);
    } else if (region->kind == VM_PHYSICAL) {
        status = paging_map(space->root, region->base, region->physical, region->length,
                            PAGE_SIZE_4K, region->flags);
    } else if (region->object) {
        object_hold(region->object);
    }
    ASSERT(status == STATUS_OK);
    return STATUS_OK;
}

static struct vm_region region_of(vaddr_t base, uint64_t length, uint32_t flags,
                                  struct vm_backing backing) {
    struct vm_region region = {
        .base = base,
        .length = length,
        .physical = backing.kind == VM_PHYSICAL ? backing.physical : PADDR_NONE,
        .flags = flags,
        .kind = backing.kind,
    };
    if (kind_shows_object(backing.kind)) {
        region.object = backing.object;
        region.offset = backing.offset;
    }
    return region;
}

int vm_alloc(struct vm_space *space, uint64_t length, uint32_t flags, struct vm_backing backing,
             vaddr_t *base) {
    struct vm_gap gap;
    int status = check_alloc(space, length, flags, backing);
    if (status < 0) {
        return status;
    }
    status = region_gap(space, length, &gap);
    if (status < 0) {
        return status;
    }
    struct vm_region region = region_of(gap.base, length, flags, backing);
    status = place(space, &gap, &region);
    if (status < 0) {
        return status;
    }
    *base = region.base;
    return STATUS_OK;
}

int vm_alloc_at(struct vm_space *space, vaddr_t base, uint64_t length, uint32_t flags,
                struct vm_backing backing) {
    struct vm_gap gap;
    int status = check_alloc(space, length, flags, backing);
    if (status < 0) {
        return status;
    }
    if (!is_aligned(base, PAGE_SIZE_4K)) {
        return STATUS_MISALIGNED;
    }
    if (base < space->base || base >= space->limit || length > space->limit - base) {
        return STATUS_OUT_OF_RANGE;
    }
    if (region_gap_at(space, base, &gap) < 0 || length > gap.limit - base) {
        return STATUS_MAPPED;
    }
    struct vm_region region = region_of(base, length, flags, backing);
    return place(space, &gap, &region);
}

/* Out of the way, so that the usual case saves no registers. */
__attribute__((noinline)) static void unmap_unless_borrowed(const struct vm_space *space,
                                                            const struct vm_region *region,
                                                            vaddr_t base, uint64_t length) {
    struct borrower by = {space, region};
    paging_clear_unless(space->root, base, length, page_is_borrowed, &by);
}

/* Unmap what a part of a region has mapped; frames that the region owns are freed. */
static void unmap_part(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                       uint64_t length) {
    if (region_may_borrow(space, region)) {
        unmap_unless_borrowed(space, region, base, length);
    } else if (region->kind != VM_GUARD) {
        bool owns = region->kind == VM_ANONYMOUS || region->kind == VM_DEMAND;
        paging_clear(space->root, base, length, owns ? frame_give : NULL);
    }
}

int vm_free(struct vm_space *space, vaddr_t base) {
    struct vm_region *region = region_at(space, base);
    if (!region) {
        return STATUS_NOT_MAPPED;
    }
    unmap_part(space, region, base, region->length);
    if (region->object) {
        object_release(region->object);
    }
    region_remove(space, region);
    return STATUS_OK;
}

int vm_protect(struct vm_space *space, vaddr_t base, uint32_t flags) {
    if (!permissions_are_valid(space, flags)) {
        return STATUS_INVALID;
    }
    struct vm_region *region = region_at(space, base);
    if (!region) {
        return STATUS_NOT_MAPPED;
    }
    if (region->kind == VM_GUARD) {
        return STATUS_DENIED;
    }
    region->flags = flags | (region->flags & PAGE_CACHE_MASK);
    uint32_t now = region->flags;
    if (region_may_borrow(space, region)) {
        now &= ~(uint32_t)PAGE_WRITE;
    }
    paging_reflag(space->root, base, region->length, now);
    return STATUS_OK;
}

int vm_resize(struct vm_space *space, vaddr_t base, uint64_t length) {
    if (length == 0) {
        return STATUS_INVALID;
    }
    if (!is_aligned(length, PAGE_SIZE_4K)) {
        return STATUS_MISALIGNED;
    }
    struct vm_region *region = region_at(space, base);
    if (!region) {
        return STATUS_NOT_MAPPED;
    }
    if (region->kind != VM_ANONYMOUS && !kind_shows_object(region->kind)) {
        return STATUS_DENIED;
    }
    if (length > space->limit - base) {
        return STATUS_OUT_OF_RANGE;
    }
    if (region->next && length > region->next->base - base) {
        return STATUS_MAPPED;
    }

    if (length < region->length) {
        unmap_part(space, region, base + length, region->length - length);
    } else if (length > region->length && region->kind == VM_ANONYMOUS) {
        vaddr_t end = region_end(region);
        uint64_t more = length - region->length;
        int status = paging_fill(space->root, end, more, region->flags);
        if (status < 0) {
            return status;
        }
    }
    region->length = length;
    return STATUS_OK;
}

int vm_query(const struct vm_space *space, vaddr_t va, struct vm_region *region) {
    const struct vm_region *found = region_find(space, va);
    if (!found) {
        return STATUS_NOT_MAPPED;
    }
    *region = *found;
    return STATUS_OK;
}
