/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The heap's shadow: for each page that a block ever was on, a bit for each eight bytes that are
 * all of live blocks; and each block, live or given back and not handed out again.
 */
#pragma once

#include "arena.h"
#include "plugin.h"

#include <stdbool.h>
#include <stdint.h>

struct shadow_page {
    uint64_t number;                /* virtual address / PAGE */
    uint64_t cover;                 /* the block that was last known to reach into it from before */
    uint64_t frame;                 /* of physical memory, 0 as long as it is not known */
    uint32_t live;                  /* blocks that are live on it */
    uint32_t next;                  /* of the same slot */
    uint64_t eights[PAGE / 8 / 64]; /* that are wholly live; of others, their block knows */
    uint64_t starts[PAGE / 8 / 64]; /* in which a block begins */
    uint64_t *written;              /* bits of bytes that were written; NULL: nobody asked */
};

struct block {
    uint64_t address;
    uint32_t size;      /* at most 4 GiB - 1, which larger ones are taken for */
    uint32_t next;      /* of the same slot */
    uint32_t allocated; /* traces */
    uint32_t freed : 30;
    bool is_live : 1;
    bool is_cut : 1; /* a part of it was handed out again since it was given back */
};

/* Bits that say of most pages that no block ever was on them. */
#define SHADOW_FILTER (1u << 16)

static inline uint32_t shadow_bit(uint64_t address) {
    uint64_t number = address / PAGE;
    return (number ^ number >> 16) % SHADOW_FILTER;
}

static inline bool shadow_may_have(uint64_t address) {
    const uint64_t *filter = (const uint64_t *)shared->root[ROOT_HEAP];
    uint32_t bit = shadow_bit(address);
    return filter && filter[bit / 64] >> bit % 64 & 1;
}

/* The page of an address, NULL if no block ever was on it. */
struct shadow_page *shadow_find(uint64_t address);

/* Whether all bytes [address, address + size), on one page, are of live blocks. */
bool shadow_is_live(const struct shadow_page *page, uint64_t address, uint64_t size);

/* The block that begins at an address, NULL if there is none. */
struct block *shadow_block(uint64_t address);

/* A block is handed out: of freed ones, only what lies beside it stays known. NULL: no room. */
struct block *shadow_add(uint64_t address, uint64_t size, uint32_t allocated);

/* It is given back; it stays known. */
void shadow_free(struct block *block, uint32_t freed);

/* The last block that begins at or before an address, or the first behind it; NULL: none near. */
struct block *shadow_before(uint64_t address);
struct block *shadow_behind(uint64_t address);

/* Whether any eight bytes there are wholly of a live block: quick. */
bool shadow_may_overlap(uint64_t address, uint64_t size);

/* A live block that has one of the bytes; NULL if there is none. */
struct block *shadow_overlap(uint64_t address, uint64_t size);

/* Bytes that were written, of live blocks or not; `value` whether they now count as such. */
void shadow_set_written(uint64_t address, uint64_t size, bool value);
bool shadow_is_written(const struct shadow_page *page, uint64_t address, uint64_t size);

/* A frame is somebody else's now: the page that showed it is none of the heap's any more. */
void shadow_frame_seen(struct shadow_page *page, uint64_t frame);
void shadow_frame_taken(uint64_t frame);
