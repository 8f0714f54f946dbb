/* Segregated lists of free nodes, found through two levels of bitmaps. */
#pragma once

#include "heap/nodes.h"

#define LINEAR_LIMIT                                                            \
    512 /* classes below are 16 bytes wide; from here on 1/32 of a power of two \
         */

struct size_class {
    unsigned first, second;
};

static inline unsigned log2_floor(uint64_t size) {
    return 63 - (unsigned)__builtin_clzll(size);
}

static inline struct size_class class_of(uint64_t size) {
    if (size < LINEAR_LIMIT) {
        return (struct size_class){0, (unsigned)size / HEAP_ALIGN};
    }
    unsigned k = log2_floor(size);
    return (struct size_class){k - 8, size >> (k - 5) & (HEAP_SECOND_LEVELS - 1)};
}

/* `size` rounded up so that any node of its class, and of those above, is at least `size`. */
static inline uint64_t class_round_up(uint64_t size) {
    return size < 2 * LINEAR_LIMIT ? size : size + (1ULL << (log2_floor(size) - 5)) - 1;
}

static inline void list_add(struct heap_node *node, uint64_t size) {
    struct size_class class = class_of(size);
    struct heap_node **head = &heap.free[class.first][class.second];
    node->next_free = *head;
    node->previous_free = NULL;
    if (*head) {
        (*head)->previous_free = node;
    } else {
        heap.second_bitmap[class.first] |= 1u << class.second;
        heap.first_bitmap |= 1u << class.first;
    }
    *head = node;
}

static inline void class_mark_empty(struct size_class class) {
    heap.second_bitmap[class.first] &= ~(1u << class.second);
    if (!heap.second_bitmap[class.first]) {
        heap.first_bitmap &= ~(1u << class.first);
    }
}

static inline void list_remove(struct heap_node *node, uint64_t size) {
    struct heap_node *next = node->next_free;
    struct heap_node *previous = node->previous_free;
    if (next) {
        next->previous_free = previous;
    }
    if (previous) {
        previous->next_free = next;
        return;
    }
    struct size_class class = class_of(size);
    heap.free[class.first][class.second] = next;
    if (!next) {
        class_mark_empty(class);
    }
}

/* Take the head of the first list that has one, from the class of `size` up; NULL if there is none.
 * Only its place on the list is changed. */
static inline struct heap_node *list_take(uint64_t size) {
    struct size_class class = class_of(size);
    uint32_t second = heap.second_bitmap[class.first] & (~0u << class.second);
    if (!second) {
        uint32_t first = heap.first_bitmap & (~1u << class.first);
        if (!first) {
            return NULL;
        }
        class.first = (unsigned)__builtin_ctz(first);
        second = heap.second_bitmap[class.first];
    }
    class.second = (unsigned)__builtin_ctz(second);
    struct heap_node *node = heap.free[class.first][class.second];
    struct heap_node *next = node->next_free;
    heap.free[class.first][class.second] = next;
    if (next) {
        next->previous_free = NULL;
    } else {
        class_mark_empty(class);
    }
    return node;
}
