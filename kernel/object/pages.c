/*
 * The pages of an object: a tree like that of page tables. An entry of level 0 is a page's; one of
 * level n points to a node that serves 512 to the power of n pages, and the object has the topmost.
 */
#include "base/direct_map.h"
#include "object/object.h"

/* The entry below a node that serves an index; `level` is the lower entry's. */
static inline uint64_t *entry_below(uint64_t node, uint64_t index, unsigned level) {
    uint64_t *entries = direct_map(node & OBJECT_FRAME);
    return &entries[index >> level * OBJECT_NODE_BITS & ((1 << OBJECT_NODE_BITS) - 1)];
}

/* The entry that a page's way from the top ends at: an empty one, or the page's own, of level 0. */
static uint64_t find_entry(const struct vm_object *object, uint64_t index, unsigned *level) {
    uint64_t entry = object->top;
    for (*level = object->levels; *level > 0 && entry != 0;) {
        --*level;
        entry = *entry_below(entry, index, *level);
    }
    return entry;
}

bool object_page(const struct vm_object *object, uint64_t index, paddr_t *frame) {
    unsigned level;
    uint64_t entry = find_entry(object, index, &level);
    *frame = entry & OBJECT_FRAME;
    return entry != 0;
}

uint64_t object_frames_missing(const struct vm_object *object, uint64_t first, uint64_t count) {
    uint64_t missing = 0;
    for (uint64_t end = first + count; first < end;) {
        unsigned at;
        bool is_there = find_entry(object, first, &at) != 0;
        uint64_t stop = min_u64(end, align_up(first + 1, 1ULL << at * OBJECT_NODE_BITS));
        for (unsigned level = 0; level <= at && !is_there; level++) {
            unsigned shift = level * OBJECT_NODE_BITS;
            missing += ((stop - 1) >> shift) - (first >> shift) + 1;
        }
        first = stop;
    }
    return missing;
}

paddr_t object_take_page(struct vm_object *object, uint64_t index) {
    uint64_t *entry = &object->top;
    for (unsigned level = object->levels;; level--) {
        if (*entry == 0) {
            *entry = frame_take() | OBJECT_PRESENT;
        }
        if (level == 0) {
            return *entry & OBJECT_FRAME;
        }
        entry = entry_below(*entry, index, level - 1);
    }
}

/* Give back what is under an entry of a level, then its own frame. Goes three levels deep. */
static void give_entry(uint64_t entry, unsigned level) {
    if (entry == 0) {
        return;
    }
    for (uint64_t index = 0; level > 0 && index < 1 << OBJECT_NODE_BITS; index++) {
        give_entry(*entry_below(entry, index, 0), level - 1);
    }
    frame_give(entry & OBJECT_FRAME);
}

void object_give_pages(struct vm_object *object) {
    give_entry(object->top, object->levels);
    object->top = 0;
}
