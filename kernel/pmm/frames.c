/*
 * One frame, and one naturally aligned block of 512, in constant time.
 *
 * A frame's way down is top, middle and bottom of the tree, the block's mask of words, the word. On
 * the way up, each level is touched only when what it says changes: most often none.
 */
#include "pmm/pmm.h"

#include "pmm/runs.h"
#include "pmm/tree.h"

#define BLOCK_WORDS 8 /* bitmap words of a block */

int pmm_alloc(paddr_t *frame) {
    if (tree_is_empty(&pmm.any)) {
        return STATUS_NO_MEMORY;
    }
    uint64_t block = tree_first(&pmm.any);
    uint64_t word = block * BLOCK_WORDS + lowest_bit(pmm.block_words[block]);
    uint64_t bits = pmm.free_bits[word];
    *frame = (word * 64 + lowest_bit(bits)) * FRAME_SIZE;

    pmm.free_count--;
    if (pmm.block_free[block]-- == BLOCK_FRAMES) {
        tree_remove(&pmm.whole, block);
    }
    bits &= bits - 1;
    pmm.free_bits[word] = bits;
    if (bits == 0) {
        pmm.block_words[block] &= (uint8_t)~(1u << (word % BLOCK_WORDS));
        if (pmm.block_words[block] == 0) {
            tree_remove(&pmm.any, block);
        }
    }
    return STATUS_OK;
}

static int free_frame(paddr_t base) {
    uint64_t frame = base / FRAME_SIZE;
    uint64_t word = frame / 64;
    uint64_t bit = bit64(frame);
    if (base % FRAME_SIZE) {
        return STATUS_MISALIGNED;
    }
    if (frame >= pmm.frame_limit || !(pmm.managed_bits[word] & bit)) {
        return STATUS_FOREIGN;
    }
    uint64_t bits = pmm.free_bits[word];
    if (bits & bit) {
        return STATUS_NOT_ALLOCATED;
    }

    uint64_t block = frame / BLOCK_FRAMES;
    pmm.free_count++;
    pmm.free_bits[word] = bits | bit;
    if (++pmm.block_free[block] == BLOCK_FRAMES) {
        tree_add(&pmm.whole, block);
    }
    if (bits == 0) {
        if (pmm.block_words[block] == 0) {
            tree_add(&pmm.any, block);
        }
        pmm.block_words[block] |= (uint8_t)(1u << (word % BLOCK_WORDS));
    }
    return STATUS_OK;
}

int pmm_alloc_2m(paddr_t *base) {
    if (tree_is_empty(&pmm.whole)) {
        return STATUS_NO_MEMORY;
    }
    uint64_t block = tree_first(&pmm.whole);
    *base = block * PAGE_SIZE_2M;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        pmm.free_bits[block * BLOCK_WORDS + i] = 0;
    }
    pmm.free_count -= BLOCK_FRAMES;
    pmm.block_free[block] = 0;
    pmm.block_words[block] = 0;
    tree_remove(&pmm.any, block);
    tree_remove(&pmm.whole, block);
    return STATUS_OK;
}

static int free_block(uint64_t block) {
    if (block >= pmm.frame_limit / BLOCK_FRAMES) {
        return STATUS_FOREIGN;
    }
    const uint64_t *managed = &pmm.managed_bits[block * BLOCK_WORDS];
    uint64_t all_managed = ~0ULL;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        all_managed &= managed[i];
    }
    if (~all_managed) {
        return STATUS_FOREIGN;
    }
    if (pmm.block_free[block] != 0) {
        return STATUS_NOT_ALLOCATED;
    }

    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        pmm.free_bits[block * BLOCK_WORDS + i] = ~0ULL;
    }
    pmm.free_count += BLOCK_FRAMES;
    pmm.block_free[block] = BLOCK_FRAMES;
    pmm.block_words[block] = 0xff;
    tree_add(&pmm.any, block);
    tree_add(&pmm.whole, block);
    return STATUS_OK;
}

int pmm_free(paddr_t base, uint64_t count) {
    if (count == 1) {
        return free_frame(base);
    }
    if (count == BLOCK_FRAMES && is_aligned(base, PAGE_SIZE_2M)) {
        return free_block(base / PAGE_SIZE_2M);
    }
    return run_free(base, count);
}
