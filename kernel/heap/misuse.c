/* Pointers that must not be freed, and headers that must not be believed. */
#include "cpu/panic.h"
#include "heap/internal.h"

/* The nodes before the address are walked: slow, but this is no place to be in often. */
static int name_bad_node(const struct heap_node *wrong) {
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

int name_bad_pointer(const void *pointer) {
    vaddr_t address = (vaddr_t)pointer;
    if (address < HEAP_BASE + HEAP_HEADER || address >= heap.end ||
        !is_aligned(address, HEAP_ALIGN)) {
        return STATUS_FOREIGN;
    }
    const struct heap_node *node = node_of_payload(pointer);
    return node_is_intact(node) ? STATUS_DOUBLE_FREE : name_bad_node(node);
}

void node_panic(const struct heap_node *node) {
    panic("heap: smashed header 0x%lx", (vaddr_t)node);
}
