/* What the heap's files use of each other. */
#pragma once

#include "heap/lists.h"

/* Grow the heap by enough for a free last node of at least `size` bytes; it is on no list. NULL: no
 * memory. */
struct heap_node *heap_grow(uint64_t size);

/* Give memory at the end back, if there is enough of it; after every kfree. */
void heap_trim(void);

/* What is wrong with a node address in the heap that has no intact header: INTERIOR or CORRUPT. */
int name_bad_node(const struct heap_node *wrong);

/* The node in use of a pointer. Errors: as for kfree, the neighbours left out. */
static inline int node_of_pointer(const void *pointer, struct heap_node **node) {
    vaddr_t address = (vaddr_t)pointer;
    if (address < HEAP_BASE + HEAP_HEADER || address >= heap.end ||
        !is_aligned(address, HEAP_ALIGN)) {
        return STATUS_FOREIGN;
    }
    *node = (struct heap_node *)(address - HEAP_HEADER);
    if (!node_is_intact(*node)) {
        return name_bad_node(*node);
    }
    return node_is_used(*node) ? STATUS_OK : STATUS_DOUBLE_FREE;
}

/* Make a node that is on no list used, with `size` of the `available` bytes from it; the rest
 * becomes a free node, if it can be one. True if it did: then the node after has been told. */
static inline bool node_use(struct heap_node *node, uint64_t available, uint64_t size) {
    uint64_t rest = available - size;
    if (rest < HEAP_NODE_MIN) {
        node_write(node, node->previous, available, TAG_USED);
        return false;
    }
    struct heap_node *tail = node_offset(node, size);
    node_write(node, node->previous, size, TAG_USED);
    node_write(tail, node, rest, 0);
    node_link_back(tail, rest);
    list_add(tail, rest);
    return true;
}
