/* Splitting a node into one in use and a free rest, and joining free ones. */
#pragma once

#include "heap/lists.h"

#define INLINE static inline __attribute__((always_inline))

/* The node after one in use, if its header says that it is free, intact or not; else NULL. */
static inline struct heap_node *free_next(const struct heap_node *node) {
    struct heap_node *next = node_next(node);
    return !node_is_used(next) ? next : NULL;
}

/* The node before one in use, if it is free; else NULL. The first is its own `previous`. */
static inline struct heap_node *free_previous(const struct heap_node *node) {
    struct heap_node *previous = node_previous(node);
    return !node_is_used(previous) ? previous : NULL;
}

/* Put a new free node on its list, and tell the node after it. */
static inline void node_enlist(struct heap_node *node) {
    node_set_before(node_next(node), node->tag);
    list_add(node, node_size(node));
}

/* Extend a node by the free node after it, which is on no list. */
static inline void node_absorb(struct heap_node *node, const struct heap_node *next) {
    node_set_tag(node, node->tag + next->tag);
}

/* Make a node that was taken off a list a node in use of `size` bytes. The rest becomes a free
 * node, if it can be one. */
INLINE void node_use(struct heap_node *node, uint64_t size) {
    uint64_t rest = node_size(node) - size;
    if (rest < HEAP_NODE_MIN) {
        node_set_before(node_next(node), node->tag & ~TAG_USED);
        node_set_tag(node, node->tag | TAG_USED);
    } else {
        struct heap_node *tail = node_offset(node, size);
        node_set_tag(node, tag_of(size, TAG_USED));
        node_write(tail, tag_of(size, 0), rest);
        node_enlist(tail);
    }
}

/* Make the last node a node in use of `size` bytes; the rest becomes the last node. */
INLINE void last_use(struct heap_node *node, uint64_t size) {
    struct heap_node *tail = node_offset(node, size);
    node_write(tail, tag_of(size, 0), node_size(node) - size);
    node_set_tag(node, tag_of(size, TAG_USED));
    heap.last = tail;
}
