/*
 * What is wrong: with a pointer that must not be freed, with a header that must not be believed,
 * and with the whole heap, for tests and for a person who suspects it.
 */
#include "heap/check.h"

#include "cpu/panic.h"
#include "heap/lists.h"

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

/* --- The whole heap ------------------------------------------------------------------------ */

/* Whether an address can hold a node of at least `size` bytes. */
static bool is_place(const struct heap_node *node, uint64_t size) {
    vaddr_t address = (vaddr_t)node;
    return address >= HEAP_BASE && address < heap.end && heap.end - address >= size &&
           is_aligned(address, HEAP_ALIGN);
}

/* Whether a node's size can be: the last node is free, and may be a bare header. */
static bool size_is_good(const struct heap_node *node) {
    uint64_t size = node_size(node);
    uint64_t left = heap.end - (vaddr_t)node;
    if (node == heap.last) {
        return size == left && !node_is_used(node);
    }
    return size >= HEAP_NODE_MIN && size < left && is_aligned(size, HEAP_ALIGN);
}

/* Whether a node's header is as it must be after `previous`. */
static bool header_is_good(const struct heap_node *node, const struct heap_node *previous) {
    uint32_t before = previous ? previous->tag & ~TAG_USED : 0;
    return node_is_intact(node) && node->before == before && size_is_good(node) &&
           (node_is_used(node) || !previous || node_is_used(previous));
}

/* Whether a free node is on the list of its size, as its links say. */
static bool links_are_good(const struct heap_node *node) {
    const struct heap_node *next = node->next_free;
    if (next && (!is_place(next, HEAP_NODE_MIN) || next->link != &node->next_free)) {
        return false;
    }
    if (node->link == &heap.free[class_of(node_size(node))]) {
        return *node->link == node;
    }
    vaddr_t before = (vaddr_t)node->link - offsetof(struct heap_node, next_free);
    return is_place((const struct heap_node *)before, HEAP_NODE_MIN) && *node->link == node;
}

/* Also counts the nodes that must be on lists: the free ones but the last. */
static int check_nodes(uint64_t *listed, vaddr_t *where) {
    const struct heap_node *previous = NULL;
    const struct heap_node *node = (const struct heap_node *)HEAP_BASE;
    *listed = 0;
    for (; (vaddr_t)node != heap.end; previous = node, node = node_next(node)) {
        *where = (vaddr_t)node;
        if (!is_place(node, HEAP_HEADER) || !header_is_good(node, previous)) {
            return STATUS_CORRUPT;
        }
        if (!node_is_used(node) && node != heap.last) {
            ++*listed;
            if (!links_are_good(node)) {
                return STATUS_CORRUPT;
            }
        }
    }
    *where = (vaddr_t)heap.last;
    return heap.last == previous ? STATUS_OK : STATUS_CORRUPT;
}

/* All nodes that must be are on their lists, so the lists hold nothing else if they are no longer.
 */
static int check_list(const struct heap_node *node, uint64_t *left, vaddr_t *where) {
    for (; node; node = node->next_free) {
        *where = (vaddr_t)node;
        if (!is_place(node, HEAP_NODE_MIN) || node_is_used(node) || !node_is_intact(node) ||
            *left == 0) {
            return STATUS_CORRUPT;
        }
        --*left;
    }
    return STATUS_OK;
}

/* Whether the heap ends where its region does: beyond, nothing can be read. */
static bool end_is_good(void) {
    struct vm_region region;
    if (vm_query(&heap.space, HEAP_BASE, &region) < 0) {
        return heap.end == HEAP_BASE;
    }
    return heap.end == region.base + region.length;
}

int heap_check(vaddr_t *where) {
    uint64_t left;
    if (!end_is_good()) {
        *where = heap.end;
        return STATUS_CORRUPT;
    }
    if (check_nodes(&left, where) < 0) {
        return STATUS_CORRUPT;
    }
    for (unsigned class = 0; class < HEAP_CLASSES; class++) {
        const struct heap_node *head = heap.free[class];
        uint64_t second = heap.second_bitmap[class / HEAP_SECOND_LEVELS];
        *where = head ? (vaddr_t)head : HEAP_BASE;
        if (word_contains(second, class) != (head != NULL) || check_list(head, &left, where) < 0) {
            return STATUS_CORRUPT;
        }
        *where = HEAP_BASE;
        if (word_contains(heap.first_bitmap, class / HEAP_SECOND_LEVELS) != (second != 0)) {
            return STATUS_CORRUPT;
        }
    }
    return left == 0 ? STATUS_OK : STATUS_CORRUPT;
}
