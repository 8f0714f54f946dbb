/* The heap's whole structure, believed by nobody: for tests, and for a person who suspects it. */
#include "heap/internal.h"

/* Whether an address can hold a node at all. */
static bool is_place(const struct heap_node *node) {
    vaddr_t address = (vaddr_t)node;
    return address >= HEAP_BASE && address < heap.end && heap.end - address >= HEAP_NODE_MIN &&
           is_aligned(address, HEAP_ALIGN);
}

/* Whether a node's header is as it must be after `previous`. */
static bool header_is_good(const struct heap_node *node, const struct heap_node *previous) {
    uint64_t size = node_size(node);
    return node_is_intact(node) && node->previous == previous && size >= HEAP_NODE_MIN &&
           is_aligned(size, HEAP_ALIGN) && size <= heap.end - (vaddr_t)node &&
           (node_is_used(node) || !previous || node_is_used(previous));
}

/* Whether a free node is on the list of its size, as its links say. */
static bool links_are_good(const struct heap_node *node) {
    const struct heap_node *next = node->next_free;
    const struct heap_node *previous = node->previous_free;
    struct size_class class = class_of(node_size(node));
    if (next && (!is_place(next) || next->previous_free != node)) {
        return false;
    }
    if (!previous) {
        return heap.free[class.first][class.second] == node;
    }
    return is_place(previous) && previous->next_free == node;
}

static int check_nodes(uint64_t *free_count, vaddr_t *where) {
    const struct heap_node *previous = NULL;
    const struct heap_node *node = (const struct heap_node *)HEAP_BASE;
    *free_count = 0;
    while ((vaddr_t)node != heap.end) {
        *where = (vaddr_t)node;
        if (!is_place(node) || !header_is_good(node, previous)) {
            return STATUS_CORRUPT;
        }
        if (!node_is_used(node)) {
            ++*free_count;
            if (!links_are_good(node)) {
                return STATUS_CORRUPT;
            }
        }
        previous = node;
        node = node_next(node);
    }
    *where = (vaddr_t)heap.last;
    return heap.last == previous ? STATUS_OK : STATUS_CORRUPT;
}

/* All free nodes are on their lists, so the lists hold nothing else if they are no longer. */
static int check_list(const struct heap_node *node, uint64_t *left, vaddr_t *where) {
    for (; node; node = node->next_free) {
        *where = (vaddr_t)node;
        if (!is_place(node) || node_is_used(node) || !node_is_intact(node) || *left == 0) {
            return STATUS_CORRUPT;
        }
        --*left;
    }
    return STATUS_OK;
}

static bool bit_is(uint32_t word, unsigned bit, bool set) {
    return (word >> bit & 1) == set;
}

int heap_check(vaddr_t *where) {
    uint64_t left;
    if (check_nodes(&left, where) < 0) {
        return STATUS_CORRUPT;
    }
    for (unsigned first = 0; first < HEAP_FIRST_LEVELS; first++) {
        for (unsigned second = 0; second < HEAP_SECOND_LEVELS; second++) {
            const struct heap_node *head = heap.free[first][second];
            *where = head ? (vaddr_t)head : HEAP_BASE;
            if (!bit_is(heap.second_bitmap[first], second, head != NULL) ||
                check_list(head, &left, where) < 0) {
                return STATUS_CORRUPT;
            }
        }
        *where = HEAP_BASE;
        if (!bit_is(heap.first_bitmap, first, heap.second_bitmap[first] != 0)) {
            return STATUS_CORRUPT;
        }
    }
    return left == 0 ? STATUS_OK : STATUS_CORRUPT;
}
