/* What the heap's files use of each other. */
#pragma once

#include "heap/lists.h"

#define INLINE static inline __attribute__((always_inline))

/* Make the last node large enough for a node of `size` bytes to be split off it. False: no memory,
 * nothing changed. */
bool heap_grow(uint64_t size);

/* Give memory at the end back: whole pages, or everything if nothing else is left. */
int heap_trim(void);

/* What is wrong with a pointer that is not the payload of an intact node in use. */
int name_bad_pointer(const void *pointer);

/* A smashed header was met where there is no way back. */
_Noreturn void node_panic(const struct heap_node *node);

/* Whether a pointer is the payload of an intact node in use. One that is not a multiple of 16 has
 * no intact header in front of it. */
static inline bool is_payload(const void *pointer) {
    vaddr_t address = (vaddr_t)pointer;
    const struct heap_node *node = node_of_payload(pointer);
    return address < heap.end && address >= HEAP_BASE + HEAP_HEADER && node_is_intact(node) &&
           node_is_used(node);
}

/* The node after one in use, if its header says that it is free, intact or not; else NULL. */
static inline struct heap_node *free_next(const struct heap_node *node) {
    struct heap_node *next = node_next(node);
    return !node_is_used(next) ? next : NULL;
}

/* The same of the node before. The first is its own `previous`, and it is in use. */
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

/* A free node on a list of at least `size` bytes, taken off it; NULL: there is none. */
INLINE struct heap_node *node_take(uint64_t size) {
    struct heap_node *node = list_take(class_from(size));
    if (node && (!node_is_intact(node) || node_is_used(node))) {
        node_panic(node);
    }
    return node;
}

/* The last node, grown if needed, for a node of `size` bytes to be split off it; NULL: no memory.
 */
INLINE struct heap_node *last_take(uint64_t size) {
    struct heap_node *node = heap.last;
    if (!node || node_size(node) < size + HEAP_HEADER) {
        return heap_grow(size) ? heap.last : NULL;
    }
    if (!node_is_intact(node)) {
        node_panic(node);
    }
    return node;
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

/* The same with the last node: the rest becomes the last node. */
INLINE void last_use(struct heap_node *node, uint64_t size) {
    struct heap_node *tail = node_offset(node, size);
    node_write(tail, tag_of(size, 0), node_size(node) - size);
    node_set_tag(node, tag_of(size, TAG_USED));
    heap.last = tail;
}
