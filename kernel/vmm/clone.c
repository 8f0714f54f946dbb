/* A space made from another one; and kin, a ring of spaces that may have pages in common. */
#include "base/layout.h"
#include "pmm/pmm.h"
#include "vmm/private.h"

static void join_kin(struct vm_space *space, struct vm_space *of) {
    space->kin = of->kin ? of->kin : of;
    of->kin = space;
}

void space_leave_kin(struct vm_space *space) {
    struct vm_space *before = space->kin;
    while (before->kin != space) {
        before = before->kin;
    }
    before->kin = space->kin == before ? NULL : space->kin;
    space->kin = NULL;
}

static int check_clone(const struct vm_space *to, const struct vm_space *from) {
    if (to == from) {
        return STATUS_INVALID;
    }
    if (to->base >= KERNEL_HALF || from->base >= KERNEL_HALF) {
        return STATUS_DENIED;
    }
    if (to->first) {
        return STATUS_BUSY;
    }
    uint64_t frames =
        slab_frames_for(&region_cache, from->region_count) + paging_tables_of(from->root);
    return frames > pmm_free_count() ? STATUS_NO_MEMORY : STATUS_OK;
}

int vm_space_clone(struct vm_space *to, struct vm_space *from) {
    int status = check_clone(to, from);
    if (status < 0) {
        return status;
    }
    struct vm_region *previous = NULL;
    for (const struct vm_region *region = from->first; region; region = region->next) {
        if (region_is_private(region) && region->flags & PAGE_WRITE) {
            paging_reflag(from->root, region->base, region->length,
                          region->flags & ~(uint32_t)PAGE_WRITE);
        }
        if (region->object) {
            object_hold(region->object);
        }
        struct vm_gap gap = {.previous = previous};
        region_insert(to, &gap, region);
        previous = previous ? previous->next : to->first;
    }
    paging_clone(to->root, from->root);
    if (to->kin) {
        space_leave_kin(to);
    }
    join_kin(to, from);
    return STATUS_OK;
}
