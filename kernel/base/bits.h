/*
 * Bits of words, of arrays of words, and runs of them.
 *
 * Bit n of an array counts on through all of its words: it is bit n % 64 of word n / 64.
 */
#pragma once

#include "base/types.h"

/* --- A word ---------------------------------------------------------------------------------- */

/* The number of the lowest bit that is set, of a word that is not 0. The builtin gives an int,
 * which costs the frame allocator a sign extension on each of its five levels. */
static inline uint64_t lowest_bit(uint64_t word) {
    uint64_t n;
    __asm__("rep bsf %1, %0" : "=r"(n) : "rm"(word) : "cc");
    return n;
}

/* A word that is not 0, without that bit. */
static inline uint64_t without_lowest_bit(uint64_t word) {
    return word & (word - 1);
}

/* The bits of `word` from bit n % 64 on; those above it. */
static inline uint64_t bits_from(uint64_t word, uint64_t n) {
    return word & (~0ULL << n % 64);
}
static inline uint64_t bits_above(uint64_t word, uint64_t n) {
    return word & (~1ULL << n % 64);
}

/* Whether bit n % 64 is set. */
static inline bool word_contains(uint64_t word, uint64_t n) {
    return word >> n % 64 & 1;
}

/* Set bit n % 64; whether it was set already. */
static inline bool word_add(uint64_t *word, uint64_t n) {
    bool was_set;
    __asm__("bts %2, %0" : "+r"(*word), "=@ccc"(was_set) : "r"(n));
    return was_set;
}

/* --- An array of words ----------------------------------------------------------------------- */

/* In C, and not by the instructions that find word and bit of an array by themselves: those are one
 * instead of four, and take the processor several times as long. */
static inline bool bits_contain(const uint64_t *bits, uint64_t n) {
    return word_contains(bits[n / 64], n);
}

static inline void bits_add(uint64_t *bits, uint64_t n) {
    bits[n / 64] |= 1ULL << n % 64;
}

static inline void bits_remove(uint64_t *bits, uint64_t n) {
    bits[n / 64] &= ~(1ULL << n % 64);
}

/* --- Runs of an array, a word at a time. A run [first, end) is not empty. ----------------------
 */

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

static inline void run_clear(uint64_t *bits, uint64_t first, uint64_t end) {
    for (uint64_t word = first / 64; word <= (end - 1) / 64; word++) {
        bits[word] &= ~run_mask(word, first, end);
    }
}
