/* Resizing: in place if the node, alone or with a free one after it, is large enough. */
#include "base/string.h"
#include "heap/internal.h"
#include "heap/lists.h"

static int move(struct heap_node *node, void **pointer, size_t size) {
    if (check_previous(node) < 0) {
        return STATUS_CORRUPT;
    }
    void *to = kmalloc(size);
    if (!to) {
        return STATUS_NO_MEMORY;
    }
    memcpy(to, *pointer, node_size(node) - HEAP_HEADER);
    int status = kfree(*pointer);
    *pointer = to;
    return status;
}

int krealloc(void **pointer, size_t size) {
    if (size == 0 || size > HEAP_ALLOC_MAX) {
        return STATUS_INVALID;
    }
    if (!*pointer) {
        *pointer = kmalloc(size);
        return *pointer ? STATUS_OK : STATUS_NO_MEMORY;
    }
    struct heap_node *node;
    int status = node_of_pointer(*pointer, &node);
    if (status == STATUS_OK) {
        status = check_next(node);
    }
    if (status < 0) {
        return status;
    }

    uint64_t wanted = node_size_for(size);
    uint64_t own = node_size(node);
    struct heap_node *next = node_next(node);
    bool next_is_free = (vaddr_t)next != heap.end && !node_is_used(next);
    uint64_t available = own + (next_is_free ? node_size(next) : 0);
    if (wanted > available) {
        return move(node, pointer, size);
    }
    if (wanted > own || own - wanted >= HEAP_NODE_MIN) {
        if (next_is_free) {
            list_remove(next, node_size(next));
        }
        node_use(node, available, wanted);
        if (node_size(node) == available) { /* all of it: what comes after has not been told */
            node_link_back(node);
        }
    }
    return STATUS_OK;
}
