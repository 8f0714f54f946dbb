#include "vmm/regions.h"

#include "base/bits.h"
#include "base/direct_map.h"
#include "pmm/pmm.h"

#define ALL_SLOTS ((1ULL << VM_SLAB_REGIONS) - 1)

struct vm_region *region_find(const struct vm_space *space, vaddr_t va) {
    struct vm_region *region = space->first;
    while (region && region_end(region) <= va) {
        region = region->next;
    }
    return region && region->base <= va ? region : NULL;
}

struct vm_region *region_at(const struct vm_space *space, vaddr_t base) {
    struct vm_region *region = space->first;
    while (region && region->base < base) {
        region = region->next;
    }
    return region && region->base == base ? region : NULL;
}

static struct vm_gap gap_after(const struct vm_space *space, struct vm_region *previous) {
    struct vm_region *next = previous ? previous->next : space->first;
    return (struct vm_gap){
        .previous = previous,
        .next = next,
        .base = previous ? region_end(previous) : space->base,
        .limit = next ? next->base : space->limit,
    };
}

int region_gap(const struct vm_space *space, uint64_t length, struct vm_gap *gap) {
    *gap = gap_after(space, NULL);
    while (gap->limit - gap->base < length) {
        if (!gap->next) {
            return STATUS_NO_SPACE;
        }
        *gap = gap_after(space, gap->next);
    }
    return STATUS_OK;
}

int region_gap_at(const struct vm_space *space, vaddr_t base, struct vm_gap *gap) {
    *gap = gap_after(space, NULL);
    while (gap->limit <= base && gap->next) {
        *gap = gap_after(space, gap->next);
    }
    return base >= gap->base && base < gap->limit ? STATUS_OK : STATUS_MAPPED;
}

static struct vm_slab *slab_with_room(const struct vm_space *space) {
    struct vm_slab *slab = space->slabs;
    while (slab && !slab->free_slots) {
        slab = slab->next;
    }
    return slab;
}

uint64_t region_frames(const struct vm_space *space) {
    return slab_with_room(space) ? 0 : 1;
}

static struct vm_slab *slab_add(struct vm_space *space) {
    struct vm_slab *slab = direct_map(frame_take());
    slab->free_slots = ALL_SLOTS;
    slab->next = space->slabs;
    space->slabs = slab;
    return slab;
}

static void slab_remove(struct vm_space *space, struct vm_slab *slab) {
    struct vm_slab **link = &space->slabs;
    while (*link != slab) {
        link = &(*link)->next;
    }
    *link = slab->next;
    frame_give(direct_map_physical(slab));
}

static struct vm_region *record_take(struct vm_space *space) {
    struct vm_slab *slab = slab_with_room(space);
    if (!slab) {
        slab = slab_add(space);
    }
    uint64_t slot = lowest_bit(slab->free_slots);
    slab->free_slots = without_lowest_bit(slab->free_slots);
    return &slab->regions[slot];
}

static void record_give(struct vm_space *space, struct vm_region *region) {
    struct vm_slab *slab = (struct vm_slab *)align_down((vaddr_t)region, FRAME_SIZE);
    word_add(&slab->free_slots, (uint64_t)(region - slab->regions));
    if (slab->free_slots == ALL_SLOTS) {
        slab_remove(space, slab);
    }
}

void region_insert(struct vm_space *space, const struct vm_gap *gap,
                   const struct vm_region *region) {
    struct vm_region *record = record_take(space);
    *record = *region;
    record->previous = gap->previous;
    record->next = gap->next;
    *(gap->previous ? &gap->previous->next : &space->first) = record;
    if (gap->next) {
        gap->next->previous = record;
    }
    space->region_count++;
}

void region_remove(struct vm_space *space, struct vm_region *region) {
    *(region->previous ? &region->previous->next : &space->first) = region->next;
    if (region->next) {
        region->next->previous = region->previous;
    }
    space->region_count--;
    record_give(space, region);
}
