/*
 * Physical memory manager: one bit of truth per 4 KiB frame, used or free; lowest free first.
 *
 * Above the bits stand, per 2 MiB block, the count of free frames and a mask of the block's eight
 * bitmap words that have any, and over the blocks two 64-ary trees of bits: "has a free frame" and
 * "wholly free". Finding a frame, or a naturally aligned 2 MiB frame, is one count-trailing-zeros
 * per level: the same cost at any occupancy and any memory size up to 512 GiB.
 *
 * Managed frames are those of the map's AVAILABLE ranges, less the metadata itself. Only managed
 * frames are ever handed out or taken back.
 *
 * init.c builds all this, frames.c has one frame and one block, runs.c runs of any length.
 */
#pragma once

#include "cpu/panic.h"
#include "memmap/boot_info.h"

#define FRAME_SIZE   PAGE_SIZE_4K
#define BLOCK_FRAMES 512 /* frames of a 2 MiB block */

/* A bit per block, summarised 64 to 1, twice; 2^18 blocks are 512 GiB. */
struct pmm_tree {
    uint64_t top;
    uint64_t middle[64];
    uint64_t *bottom; /* ceil(blocks / 64) words */
};

struct pmm {
    uint64_t frame_limit;   /* frames [0, frame_limit) have a bit; a multiple of 512 */
    uint64_t managed_count; /* frames that can be handed out at all */
    uint64_t free_count;
    uint64_t *free_bits;    /* bit f % 64 of word f / 64: frame f is free */
    uint64_t *managed_bits; /* likewise: frame f is managed */
    uint16_t *block_free;   /* free frames of each block */
    uint8_t *block_words;   /* bit w: word w of the block has a free frame */
    struct pmm_tree any;    /* block has a free frame */
    struct pmm_tree whole;  /* all 512 frames of the block are free */
    paddr_t metadata_base;
    uint64_t metadata_length; /* bytes, whole frames; never managed */
};

extern struct pmm pmm;

/*
 * Take over the AVAILABLE ranges of `map`. frame_limit is the end of the highest one (at most
 * 512 GiB), rounded up to a block. The metadata goes to the lowest frames of an AVAILABLE range,
 * below 4 GiB, that hold it whole, in this order, each array at a multiple of 8 bytes: free_bits,
 * managed_bits, any.bottom, whole.bottom, block_free, block_words; its length is rounded up to
 * frames. Panics when there is no such place.
 */
void pmm_init(const struct memory_map *map);

/* The lowest free frame. Errors: NO_MEMORY. Contents are whatever was there before. */
int pmm_alloc(paddr_t *frame);

/* The lowest wholly free, naturally aligned 2 MiB block. Errors: NO_MEMORY. */
int pmm_alloc_2m(paddr_t *block);

/*
 * `count` contiguous frames at the lowest address that is a multiple of `align` bytes.
 * Errors, in this order: INVALID (count 0; align no power of two or below 4 KiB); NO_MEMORY.
 */
int pmm_alloc_run(uint64_t count, uint64_t align, paddr_t *base);

/*
 * Give back `count` frames from `base`: any allocated frames, a run or part of one; but all of
 * them or none.
 * Errors, nothing changed, in this order: INVALID (count 0); MISALIGNED; FOREIGN (any of them is
 * not managed, or the run leaves physical memory); NOT_ALLOCATED (any of them is already free).
 */
int pmm_free(paddr_t base, uint64_t count);

/* How many frames below `limit`, a multiple of 2 MiB, are free. Takes a step for each block. */
uint64_t pmm_free_below(paddr_t limit);

static inline uint64_t pmm_free_count(void) {
    return pmm.free_count;
}

/* Fill one frame with zeros (zero.S). */
void frame_zero(paddr_t frame);

/* The lowest free frame, zeroed, for a caller who has counted the free ones before. */
static inline paddr_t frame_take(void) {
    paddr_t frame;
    int status = pmm_alloc(&frame);
    ASSERT(status == STATUS_OK);
    frame_zero(frame);
    return frame;
}

/* Give back one frame that is the caller's own. */
static inline void frame_give(paddr_t frame) {
    int status = pmm_free(frame, 1);
    ASSERT(status == STATUS_OK);
}
