#include "buddy/grow.h"

#include "base/bits.h"
#include "base/direct_map.h"
#include "cpu/panic.h"

/* How many frames of the map serve the first `length` bytes of the region. */
static uint64_t map_frames(uint64_t length) {
    return (length + BUDDY_MAPPED - 1) / BUDDY_MAPPED;
}

/* Give back the frames of the map from number `first` on. */
static void maps_give(uint64_t first, uint64_t end) {
    for (uint64_t i = first; i < end; i++) {
        frame_give(direct_map_physical(buddy.maps[i]));
        buddy.maps[i] = NULL;
    }
}

/* Have frames of the map, all zeros, for a region of `length` bytes. NO_MEMORY: nothing changed. */
static int maps_take(uint64_t length) {
    uint64_t first = map_frames(buddy.length), end = map_frames(length);
    if (end - first > pmm_free_count()) {
        return STATUS_NO_MEMORY;
    }
    for (uint64_t i = first; i < end; i++) {
        buddy.maps[i] = direct_map(frame_take());
    }
    return STATUS_OK;
}

/* The region's first pages, or more of them. */
static int move_end(uint64_t length) {
    if (buddy.length == 0) {
        struct vm_backing backing = {.kind = VM_ANONYMOUS};
        return vm_alloc_at(&buddy.space, BUDDY_BASE, length, PAGE_WRITE, backing);
    }
    return vm_resize(&buddy.space, BUDDY_BASE, length);
}

int region_grow(uint64_t order) {
    uint64_t size = max_u64(1ULL << order, PAGE_SIZE_4K);
    uint64_t begin = buddy.length;
    uint64_t length = align_up(begin, size) + size;
    if (length > BUDDY_SIZE) {
        return STATUS_NO_SPACE;
    }
    int status = maps_take(length);
    if (status < 0) {
        return status;
    }
    status = move_end(length);
    if (status < 0) {
        maps_give(map_frames(begin), map_frames(length));
        return status;
    }
    buddy.length = length;
    for (uint64_t at = begin; at < length;) {
        uint64_t piece = at < length - size ? lowest_bit(at) : lowest_bit(size);
        uint64_t offset = at;
        at += 1ULL << piece;
        block_merge(&offset, piece);
    }
    return STATUS_OK;
}

void region_trim(uint64_t offset, uint64_t order) {
    uint64_t before = buddy.length;
    int status;
    if (buddy.used_count == 0) {
        while (buddy.nonempty) {
            uint64_t each = lowest_bit(buddy.nonempty);
            block_remove((vaddr_t)buddy.free[each].next - BUDDY_BASE, each);
        }
        buddy.length = 0;
        status = vm_free(&buddy.space, BUDDY_BASE);
    } else {
        if (1ULL << order < BUDDY_TRIM) {
            return;
        }
        block_remove(offset, order);
        buddy.length = offset;
        status = vm_resize(&buddy.space, BUDDY_BASE, offset);
    }
    ASSERT(status == STATUS_OK);
    maps_give(map_frames(buddy.length), map_frames(before));
}
