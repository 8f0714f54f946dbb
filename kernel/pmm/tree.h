/*
 * A set of blocks as a 64-ary tree of bits: a bit is set if anything below it is. The depth is
 * fixed, so the lowest member is three count-trailing-zeros away, however large the set.
 */
#pragma once

#include "pmm/pmm.h"

#define TREE_NONE UINT64_MAX

static inline uint64_t bit64(uint64_t n) {
    return 1ULL << (n % 64);
}

/* Count trailing zeros of a word that is not 0. The builtin gives an int, which costs the frame
 * allocator a sign extension on each of its five levels. */
static inline uint64_t lowest_bit(uint64_t word) {
    uint64_t n;
    __asm__("rep bsf %1, %0" : "=r"(n) : "rm"(word) : "cc");
    return n;
}

static inline bool tree_is_empty(const struct pmm_tree *tree) {
    return tree->top == 0;
}

/* The lowest member of a tree that is not empty. */
static inline uint64_t tree_first(const struct pmm_tree *tree) {
    uint64_t i = lowest_bit(tree->top);
    i = i * 64 + lowest_bit(tree->middle[i]);
    return i * 64 + lowest_bit(tree->bottom[i]);
}

/*
 * Bit n of an array of words, n counting on through all of them. The instruction finds word and
 * bit by itself, where C spells out two shifts and a mask.
 */
typedef uint64_t bit_array[];

static inline bool bits_contain(const uint64_t *bits, uint64_t n) {
    bool contain;
    __asm__("bt %2, %1" : "=@ccc"(contain) : "m"(*(const bit_array *)bits), "r"(n));
    return contain;
}

static inline void bits_add(uint64_t *bits, uint64_t n) {
    __asm__("bts %1, %0" : "+m"(*(bit_array *)bits) : "r"(n) : "cc");
}

static inline void bits_remove(uint64_t *bits, uint64_t n) {
    __asm__("btr %1, %0" : "+m"(*(bit_array *)bits) : "r"(n) : "cc");
}

/* Set bit n % 64 of a word that is in a register; whether it was set already. */
static inline bool word_add(uint64_t *word, uint64_t n) {
    bool was_set;
    __asm__("bts %2, %0" : "+r"(*word), "=@ccc"(was_set) : "r"(n));
    return was_set;
}

static inline void tree_add(struct pmm_tree *tree, uint64_t block) {
    bits_add(tree->bottom, block);
    bits_add(tree->middle, block / 64);
    bits_add(&tree->top, block / 4096);
}

static inline void tree_remove(struct pmm_tree *tree, uint64_t block) {
    uint64_t *bottom = tree->bottom;
    bits_remove(bottom, block);
    if (!bottom[block / 64]) {
        bits_remove(tree->middle, block / 64);
        if (!tree->middle[block / 4096]) {
            bits_remove(&tree->top, block / 4096);
        }
    }
}

/* The bits of `word` above bit n, 0..63. */
static inline uint64_t bits_above(uint64_t word, uint64_t n) {
    return word & (~1ULL << n);
}

/* The lowest member at or above `block`, which is below the number of blocks; TREE_NONE if none. */
static inline uint64_t tree_next(const struct pmm_tree *tree, uint64_t block) {
    uint64_t bottom = block / 64;
    uint64_t here = tree->bottom[bottom] >> (block % 64);
    if (here) {
        return block + lowest_bit(here);
    }
    uint64_t middle = bottom / 64;
    uint64_t words = bits_above(tree->middle[middle], bottom % 64);
    if (!words) {
        uint64_t groups = bits_above(tree->top, middle);
        if (!groups) {
            return TREE_NONE;
        }
        middle = lowest_bit(groups);
        words = tree->middle[middle];
    }
    bottom = middle * 64 + lowest_bit(words);
    return bottom * 64 + lowest_bit(tree->bottom[bottom]);
}
