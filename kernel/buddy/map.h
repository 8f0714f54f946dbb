/* The map of blocks: where each begins, its order, and whether it is in use. */
#pragma once

#include "buddy/buddy.h"

/* The map's byte for an offset into the region that a frame of the map serves. */
static inline uint8_t *map_at(uint64_t offset) {
    uint8_t *map = buddy.maps[offset / BUDDY_MAPPED];
    return &map[offset % BUDDY_MAPPED >> BUDDY_ORDER_MIN];
}

static inline struct buddy_link *link_at(uint64_t offset) {
    return (struct buddy_link *)(BUDDY_BASE + offset);
}

static inline uint64_t offset_of(const void *block) {
    return (vaddr_t)block - BUDDY_BASE;
}
