/* Runs of bits in the bitmaps, a word at a time. A run [first, end) is not empty. */
#pragma once

#include "pmm/pmm.h"

/* Those bits of word `word` that belong to the run. */
static inline uint64_t run_mask(uint64_t word, uint64_t first, uint64_t end) {
    uint64_t mask = ~0ULL;
    if (word == first / 64) {
        mask <<= first % 64;
    }
    if (word == (end - 1) / 64) {
        mask &= ~0ULL >> (63 - (end - 1) % 64);
    }
    return mask;
}

static inline bool run_is_all_ones(const uint64_t *bits, uint64_t first, uint64_t end) {
    for (uint64_t word = first / 64; word <= (end - 1) / 64; word++) {
        if (~bits[word] & run_mask(word, first, end)) {
            return false;
        }
    }
    return true;
}

static inline bool run_is_all_zeros(const uint64_t *bits, uint64_t first, uint64_t end) {
    for (uint64_t word = first / 64; word <= (end - 1) / 64; word++) {
        if (bits[word] & run_mask(word, first, end)) {
            return false;
        }
    }
    return true;
}

static inline void run_set(uint64_t *bits, uint64_t first, uint64_t end) {
    for (uint64_t word = first / 64; word <= (end - 1) / 64; word++) {
        bits[word] |= run_mask(word, first, end);
    }
}
