/* Blocks: split, merged, handed out, taken back. The region's end is grow.c's. */
#include "buddy/grow.h"

#include "base/bits.h"
#include "buddy/map.h"

struct buddy buddy;

void buddy_init(void) {
    buddy = (struct buddy){0};
    for (uint64_t order = 0; order < BUDDY_ORDERS; order++) {
        buddy.free[order] = (struct buddy_link){&buddy.free[order], &buddy.free[order]};
    }
    vm_space_init(&buddy.space, paging_kernel_root(), BUDDY_BASE, BUDDY_BASE + BUDDY_SIZE);
}

static inline void list_add(uint64_t offset, uint64_t order) {
    struct buddy_link *head = &buddy.free[order], *link = link_at(offset);
    link->next = head->next;
    link->previous = head;
    head->next->previous = link;
    head->next = link;
    buddy.nonempty |= 1ULL << order;
    *map_at(offset) = (uint8_t)order;
}

static inline void list_remove(uint64_t offset, uint64_t order) {
    struct buddy_link *link = link_at(offset);
    link->previous->next = link->next;
    link->next->previous = link->previous;
    if (link->next == link->previous) { /* the head is all that is left */
        buddy.nonempty &= ~(1ULL << order);
    }
}

void block_remove(uint64_t offset, uint64_t order) {
    list_remove(offset, order);
    *map_at(offset) = 0;
}

uint64_t block_merge(uint64_t *offset, uint64_t order) {
    while (order < BUDDY_ORDER_MAX) {
        uint64_t other = *offset ^ 1ULL << order;
        if (other >= buddy.length || *map_at(other) != order) {
            break;
        }
        list_remove(other, order);
        *map_at(*offset | 1ULL << order) = 0; /* the upper half begins nothing any more */
        *offset &= ~(1ULL << order);
        order++;
    }
    list_add(*offset, order);
    return order;
}

/* The least order whose blocks hold `size` bytes, which is not 0. */
static inline uint64_t order_for(uint64_t size) {
    uint64_t least = (size - 1) | ((1ULL << BUDDY_ORDER_MIN) - 1);
    return 64 - (uint64_t)__builtin_clzll(least);
}

int buddy_alloc(uint64_t size, void **block) {
    if (size - 1 >= 1ULL << BUDDY_ORDER_MAX) {
        return STATUS_INVALID;
    }
    uint64_t order = order_for(size);
    uint64_t large = buddy.nonempty >> order;
    if (large == 0) {
        int status = region_grow(order);
        if (status < 0) {
            return status;
        }
        large = buddy.nonempty >> order;
    }
    uint64_t from = order + lowest_bit(large);
    struct buddy_link *link = buddy.free[from].next;
    uint64_t offset = offset_of(link);
    list_remove(offset, from);
    while (from > order) {
        from--;
        list_add(offset + (1ULL << from), from);
    }
    *map_at(offset) = (uint8_t)(order | BUDDY_USED);
    buddy.used_count++;
    buddy.used_bytes += 1ULL << order;
    *block = link;
    return STATUS_OK;
}

int buddy_free(void *block) {
    uint64_t offset = offset_of(block);
    if (offset >= buddy.length) {
        return STATUS_FOREIGN;
    }
    uint8_t byte = *map_at(offset);
    if (offset % (1ULL << BUDDY_ORDER_MIN) != 0 || byte == 0) {
        return STATUS_INTERIOR;
    }
    if (!(byte & BUDDY_USED)) {
        return STATUS_DOUBLE_FREE;
    }
    uint64_t order = byte & (BUDDY_USED - 1);
    buddy.used_count--;
    buddy.used_bytes -= 1ULL << order;
    order = block_merge(&offset, order);
    if (buddy.used_count == 0 || offset + (1ULL << order) == buddy.length) {
        region_trim(offset, order);
    }
    return STATUS_OK;
}
