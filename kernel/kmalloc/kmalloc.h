/*
 * Chained heaps: kmalloc is a front and a back, chosen by a word of the kernel's command line.
 *
 *   heap=list        the list heap (heap/heap.h)
 *   heap=buddy       the buddy allocator (buddy/buddy.h)
 *   heap=slab+list   requests up to KMALLOC_SMALL bytes from slab caches, the rest from the list
 *   heap=slab+buddy  likewise, the rest from the buddy allocator
 *
 * Any other word, or none, is slab+list: docs/allocators.md has the measurements. The front has a
 * cache for each of KMALLOC_SIZES; a request gets an object of the least that holds it.
 *
 * A pointer says itself whose it is: objects of slabs are in the direct map, blocks are in the
 * window of the list heap or of the buddy allocator.
 */
#pragma once

#include "slab/slab.h"

#define KMALLOC_SMALL   512
#define KMALLOC_CLASSES 11
#define KMALLOC_SIZES   {8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512}
#define KMALLOC_UNIT    8 /* requests are told apart in steps of so many bytes */
#define KMALLOC_MAX     GIB(1)

struct chain {
    uint64_t small;                                     /* KMALLOC_SMALL; 0: there is no front */
    uint64_t buddy;                                     /* 1: the back is the buddy allocator */
    struct slab_cache caches[KMALLOC_CLASSES];          /* "kmalloc-8" ..., if there is a front */
    uint8_t class_of[KMALLOC_SMALL / KMALLOC_UNIT + 1]; /* by the units of a request, rounded up */
};

extern struct chain chain;

/* Choose the chain. Takes no frame. */
void kmalloc_init(const char *command_line);

/*
 * `size` bytes at a multiple of 8, of 16 from 16 bytes on, contents undefined. NULL, and nothing
 * changed: size is 0 or above KMALLOC_MAX, or there is no memory.
 */
void *kmalloc(size_t size);

/*
 * Free what kmalloc gave. NULL is freed by doing nothing. Errors, nothing changed: those of
 * slab_free for a pointer into the direct map, if there is a front; else those of heap_free or
 * buddy_free.
 */
int kfree(void *pointer);
