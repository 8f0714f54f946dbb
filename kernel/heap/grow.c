/* The heap's end: one region, moved by whole pages. */
#include "cpu/panic.h"
#include "heap/internal.h"

/* The heap's first pages, or more of them. */
static int move_end(vaddr_t end) {
    if (heap.end == HEAP_BASE) {
        struct vm_backing backing = {.kind = VM_ANONYMOUS};
        return vm_alloc_at(&heap.space, HEAP_BASE, end - HEAP_BASE, PAGE_WRITE, backing);
    }
    return vm_resize(&heap.space, HEAP_BASE, end - HEAP_BASE);
}

bool heap_grow(uint64_t size) {
    struct heap_node *last = heap.last;
    if (last && !node_is_intact(last)) {
        node_panic(last);
    }
    uint64_t available = last ? node_size(last) : 0;
    uint64_t missing = align_up(size + HEAP_HEADER - available, PAGE_SIZE_4K);
    if (move_end(heap.end + missing) < 0) {
        return false;
    }
    if (last) {
        node_set_tag(last, tag_of(available + missing, 0));
    } else {
        heap.last = (struct heap_node *)HEAP_BASE;
        node_write(heap.last, 0, missing);
    }
    heap.end += missing;
    return true;
}

int heap_trim(void) {
    struct heap_node *last = heap.last;
    int status;
    if ((vaddr_t)last == HEAP_BASE) {
        heap.end = HEAP_BASE;
        heap.last = NULL;
        status = vm_free(&heap.space, HEAP_BASE);
    } else {
        heap.end = align_up((vaddr_t)last + HEAP_HEADER, PAGE_SIZE_4K);
        node_set_tag(last, tag_of(heap.end - (vaddr_t)last, 0));
        status = vm_resize(&heap.space, HEAP_BASE, heap.end - HEAP_BASE);
    }
    ASSERT(status == STATUS_OK);
    return status;
}
