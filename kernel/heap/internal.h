/* What the heap's files use of each other. */
#pragma once

#include "heap/nodes.h"

/* Take a free node of at least `size` bytes (a node's size) off its list, or grow the heap for it.
 * NULL: no memory. The node is intact and still marked free. */
struct heap_node *node_take(uint64_t size);

/* Make a node that is on no list used, with `size` of the `available` bytes from it; the rest
 * becomes a free node, if it can be one. */
void node_use(struct heap_node *node, uint64_t available, uint64_t size);

/* Grow the heap by enough for a free last node of at least `size` bytes; it is on no list. NULL: no
 * memory. */
struct heap_node *heap_grow(uint64_t size);

/* Give memory at the end back, if there is enough of it; after every kfree. */
void heap_trim(void);

/* The node of a pointer that may be freed. Errors: as for kfree, the neighbours left out. */
int node_of_pointer(const void *pointer, struct heap_node **node);

/* CORRUPT if the node before, or the one after, would merge with this one and is smashed. */
int check_previous(const struct heap_node *node);
int check_next(const struct heap_node *node);
