/* Pointers that must not be freed: the name of what is wrong with them. */
#include "heap/internal.h"

/* The nodes before the address are walked: slow, but this is no place to be in often. */
int name_bad_node(const struct heap_node *wrong) {
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
