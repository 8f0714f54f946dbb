/*
 * The heap: blocks that follow each other without a gap from HEAP_START on, each behind a header.
 *
 * First fit: the lowest free block that is large enough is taken, and split if the rest is worth a
 * block. A freed block is merged with free neighbours. The heap grows by pages; it does not shrink.
 */
#include "kernel.h"

#define UNIT   16ull
#define IN_USE 0x6c6c6f636e692121ull
#define FREE   0x6565726620736921ull

struct block {
    size_t size; /* in bytes, without this header; a multiple of UNIT */
    uint64_t state;
    struct block *previous, *next; /* neighbours in memory */
};

static struct block *first, *last;
static uint64_t heap_end = HEAP_START; /* mapped up to here */

static uint8_t *start_of(struct block *block) {
    return (uint8_t *)(block + 1);
}

static struct block *block_of(const void *address) {
    struct block *block = (struct block *)address - 1;
    if (block->state != IN_USE) {
        panic("this is no block of the heap:", (uint64_t)address);
    }
    return block;
}

/* --- splitting and merging -------------------------------------------------------------------- */

/* Cut a block in two: the first keeps `size` bytes, the second is what is behind a new header. */
static struct block *cut(struct block *block, size_t size) {
    struct block *rest = (struct block *)(start_of(block) + size);
    rest->size = block->size - size - sizeof(struct block);
    rest->state = FREE;
    rest->previous = block;
    rest->next = block->next;
    if (rest->next != NULL) {
        rest->next->previous = rest;
    } else {
        last = rest;
    }
    block->size = size;
    block->next = rest;
    return rest;
}

/* Have a block take in its next neighbour. */
static void take_in_next(struct block *block) {
    struct block *next = block->next;
    block->size += sizeof(struct block) + next->size;
    block->next = next->next;
    if (block->next != NULL) {
        block->next->previous = block;
    } else {
        last = block;
    }
}

static struct block *merge(struct block *block) {
    if (block->next != NULL && block->next->state == FREE) {
        take_in_next(block);
    }
    if (block->previous != NULL && block->previous->state == FREE) {
        block = block->previous;
        take_in_next(block);
    }
    return block;
}

/* Give back what a block in use has over `size` bytes, if it is worth a block. */
static void trim(struct block *block, size_t size) {
    if (block->size >= size + sizeof(struct block) + UNIT) {
        merge(cut(block, size));
    }
}

/* --- growing ---------------------------------------------------------------------------------- */

static void unmap_from(uint64_t start) {
    while (heap_end > start) {
        heap_end -= PAGE_SIZE;
        uint64_t frame = translate(kernel_root(), heap_end);
        unmap_page(kernel_root(), heap_end);
        frame_free(frame);
    }
}

/* Map pages for a block of `size` bytes at the heap's end; return it, or NULL. */
static struct block *grow(size_t size) {
    uint64_t start = heap_end;
    if (size + sizeof(struct block) > HEAP_END - heap_end) {
        return NULL;
    }
    uint64_t end = start + round_up(size + sizeof(struct block), PAGE_SIZE);
    while (heap_end < end) {
        uint64_t frame = frame_alloc();
        if (frame == 0 || map_page(kernel_root(), heap_end, frame, PAGE_WRITE | PAGE_NO_EXECUTE)) {
            if (frame != 0) {
                frame_free(frame);
            }
            unmap_from(start);
            return NULL;
        }
        heap_end += PAGE_SIZE;
    }
    struct block *block = (struct block *)start;
    block->size = end - start - sizeof(struct block);
    block->state = FREE;
    block->previous = last;
    block->next = NULL;
    if (last != NULL) {
        last->next = block;
    } else {
        first = block;
    }
    last = block;
    return merge(block);
}

/* --- what others call ------------------------------------------------------------------------- */

void *kmalloc(size_t size) {
    if (size == 0 || size > HEAP_END - HEAP_START) {
        return NULL;
    }
    size = round_up(size, UNIT);
    struct block *block = first;
    while (block != NULL && (block->state != FREE || block->size < size)) {
        block = block->next;
    }
    if (block == NULL) {
        block = grow(size);
    }
    if (block == NULL) {
        return NULL;
    }
    block->state = IN_USE;
    trim(block, size);
    return start_of(block);
}

void *kzalloc(size_t size) {
    void *address = kmalloc(size);
    if (address != NULL) {
        memset(address, 0, size);
    }
    return address;
}

void *kmemalign(size_t align, size_t size) {
    if (align <= UNIT) {
        return kmalloc(size);
    }
    if (size == 0 || size > HEAP_END - HEAP_START || align > HEAP_END - HEAP_START) {
        return NULL;
    }
    /* Room for a block in front, which what is cut off there becomes. */
    uint8_t *address = kmalloc(size + align + sizeof(struct block) + UNIT);
    if (address == NULL) {
        return NULL;
    }
    struct block *block = block_of(address);
    if ((uint64_t)address % align != 0) {
        uint64_t aligned = round_up((uint64_t)address + sizeof(struct block) + UNIT, align);
        struct block *front = block;
        block = cut(front, aligned - sizeof(struct block) - (uint64_t)address);
        block->state = IN_USE;
        front->state = FREE;
        merge(front);
    }
    trim(block, round_up(size, UNIT));
    return start_of(block);
}

void *krealloc(void *old, size_t size) {
    if (old == NULL) {
        return kmalloc(size);
    }
    if (size == 0) {
        kfree(old);
        return NULL;
    }
    if (size > HEAP_END - HEAP_START) {
        return NULL;
    }
    struct block *block = block_of(old);
    struct block *next = block->next;
    size_t wanted = round_up(size, UNIT);
    if (block->size < wanted && next != NULL && next->state == FREE &&
        block->size + sizeof(struct block) + next->size >= wanted) {
        take_in_next(block);
    }
    if (block->size >= wanted) {
        trim(block, wanted);
        return old;
    }
    void *moved = kmalloc(size);
    if (moved == NULL) {
        return NULL;
    }
    memcpy(moved, old, block->size);
    kfree(old);
    return moved;
}

void kfree(void *address) {
    if (address == NULL) {
        return;
    }
    struct block *block = block_of(address);
    block->state = FREE;
    merge(block);
}

size_t kusable(const void *address) {
    return block_of(address)->size;
}
