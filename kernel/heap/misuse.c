/* Pointers that must not be freed, and the name of what is wrong with them. */
#include "heap/internal.h"

/*
 * For an address in the heap without an intact header. The nodes before it are walked: slow, but
 * this is no place to be in often.
 */
static int name_the_error(const struct heap_node *wrong) {
    const struct heap_node *node = (const struct heap_node *)HEAP_BASE;
    while (node < wrong && node_is_intact(node)) {
        const struct heap_node *next = node_next(node);
        if (wrong < next) {
            return STATUS_INTERIOR;
        }
        node = next;
    }
    return STATUS_CORRUPT;
}

int node_of_pointer(const void *pointer, struct heap_node **node) {
    vaddr_t address = (vaddr_t)pointer;
    if (address < HEAP_BASE + HEAP_HEADER || address >= heap.end ||
        !is_aligned(address, HEAP_ALIGN)) {
        return STATUS_FOREIGN;
    }
    struct heap_node *found = (struct heap_node *)(address - HEAP_HEADER);
    if (!node_is_intact(found)) {
        return name_the_error(found);
    }
    if (!node_is_used(found)) {
        return STATUS_DOUBLE_FREE;
    }
    *node = found;
    return STATUS_OK;
}
