/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The frames that are page tables: all that can be reached from a root that was loaded, each with
 * a copy of its entries as they were before the last store to it. A frame can be a table of several
 * levels at once: where an entry leads back to its own table.
 *
 * A table that no root in use leads to any longer is forgotten with the next store to it, and found
 * again when a root that leads to it is loaded.
 */
#pragma once

#include "paging.h"

#include <stdbool.h>
#include <stdint.h>

#define PARENTS 4

struct table {
    uint64_t frame;
    struct table *next;    /* with the same hash, or free */
    uint8_t levels;        /* a bit for each level that it is a table of */
    bool has_more_parents; /* than are known below */
    uint8_t parent_count;
    uint8_t parent_level[PARENTS];
    uint64_t parent[PARENTS]; /* physical addresses of entries that lead here */
    uint64_t walked[6];       /* by level: the number of the last walk that came here */
    uint64_t forgotten;       /* of a root: how many had been when all below it was known */
    uint64_t entries[ENTRIES];
};

/* The table in a frame, if it is one. */
struct table *table_find(uint64_t frame);

/* A root is loaded: learn all tables below it, if any might not be known. Whether that was so. */
bool tables_learn_root(uint64_t root, unsigned int levels);

/* An entry at a physical address leads to a table of this level: learn it and those below. */
void tables_learn(uint64_t frame, unsigned int level, uint64_t parent);

void table_forget(struct table *table);

/* What is called for each address at which a table of this level begins; see tables_positions. */
typedef void (*position_seen)(uint64_t base, void *data);

/* Call `seen` for each address at which a table stands, as one of `level`, below a root. */
void tables_positions(const struct table *table, unsigned int level, uint64_t root,
                      unsigned int levels, position_seen seen, void *data);
