/*
 * Allocation, freeing and resizing. All touch a fixed number of nodes, whatever the heap's size:
 * one list operation for each node that appears or disappears, and the headers next to them.
 */
#include "heap/heap.h"

#include "base/string.h"
#include "cpu/panic.h"
#include "heap/check.h"
#include "heap/split.h"

struct heap heap;

void heap_init(void) {
    memset(&heap, 0, sizeof(heap));
    heap.end = HEAP_BASE;
    vm_space_init(&heap.space, paging_kernel_root(), HEAP_BASE, HEAP_BASE + HEAP_SIZE);
}

/* --- The heap's end: one region, moved by whole pages -------------------------------------- */

/* The heap's first pages, or more of them. */
static int move_end(vaddr_t end) {
    if (heap.end == HEAP_BASE) {
        struct vm_backing backing = {.kind = VM_ANONYMOUS};
        return vm_alloc_at(&heap.space, HEAP_BASE, end - HEAP_BASE, PAGE_WRITE, backing);
    }
    return vm_resize(&heap.space, HEAP_BASE, end - HEAP_BASE);
}

/* Make the last node large enough for a node of `size` bytes to be split off it. False: no memory,
 * nothing changed. As heap_trim kept apart: it is seldom called, and what calls it often. */
__attribute__((noinline)) static bool heap_grow(uint64_t size) {
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

/* Give memory at the end back: whole pages, or everything if nothing else is left. */
__attribute__((noinline)) static int heap_trim(void) {
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

/* --- Allocation ---------------------------------------------------------------------------- */

/* A free node on a list of at least `size` bytes, taken off it; NULL: there is none. */
INLINE struct heap_node *node_take(uint64_t size) {
    struct heap_node *node = list_take(class_from(size));
    if (node && (!node_is_intact(node) || node_is_used(node))) {
        node_panic(node);
    }
    return node;
}

/* The last node, grown if needed, for a node of `size` bytes to be split off it; NULL: no memory.
 */
INLINE struct heap_node *last_take(uint64_t size) {
    struct heap_node *node = heap.last;
    if (!node || node_size(node) < size + HEAP_HEADER) {
        return heap_grow(size) ? heap.last : NULL;
    }
    if (!node_is_intact(node)) {
        node_panic(node);
    }
    return node;
}

void *heap_alloc(size_t size) {
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

void *heap_zalloc(size_t size) {
    void *pointer = heap_alloc(size);
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

void *heap_align(size_t align, size_t size) {
    if (!is_power_of_two(align) || align > HEAP_ALIGN_MAX) {
        return NULL;
    }
    if (align <= HEAP_ALIGN) {
        return heap_alloc(size);
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

/* --- Freeing ------------------------------------------------------------------------------- */

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

/* Whether a pointer is the payload of an intact node in use. One that is not a multiple of 16 has
 * no intact header in front of it. */
static inline bool is_payload(const void *pointer) {
    vaddr_t address = (vaddr_t)pointer;
    const struct heap_node *node = node_of_payload(pointer);
    return address < heap.end && address >= HEAP_BASE + HEAP_HEADER && node_is_intact(node) &&
           node_is_used(node);
}

int heap_free(void *pointer) {
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

/* --- Resizing ------------------------------------------------------------------------------ */

static int move(struct heap_node *node, void **pointer, size_t size) {
    const struct heap_node *previous = free_previous(node);
    if (previous && !node_is_intact(previous)) {
        return STATUS_CORRUPT;
    }
    void *to = heap_alloc(size);
    if (!to) {
        return STATUS_NO_MEMORY;
    }
    memcpy(to, *pointer, node_size(node) - HEAP_HEADER);
    int status = heap_free(*pointer);
    ASSERT(status == STATUS_OK);
    *pointer = to;
    return STATUS_OK;
}

int heap_realloc(void **pointer, size_t size) {
    if (size == 0 || size > HEAP_ALLOC_MAX) {
        return STATUS_INVALID;
    }
    if (!*pointer) {
        *pointer = heap_alloc(size);
        return *pointer ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (!is_payload(*pointer)) {
        return name_bad_pointer(*pointer);
    }
    struct heap_node *node = node_of_payload(*pointer);
    struct heap_node *next = free_next(node);
    if (next && !node_is_intact(next)) {
        return STATUS_CORRUPT;
    }

    bool is_next_last = next == heap.last;
    uint64_t wanted = node_size_for(size);
    uint64_t own = node_size(node);
    uint64_t available = own + (next ? node_size(next) : 0) - (is_next_last ? HEAP_HEADER : 0);
    if (wanted > available) {
        return move(node, pointer, size);
    }
    if (wanted <= own && own - wanted < HEAP_NODE_MIN) {
        return STATUS_OK;
    }
    if (next) {
        node_absorb(node, next);
    }
    if (is_next_last) {
        last_use(node, wanted);
    } else {
        if (next) {
            list_remove(next);
        }
        node_use(node, wanted);
    }
    return STATUS_OK;
}
