#include "kernel.h"

#define UNIT   16ull
#define SPARE  24 /* bytes before and behind what the allocator needs of a header */
#define POISON 0xdd

struct header {
    uint8_t spare_before[SPARE];
    uint64_t size;
    struct header *next;
    uint64_t in_use;
    uint8_t spare_behind[SPARE];
};

static struct header *first;

static void *start_of(struct header *header) {
    return header + 1;
}

static void grow(void) {
    uint64_t frame = frame_alloc();
    struct header *header = (struct header *)(DIRECT + frame);
    struct header **last = &first;
    while (*last)
        last = &(*last)->next;
    header->size = PAGE - sizeof(*header);
    header->next = NULL;
    header->in_use = 0;
    *last = header;
}

__attribute__((noinline)) static struct header *search(size_t size) {
    for (struct header *header = first; header; header = header->next)
        if (!header->in_use && header->size >= size)
            return header;
    return NULL;
}

void *kmalloc(size_t size) {
    size_t whole = (size + UNIT - 1) & -UNIT;
    if (size == 0 || whole > PAGE - sizeof(struct header))
        return NULL;
    if (!search(whole))
        grow();
    struct header *header = search(whole);
    if (header->size >= whole + sizeof(*header) + UNIT) {
        struct header *rest = (struct header *)((uint8_t *)start_of(header) + whole);
        rest->size = header->size - whole - sizeof(*rest);
        rest->next = header->next;
        rest->in_use = 0;
        header->next = rest;
        header->size = whole;
    }
    header->in_use = 1;
    return start_of(header);
}

void *kzalloc(size_t size) {
    void *block = kmalloc(size);
    return block ? memset(block, 0, size) : NULL;
}

void kfree(void *block) {
    if (block == NULL)
        return;
    struct header *header = (struct header *)block - 1;
    memset(block, POISON, header->size);
    header->in_use = 0;
}

void *krealloc(void *block, size_t size) {
    struct header *header = (struct header *)block - 1;
    if (block && header->size >= size)
        return block;
    void *moved = kmalloc(size);
    if (block && moved) {
        memcpy(moved, block, header->size);
        kfree(block);
    }
    return moved;
}

size_t kusable(const void *block) {
    return ((const struct header *)block - 1)->size;
}

/* Not of those whose calls are watched: it reads headers, and looks at freed blocks. */
size_t heap_walk(void) {
    size_t found = 0;
    for (struct header *header = first; header; header = header->next) {
        const volatile uint8_t *start = start_of(header);
        found += header->in_use || *start == POISON || header->size > 0;
    }
    return found;
}
