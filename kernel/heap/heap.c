/*
 * Allocation and freeing. Both touch a fixed number of nodes, whatever the heap's size: one list
 * operation for each node that appears or disappears, and the headers next to them.
 */
#include "heap/heap.h"

#include "base/string.h"
#include "cpu/panic.h"
#include "heap/internal.h"

struct heap heap;

void heap_init(void) {
    memset(&heap, 0, sizeof(heap));
    heap.end = HEAP_BASE;
    vm_space_init(&heap.space, paging_kernel_root(), HEAP_BASE, HEAP_BASE + HEAP_SIZE);
}

/* Take a free node of at least `size` bytes off its list, or grow the heap for it; NULL: no memory.
 */
static inline struct heap_node *node_take(uint64_t size) {
    struct heap_node *node = list_take(class_round_up(size));
    if (!node) {
        return heap_grow(size);
    }
    if (!node_is_intact(node) || node_is_used(node)) {
        panic("heap: smashed header 0x%lx", (vaddr_t)node);
    }
    return node;
}

void *kmalloc(size_t size) {
    if (size == 0 || size > HEAP_ALLOC_MAX) {
        return NULL;
    }
    uint64_t wanted = node_size_for(size);
    struct heap_node *node = node_take(wanted);
    if (!node) {
        return NULL;
    }
    node_use(node, node_size(node), wanted);
    return node_payload(node);
}

void *kzalloc(size_t size) {
    void *pointer = kmalloc(size);
    return pointer ? memset(pointer, 0, size) : NULL;
}

void *kmemalign(size_t align, size_t size) {
    if (!is_power_of_two(align) || align > HEAP_ALIGN_MAX) {
        return NULL;
    }
    if (align <= HEAP_ALIGN) {
        return kmalloc(size);
    }
    if (size == 0 || size > HEAP_ALLOC_MAX) {
        return NULL;
    }
    uint64_t wanted = node_size_for(size);
    struct heap_node *node = node_take(wanted + align + HEAP_HEADER);
    if (!node) {
        return NULL;
    }
    uint64_t available = node_size(node);
    vaddr_t payload = align_up((vaddr_t)node_payload(node), align);
    uint64_t front = payload - HEAP_HEADER - (vaddr_t)node;
    if (front == HEAP_HEADER) { /* no node is that small */
        front += align;
    }
    if (front) {
        struct heap_node *aligned = node_offset(node, front);
        node_write(node, node->previous, front, 0);
        list_add(node, front);
        node_write(aligned, node, available - front, 0);
        node_link_back(aligned, available - front);
        node = aligned;
        available -= front;
    }
    node_use(node, available, wanted);
    return node_payload(node);
}

int kfree(void *pointer) {
    struct heap_node *node;
    if (!pointer) {
        return STATUS_OK;
    }
    int status = node_of_pointer(pointer, &node);
    if (status < 0) {
        return status;
    }
    struct heap_node *previous = free_previous(node);
    struct heap_node *next = free_next(node);
    if ((previous && !node_is_intact(previous)) || (next && !node_is_intact(next))) {
        return STATUS_CORRUPT;
    }

    uint64_t size = node_size(node);
    if (next) {
        list_remove(next, node_size(next));
        size += node_size(next);
    }
    if (previous) {
        node_write(node, previous, node_size(node), 0); /* so that a double free is known */
        list_remove(previous, node_size(previous));
        size += node_size(previous);
        node = previous;
    }
    node_write(node, node->previous, size, 0);
    if (previous || next) {
        node_link_back(node, size);
    }
    list_add(node, size);
    if (!node_is_used(heap.last) &&
        (node_size(heap.last) >= HEAP_TRIM || heap.last == (struct heap_node *)HEAP_BASE)) {
        heap_trim();
    }
    return STATUS_OK;
}
