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

void *kmalloc(size_t size) {
    if (size == 0 || size > HEAP_ALLOC_MAX) {
        return NULL;
    }
    uint64_t wanted = node_size_for(size);
    struct heap_node *node = node_take(wanted);
    if (node) {
        node_use(node, wanted);
        return node_payload(node);
    }
    node = last_take(wanted);
    if (!node) {
        return NULL;
    }
    last_use(node, wanted);
    return node_payload(node);
}

void *kzalloc(size_t size) {
    void *pointer = kmalloc(size);
    return pointer ? memset(pointer, 0, size) : NULL;
}

/* Split a free node that was taken, so that the payload of the second part is at a multiple of
 * `align`; that part. The first part becomes a free node. */
static struct heap_node *split_front(struct heap_node *node, uint64_t align) {
    vaddr_t payload = align_up((vaddr_t)node_payload(node), align);
    uint64_t front = payload - (vaddr_t)node_payload(node);
    if (front == 0) {
        return node;
    }
    if (front < HEAP_NODE_MIN) {
        front += align;
    }
    struct heap_node *aligned = node_offset(node, front);
    node_write(aligned, tag_of(front, 0), node_size(node) - front);
    node_set_tag(node, tag_of(front, 0));
    list_add(node, front);
    return aligned;
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
    uint64_t room = wanted + align + HEAP_HEADER;
    struct heap_node *node = node_take(room);
    if (node) {
        node = split_front(node, align);
        node_use(node, wanted);
        return node_payload(node);
    }
    node = last_take(room);
    if (!node) {
        return NULL;
    }
    node = split_front(node, align);
    last_use(node, wanted);
    return node_payload(node);
}

/* Free a node that has a free neighbour: `previous`, `next` or both. */
static inline int merge(struct heap_node *node, struct heap_node *previous,
                        struct heap_node *next) {
    if ((previous && !node_is_intact(previous)) || (next && !node_is_intact(next))) {
        return STATUS_CORRUPT;
    }
    node_mark_free(node);
    if (previous) {
        list_remove(previous);
        node_absorb(previous, node);
        node = previous;
    }
    if (next) {
        node_absorb(node, next);
        if (next == heap.last) {
            heap.last = node;
            return node_size(node) >= HEAP_TRIM || (vaddr_t)node == HEAP_BASE ? heap_trim()
                                                                              : STATUS_OK;
        }
        list_remove(next);
    }
    node_enlist(node);
    return STATUS_OK;
}

int kfree(void *pointer) {
    if (!is_payload(pointer)) {
        return pointer ? name_bad_pointer(pointer) : STATUS_OK;
    }
    struct heap_node *node = node_of_payload(pointer);
    struct heap_node *previous = free_previous(node);
    struct heap_node *next = free_next(node);
    if (previous || next) {
        return merge(node, previous, next);
    }
    node_mark_free(node);
    list_add(node, node_size(node));
    return STATUS_OK;
}
