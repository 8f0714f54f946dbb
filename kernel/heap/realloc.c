/* Resizing: in place if the node, alone or with a free one after it, is large enough. */
#include "base/string.h"
#include "cpu/panic.h"
#include "heap/internal.h"

static int move(struct heap_node *node, void **pointer, size_t size) {
    const struct heap_node *previous = free_previous(node);
    if (previous && !node_is_intact(previous)) {
        return STATUS_CORRUPT;
    }
    void *to = kmalloc(size);
    if (!to) {
        return STATUS_NO_MEMORY;
    }
    memcpy(to, *pointer, node_size(node) - HEAP_HEADER);
    int status = kfree(*pointer);
    ASSERT(status == STATUS_OK);
    *pointer = to;
    return STATUS_OK;
}

int krealloc(void **pointer, size_t size) {
    if (size == 0 || size > HEAP_ALLOC_MAX) {
        return STATUS_INVALID;
    }
    if (!*pointer) {
        *pointer = kmalloc(size);
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
