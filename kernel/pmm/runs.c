/*
 * Runs of frames.
 *
 * The search hops: from a candidate to the first used frame after it, from there to the next free
 * one, the next candidate. Blocks without a free frame are skipped by tree, wholly free ones are
 * taken at a step, the rest is looked at in words of 64. Shortcoming: a search for a long run
 * passes every shorter gap, so it is linear in their number.
 */
#include "pmm/runs.h"

#include "base/bits.h"
#include "pmm/tree.h"

/* The lowest free frame at or above `frame`; TREE_NONE if there is none. */
static uint64_t next_free(uint64_t frame) {
    if (frame >= pmm.frame_limit) {
        return TREE_NONE;
    }
    uint64_t block = frame / BLOCK_FRAMES;
    if (frame % BLOCK_FRAMES) {
        uint64_t end = (block + 1) * BLOCK_FRAMES / 64;
        uint64_t word = frame / 64;
        uint64_t bits = bits_from(pmm.free_bits[word], frame);
        while (!bits && ++word < end) {
            bits = pmm.free_bits[word];
        }
        if (bits) {
            return word * 64 + lowest_bit(bits);
        }
        if (++block == pmm.frame_limit / BLOCK_FRAMES) {
            return TREE_NONE;
        }
    }
    block = tree_next(&pmm.any, block);
    if (block == TREE_NONE) {
        return TREE_NONE;
    }
    uint64_t word = block * BLOCK_FRAMES / 64 + lowest_bit(pmm.block_words[block]);
    return word * 64 + lowest_bit(pmm.free_bits[word]);
}

/* The lowest used frame of [frame, end); `end` if there is none. */
static uint64_t next_used(uint64_t frame, uint64_t end) {
    while (frame < end) {
        if (frame % BLOCK_FRAMES == 0 && pmm.block_free[frame / BLOCK_FRAMES] == BLOCK_FRAMES) {
            frame += BLOCK_FRAMES;
            continue;
        }
        uint64_t used = ~pmm.free_bits[frame / 64] >> (frame % 64);
        if (used) {
            return min_u64(frame + lowest_bit(used), end);
        }
        frame = (frame / 64 + 1) * 64;
    }
    return end;
}

/* The lowest free run, or TREE_NONE. */
static uint64_t find_run(uint64_t count, uint64_t align) {
    uint64_t frame = 0;
    if (count > pmm.free_count) {
        return TREE_NONE;
    }
    while ((frame = next_free(frame)) != TREE_NONE) {
        uint64_t start = align_up(frame, align);
        if (start > pmm.frame_limit - count) {
            break;
        }
        uint64_t used = next_used(start, start + count);
        if (used == start + count) {
            return start;
        }
        frame = used + 1;
    }
    return TREE_NONE;
}

/* Make everything that summarises a block true again. */
static void summarise_block(uint64_t block) {
    const uint64_t *words = &pmm.free_bits[block * BLOCK_FRAMES / 64];
    unsigned mask = 0;
    for (unsigned i = 0; i < BLOCK_FRAMES / 64; i++) {
        mask |= (words[i] != 0 ? 1u : 0u) << i;
    }
    pmm.block_words[block] = (uint8_t)mask;
    if (mask) {
        tree_add(&pmm.any, block);
    } else {
        tree_remove(&pmm.any, block);
    }
    if (pmm.block_free[block] == BLOCK_FRAMES) {
        tree_add(&pmm.whole, block);
    } else {
        tree_remove(&pmm.whole, block);
    }
}

/* Turn a run that is all used free, or the other way round. */
static void flip(uint64_t first, uint64_t end, bool to_free) {
    for (uint64_t at = first; at < end;) {
        uint64_t block = at / BLOCK_FRAMES;
        uint64_t stop = min_u64(end, (block + 1) * BLOCK_FRAMES);
        for (uint64_t word = at / 64; word <= (stop - 1) / 64; word++) {
            pmm.free_bits[word] ^= run_mask(word, at, stop);
        }
        uint64_t change = to_free ? stop - at : at - stop;
        pmm.block_free[block] = (uint16_t)(pmm.block_free[block] + change);
        pmm.free_count += change;
        summarise_block(block);
        at = stop;
    }
}

void run_mark_free(uint64_t frame, uint64_t count) {
    flip(frame, frame + count, true);
}

uint64_t pmm_free_below(paddr_t limit) {
    uint64_t blocks = min_u64(limit / FRAME_SIZE, pmm.frame_limit) / BLOCK_FRAMES;
    uint64_t count = 0;
    for (uint64_t block = 0; block < blocks; block++) {
        count += pmm.block_free[block];
    }
    return count;
}

int pmm_alloc_run(uint64_t count, uint64_t align, paddr_t *base) {
    if (count == 0 || !is_power_of_two(align) || align < FRAME_SIZE) {
        return STATUS_INVALID;
    }
    uint64_t frame = find_run(count, align / FRAME_SIZE);
    if (frame == TREE_NONE) {
        return STATUS_NO_MEMORY;
    }
    flip(frame, frame + count, false);
    *base = frame * FRAME_SIZE;
    return STATUS_OK;
}

int run_free(paddr_t base, uint64_t count) {
    if (count == 0) {
        return STATUS_INVALID;
    }
    if (!is_aligned(base, FRAME_SIZE)) {
        return STATUS_MISALIGNED;
    }
    uint64_t frame = base / FRAME_SIZE;
    if (frame >= pmm.frame_limit || count > pmm.frame_limit - frame ||
        !run_is_all_ones(pmm.managed_bits, frame, frame + count)) {
        return STATUS_FOREIGN;
    }
    if (!run_is_all_zeros(pmm.free_bits, frame, frame + count)) {
        return STATUS_NOT_ALLOCATED;
    }
    flip(frame, frame + count, true);
    return STATUS_OK;
}
