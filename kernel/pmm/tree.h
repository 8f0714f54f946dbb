/*
 * A set of blocks as a 64-ary tree of bits: a bit is set if anything below it is. The depth is
 * fixed, so the lowest member is three count-trailing-zeros away, however large the set.
 */
#pragma once

#include "base/bits.h"
#include "pmm/pmm.h"

#define TREE_NONE UINT64_MAX

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

/* The lowest member at or above `block`, which is below the number of blocks; TREE_NONE if none. */
static inline uint64_t tree_next(const struct pmm_tree *tree, uint64_t block) {
    uint64_t bottom = block / 64;
    uint64_t here = tree->bottom[bottom] >> (block % 64);
    if (here) {
        return block + lowest_bit(here);
    }
    uint64_t middle = bottom / 64;
    uint64_t words = bits_above(tree->middle[middle], bottom);
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
