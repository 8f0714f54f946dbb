#include "vmm/regions.h"

#include "cpu/panic.h"

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

uint64_t region_frames(void) {
    return slab_frames_needed(&region_cache);
}

void region_insert(struct vm_space *space, const struct vm_gap *gap,
                   const struct vm_region *region) {
    void *object;
    int status = slab_alloc(&region_cache, &object);
    ASSERT(status == STATUS_OK);
    struct vm_region *record = object;
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
    int status = slab_free(&region_cache, region);
    ASSERT(status == STATUS_OK);
}
