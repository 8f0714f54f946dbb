/*
 * Allocation and freeing. Both touch a fixed number of nodes, whatever the heap's size: one list
 * operation for each node that appears or disappears, and the headers next to them.
 */
#include "heap/heap.h"

#include "base/string.h"
#include "cpu/panic.h"
#include "heap/internal.h"
#include "heap/lists.h"

struct heap heap;

void heap_init(void) {
    memset(&heap, 0, sizeof(heap));
    heap.end = HEAP_BASE;
    vm_space_init(&heap.space, paging_kernel_root(), HEAP_BASE, HEAP_BASE + HEAP_SIZE);
}

struct heap_node *node_take(uint64_t size) {
    struct heap_node *node = list_take(class_round_up(size));
    if (!node) {
        return heap_grow(size);
    }
    if (!node_is_intact(node) || node_is_used(node)) {
        panic("heap: smashed header 0x%lx", (vaddr_t)node);
    }
    return node;
}

void node_use(struct heap_node *node, uint64_t available, uint64_t size) {
    if (available - size < HEAP_NODE_MIN) {
        node_write(node, node->previous, available, TAG_USED);
        return;
    }
    struct heap_node *tail = node_offset(node, size);
    node_write(node, node->previous, size, TAG_USED);
    node_write(tail, node, available - size, 0);
    node_link_back(tail);
    list_add(tail, available - size);
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
        node_link_back(aligned);
        node = aligned;
        available -= front;
    }
    node_use(node, available, wanted);
    return node_payload(node);
}

int check_previous(const struct heap_node *node) {
    const struct heap_node *previous = node->previous;
    bool smashed = previous && !node_is_used(previous) && !node_is_intact(previous);
    return smashed ? STATUS_CORRUPT : STATUS_OK;
}

int check_next(const struct heap_node *node) {
    const struct heap_node *next = node_next(node);
    bool smashed = (vaddr_t)next != heap.end && !node_is_used(next) && !node_is_intact(next);
    return smashed ? STATUS_CORRUPT : STATUS_OK;
}

int kfree(void *pointer) {
    if (!pointer) {
        return STATUS_OK;
    }
    struct heap_node *node;
    int status = node_of_pointer(pointer, &node);
    if (status < 0) {
        return status;
    }
    if (check_previous(node) < 0 || check_next(node) < 0) {
        return STATUS_CORRUPT;
    }

    uint64_t size = node_size(node);
    struct heap_node *previous = node->previous;
    struct heap_node *next = node_next(node);
    bool merged = false;
    if ((vaddr_t)next != heap.end && !node_is_used(next)) {
        list_remove(next, node_size(next));
        size += node_size(next);
        merged = true;
    }
    if (previous && !node_is_used(previous)) {
        node_write(node, previous, node_size(node), 0); /* so that a double free is known */
        list_remove(previous, node_size(previous));
        size += node_size(previous);
        node = previous;
        merged = true;
    }
    node_write(node, node->previous, size, 0);
    if (merged) {
        node_link_back(node);
    }
    list_add(node, size);
    if (!node_is_used(heap.last) &&
        (node_size(heap.last) >= HEAP_TRIM || heap.last == (struct heap_node *)HEAP_BASE)) {
        heap_trim();
    }
    return STATUS_OK;
}
