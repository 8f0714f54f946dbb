/*
 * Buddy allocator: blocks of 2^order bytes, each at a multiple of its size, from a region that
 * grows at its end.
 *
 * A request takes a block of the least order that holds it: from the list of the lowest order that
 * has one, last in first out, split in halves as often as needed; the lower half is kept, the upper
 * one goes on its order's list. A block that is freed merges with its buddy, the block of the same
 * order whose address differs in that one bit, as long as that is free and whole.
 *
 * What begins where is in a map, a byte for each 32 bytes of the region: the order and whether the
 * block is in use, 0 inside of blocks. So blocks have no headers, a pointer that is no block's is
 * known from any other, and a request for a power of two gets just that. A frame of the map serves
 * BUDDY_MAPPED bytes. A free block holds its links. The lists are rings through their heads.
 *
 * When no block is large enough, the region grows: up to the next multiple of the size that is
 * wanted, then by that size, or by a page if that is more. What is added below becomes blocks, the
 * largest that fit, ascending. When a free block of BUDDY_TRIM bytes or more lies at the region's
 * end, it is given back; when no block is in use, all of it is.
 *
 * The blocks are one ANONYMOUS region of a space of their own. Frames are taken in this order: the
 * map's, ascending; then what vm_alloc_at or vm_resize take.
 *
 * Shortcomings: half of a block may be waste, a quarter is to be expected. A step takes time for
 * each order that it splits or merges through.
 */
#pragma once

#include "base/layout.h"
#include "vmm/vmm.h"

#define BUDDY_ORDER_MIN 5  /* 32 bytes: a free block holds two links */
#define BUDDY_ORDER_MAX 30 /* 1 GiB, all of the window */
#define BUDDY_ORDERS    31 /* lists; the lowest BUDDY_ORDER_MIN are never used */
#define BUDDY_TRIM      KIB(64)
#define BUDDY_MAPPED    KIB(128) /* bytes that a frame of the map serves */
#define BUDDY_MAPS      (BUDDY_SIZE / BUDDY_MAPPED)
#define BUDDY_USED      0x80 /* of a byte of the map: its block is in use */

struct buddy_link {
    struct buddy_link *next;
    struct buddy_link *previous;
};

struct buddy {
    uint64_t length;   /* bytes of the region, whole pages; 0: there is none */
    uint64_t nonempty; /* bit o: the list of order o has a block */
    uint64_t used_count;
    uint64_t used_bytes;                  /* of the blocks in use, all of each */
    struct buddy_link free[BUDDY_ORDERS]; /* rings */
    uint8_t *maps[BUDDY_MAPS];            /* in the direct map; NULL past the region's end */
    struct vm_space space;                /* [BUDDY_BASE, BUDDY_BASE + BUDDY_SIZE), kernel root */
};

extern struct buddy buddy;

/* No region, no blocks. Takes no frame. */
void buddy_init(void);

/*
 * A block of at least `size` bytes, contents undefined. Errors, nothing changed, in this order:
 * INVALID (size 0 or above 2^BUDDY_ORDER_MAX); NO_SPACE (the window is too small for it);
 * NO_MEMORY.
 */
int buddy_alloc(uint64_t size, void **block);

/*
 * Free a block. Errors, nothing changed, in this order: FOREIGN (not in the region); DOUBLE_FREE (a
 * free block begins there); INTERIOR (no block does).
 */
int buddy_free(void *block);
