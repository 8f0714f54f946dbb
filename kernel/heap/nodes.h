/* Nodes: geometry, and the guard that seals a header. */
#pragma once

#include "base/layout.h"
#include "heap/heap.h"

#define TAG_USED 1u
#define TAG_UNIT 8 /* bytes of size per unit of the tag */

static inline uint64_t node_size(const struct heap_node *node) {
    return (uint64_t)(node->tag & ~TAG_USED) * TAG_UNIT;
}

static inline bool node_is_used(const struct heap_node *node) {
    return node->tag & TAG_USED;
}

static inline struct heap_node *node_offset(const struct heap_node *node, uint64_t bytes) {
    return (struct heap_node *)((vaddr_t)node + bytes);
}

/* The node after; (struct heap_node *)heap.end after the last. */
static inline struct heap_node *node_next(const struct heap_node *node) {
    return node_offset(node, node_size(node));
}

static inline void *node_payload(const struct heap_node *node) {
    return node_offset(node, HEAP_HEADER);
}

/* The size of the node that a request of `size` bytes, at most HEAP_ALLOC_MAX, gets. */
static inline uint64_t node_size_for(uint64_t size) {
    return max_u64(align_up(size + HEAP_HEADER, HEAP_ALIGN), HEAP_NODE_MIN);
}

static inline uint32_t node_guard(const struct heap_node *node) {
    uint64_t mixed = (vaddr_t)node->previous ^ ((vaddr_t)node << 16) ^ node->tag;
    return (uint32_t)(mixed * HEAP_GUARD_FACTOR >> 32);
}

static inline bool node_is_intact(const struct heap_node *node) {
    return node->guard == node_guard(node);
}

static inline void node_write(struct heap_node *node, struct heap_node *previous, uint64_t size,
                              uint32_t used) {
    node->previous = previous;
    node->tag = (uint32_t)(size / TAG_UNIT) | used;
    node->guard = node_guard(node);
}

/*
 * Make `previous`, of that size, what stands before the node that begins where it ends, or
 * heap.last if none does. A guard that did not match its header does not match it afterwards
 * either.
 */
static inline void node_link_back(struct heap_node *previous, uint64_t size) {
    struct heap_node *node = node_offset(previous, size);
    if ((vaddr_t)node == heap.end) {
        heap.last = previous;
        return;
    }
    uint32_t mismatch = node->guard ^ node_guard(node);
    node->previous = previous;
    node->guard = node_guard(node) ^ mismatch;
}

/* The node before, or after, if its header says that it is free, intact or not; else NULL. */
static inline struct heap_node *free_previous(const struct heap_node *node) {
    struct heap_node *previous = node->previous;
    return previous && !node_is_used(previous) ? previous : NULL;
}

static inline struct heap_node *free_next(const struct heap_node *node) {
    struct heap_node *next = node_next(node);
    return (vaddr_t)next != heap.end && !node_is_used(next) ? next : NULL;
}
