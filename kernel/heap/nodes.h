/* Nodes: geometry, and the guard that seals a header. */
#pragma once

#include "base/layout.h"
#include "heap/heap.h"

#define TAG_USED 1u
#define TAG_UNIT 8 /* bytes of size per unit of a tag */

static inline bool node_is_used(const struct heap_node *node) {
    return node->tag & TAG_USED;
}

static inline uint64_t node_size(const struct heap_node *node) {
    return (uint64_t)(node->tag & ~TAG_USED) * TAG_UNIT;
}

static inline struct heap_node *node_offset(const struct heap_node *node, uint64_t bytes) {
    return (struct heap_node *)((vaddr_t)node + bytes);
}

/* The node after; (struct heap_node *)heap.end after the last. */
static inline struct heap_node *node_next(const struct heap_node *node) {
    return node_offset(node, node_size(node));
}

/* The node before; of the first, the node itself. */
static inline struct heap_node *node_previous(const struct heap_node *node) {
    return node_offset(node, -(uint64_t)node->before * TAG_UNIT);
}

static inline void *node_payload(const struct heap_node *node) {
    return node_offset(node, HEAP_HEADER);
}

static inline struct heap_node *node_of_payload(const void *payload) {
    return node_offset(payload, -HEAP_HEADER);
}

/* The size of the node that a request of `size` bytes, 1 to HEAP_ALLOC_MAX, gets. */
static inline uint64_t node_size_for(uint64_t size) {
    return align_up(size + HEAP_HEADER, HEAP_ALIGN);
}

static inline uint32_t tag_of(uint64_t size, uint32_t used) {
    return (uint32_t)(size / TAG_UNIT) | used;
}

static inline uint64_t node_links(const struct heap_node *node) {
    return node->before | (uint64_t)node->tag << 32;
}

static inline bool node_is_intact(const struct heap_node *node) {
    return (node_links(node) ^ node->guard ^ (vaddr_t)node) == HEAP_GUARD;
}

/* Write the header of a free node. */
static inline void node_write(struct heap_node *node, uint32_t before, uint64_t size) {
    node->before = before;
    node->tag = tag_of(size, 0);
    node->guard = node_links(node) ^ (vaddr_t)node ^ HEAP_GUARD;
}

/* These change a header and its guard by the same bits: what was smashed stays smashed. */
static inline void node_set_tag(struct heap_node *node, uint32_t tag) {
    node->guard ^= (uint64_t)(node->tag ^ tag) << 32;
    node->tag = tag;
}

static inline void node_mark_free(struct heap_node *node) {
    node->guard ^= (uint64_t)TAG_USED << 32;
    node->tag ^= TAG_USED;
}

static inline void node_set_before(struct heap_node *node, uint32_t before) {
    node->guard ^= node->before ^ before;
    node->before = before;
}
