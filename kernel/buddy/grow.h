/* The region's end, which moves by whole pages, and the map's frames with it. */
#pragma once

#include "buddy/buddy.h"

/*
 * Have a free block of that order or above. Errors, nothing changed: NO_SPACE (it would end beyond
 * the window); NO_MEMORY.
 */
int region_grow(uint64_t order);

/* A block became free that lies at the end, or nothing is in use: give back what is to be. */
void region_trim(uint64_t offset, uint64_t order);

/* Take a free block off its list and out of the map (buddy.c). */
void block_remove(uint64_t offset, uint64_t order);

/* Merge a block, which is on no list, with its buddies, and put the result on its list: where that
 * begins goes to *offset, its order is returned (buddy.c). */
uint64_t block_merge(uint64_t *offset, uint64_t order);
