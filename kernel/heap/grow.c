/* The heap's end: one region, moved by whole pages. */
#include "cpu/panic.h"
#include "heap/internal.h"

static int move_end(vaddr_t end) {
    if (heap.end == HEAP_BASE) {
        struct vm_backing backing = {.kind = VM_ANONYMOUS};
        return vm_alloc_at(&heap.space, HEAP_BASE, end - HEAP_BASE, PAGE_WRITE, backing);
    }
    return vm_resize(&heap.space, HEAP_BASE, end - HEAP_BASE);
}

struct heap_node *heap_grow(uint64_t size) {
    struct heap_node *last = heap.last;
    struct heap_node *node = (struct heap_node *)heap.end;
    struct heap_node *previous = last;
    uint64_t available = 0;
    if (last && !node_is_used(last)) {
        if (!node_is_intact(last)) {
            panic("heap: smashed header 0x%lx", (vaddr_t)last);
        }
        node = last;
        previous = last->previous;
        available = node_size(last);
    }
    uint64_t missing = available < size ? align_up(size - available, PAGE_SIZE_4K) : 0;
    if (missing && move_end(heap.end + missing) < 0) {
        return NULL;
    }
    if (available) {
        list_remove(node, available);
    }
    heap.end += missing;
    heap.last = node;
    node_write(node, previous, available + missing, 0);
    return node;
}

/* Free the region: nothing but one free node is left. */
static void make_empty(void) {
    list_remove(heap.last, node_size(heap.last));
    heap.end = HEAP_BASE;
    heap.last = NULL;
    int status = vm_free(&heap.space, HEAP_BASE);
    ASSERT(status == STATUS_OK);
}

static void shrink(void) {
    struct heap_node *last = heap.last;
    uint64_t size = node_size(last);
    vaddr_t end = align_up((vaddr_t)last, PAGE_SIZE_4K);
    if (end - (vaddr_t)last == HEAP_HEADER) { /* no node is that small */
        end += PAGE_SIZE_4K;
    }
    list_remove(last, size);
    size = end - (vaddr_t)last;
    heap.end = end;
    if (size) {
        node_write(last, last->previous, size, 0);
        list_add(last, size);
    } else {
        heap.last = last->previous;
    }
    int status = vm_resize(&heap.space, HEAP_BASE, end - HEAP_BASE);
    ASSERT(status == STATUS_OK);
}

void heap_trim(void) {
    struct heap_node *last = heap.last;
    if (node_is_used(last) || !node_is_intact(last)) {
        return;
    }
    if ((vaddr_t)last == HEAP_BASE) {
        make_empty();
    } else if (node_size(last) >= HEAP_TRIM) {
        shrink();
    }
}
