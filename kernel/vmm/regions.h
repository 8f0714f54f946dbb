/* A space's ordered list of regions, whose records come from a slab cache. */
#pragma once

#include "vmm/vmm.h"

/* Where a region would go: after `previous` (NULL: first) and before `next` (NULL: last). */
struct vm_gap {
    struct vm_region *previous;
    struct vm_region *next;
    vaddr_t base; /* the gap is [base, limit) */
    vaddr_t limit;
};

/* The region that contains `va`, or NULL. */
struct vm_region *region_find(const struct vm_space *space, vaddr_t va);

/* The region that starts at `base`, or NULL. */
struct vm_region *region_at(const struct vm_space *space, vaddr_t base);

/* The lowest gap of at least `length` bytes. NO_SPACE: there is none. */
int region_gap(const struct vm_space *space, uint64_t length, struct vm_gap *gap);

/* The gap that `base`, an address of the window, lies in. MAPPED: it lies in a region. */
int region_gap_at(const struct vm_space *space, vaddr_t base, struct vm_gap *gap);

/* Frames that the next region_insert takes: 0, or 1 for a slab. */
uint64_t region_frames(void);

/* Put a record for `region`, whose links do not matter, into the gap. Needs region_frames frames.
 */
void region_insert(struct vm_space *space, const struct vm_gap *gap,
                   const struct vm_region *region);

/* Take a record out of the list, and free it. */
void region_remove(struct vm_space *space, struct vm_region *region);

/* Whether the region's pages have contents that the kernel may read, and write if WRITE is set. */
static inline bool region_has_contents(const struct vm_region *region) {
    return region->kind != VM_GUARD && region->kind != VM_PHYSICAL;
}

/* Whether the region's pages are its own, or will be once they are written to. */
static inline bool region_is_private(const struct vm_region *region) {
    return region->kind == VM_ANONYMOUS || region->kind == VM_DEMAND || region->kind == VM_PRIVATE;
}

static inline bool kind_shows_object(uint32_t kind) {
    return kind == VM_SHARED || kind == VM_PRIVATE;
}

/* Which page of its object a region shows at an address; that may be past the end. */
static inline uint64_t region_index(const struct vm_region *region, vaddr_t va) {
    return (region->offset + (va - region->base)) / PAGE_SIZE_4K;
}

/* Map what a part of a region shows of its object and has not mapped yet: pages before the object's
 * end. There are frames for what the object lacks, and for tables. */
void region_map_object(const struct vm_space *space, const struct vm_region *region, vaddr_t base,
                       uint64_t length);

/* Take a space that has kin out of the ring (clone.c). */
void space_leave_kin(struct vm_space *space);

static inline vaddr_t region_end(const struct vm_region *region) {
    return region->base + region->length;
}
