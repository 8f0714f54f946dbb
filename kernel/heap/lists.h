/* Segregated lists of free nodes, found through two levels of bitmaps. */
#pragma once

#include "base/bits.h"
#include "heap/nodes.h"

#define LEVEL_SHIFT 6 /* log2 of HEAP_SECOND_LEVELS */

static inline uint64_t log2_floor(uint64_t size) {
    return 63 ^ (uint64_t)__builtin_clzll(size);
}

/* The class of nodes of `size` bytes. */
static inline uint64_t class_of(uint64_t size) {
    if (__builtin_expect(size < HEAP_LINEAR, 1)) {
        return size / HEAP_ALIGN;
    }
    uint64_t shift = log2_floor(size) - LEVEL_SHIFT;
    return ((shift - 3) << LEVEL_SHIFT) + (size >> shift);
}

/* The first class whose nodes, and those of all classes above, have at least `size` bytes. */
static inline uint64_t class_from(uint64_t size) {
    if (__builtin_expect(size < HEAP_LINEAR, 1)) {
        return size / HEAP_ALIGN;
    }
    uint64_t shift = log2_floor(size) - LEVEL_SHIFT;
    return ((shift - 3) << LEVEL_SHIFT) + ((size + (1ULL << shift) - 1) >> shift);
}

/* Note in the bitmaps that the list of a class, which was empty, has a node; that it has none left.
 */
static inline void class_mark(uint64_t class) {
    uint64_t first = class / HEAP_SECOND_LEVELS;
    if (!heap.second_bitmap[first]) {
        heap.first_bitmap |= 1u << first;
    }
    word_add(&heap.second_bitmap[first], class);
}

/* The bits are set. Subtracted, they leave in the flags whether another one is. */
static inline void class_unmark(uint64_t class) {
    uint64_t first = class / HEAP_SECOND_LEVELS;
    heap.second_bitmap[first] -= 1ULL << class % HEAP_SECOND_LEVELS;
    if (!heap.second_bitmap[first]) {
        heap.first_bitmap -= 1u << first;
    }
}

static inline void list_add(struct heap_node *node, uint64_t size) {
    uint64_t class = class_of(size);
    struct heap_node **head = &heap.free[class];
    struct heap_node *next = *head;
    node->next_free = next;
    node->link = head;
    *head = node;
    if (next) {
        next->link = &node->next_free;
    } else {
        class_mark(class);
    }
}

/* Take a node off its list. */
static inline void list_remove(const struct heap_node *node) {
    struct heap_node *next = node->next_free;
    struct heap_node **link = node->link;
    *link = next;
    if (next) {
        next->link = link;
        return;
    }
    uint64_t offset = (vaddr_t)link - (vaddr_t)heap.free;
    if (offset < sizeof(heap.free)) {
        class_unmark(offset / sizeof(*heap.free));
    }
}

/* Take the head of the first list that has one, from `class` up; NULL if there is none. */
static inline struct heap_node *list_take(uint64_t class) {
    uint64_t first = class >> LEVEL_SHIFT;
    uint64_t second = bits_from(heap.second_bitmap[first], class);
    if (!second) {
        uint32_t above = heap.first_bitmap >> first >> 1;
        if (!above) {
            return NULL;
        }
        first += 1 + lowest_bit(above);
        second = heap.second_bitmap[first];
    }
    class = (first << LEVEL_SHIFT) + lowest_bit(second);
    struct heap_node *node = heap.free[class];
    struct heap_node *next = node->next_free;
    heap.free[class] = next;
    if (next) {
        next->link = &heap.free[class];
    } else {
        class_unmark(class);
    }
    return node;
}
