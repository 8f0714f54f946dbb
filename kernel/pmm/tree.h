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

static inline void tree_add(struct pmm_tree *tree, uint64_t block) {
    tree->bottom[block / 64] |= bit64(block);
    tree->middle[block / 4096] |= bit64(block / 64);
    tree->top |= bit64(block / 4096);
}

static inline void tree_remove(struct pmm_tree *tree, uint64_t block) {
    uint64_t *bottom = &tree->bottom[block / 64];
    uint64_t *middle = &tree->middle[block / 4096];
    if ((*bottom &= ~bit64(block)) == 0 && (*middle &= ~bit64(block / 64)) == 0) {
        tree->top &= ~bit64(block / 4096);
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
