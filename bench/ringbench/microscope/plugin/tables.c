/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tables.h"

#include "arena.h"
#include "plugin.h"

#include <string.h>

#define BUCKETS 4096

struct tables {
    struct table *buckets[BUCKETS];
    struct table *free;
    uint64_t walk;      /* number of the last walk */
    uint64_t forgotten; /* tables so far */
};

static struct tables *tables(void) {
    return arena_root(&shared->root[ROOT_TABLES], sizeof(struct tables));
}

static struct table **bucket(struct tables *all, uint64_t frame) {
    return &all->buckets[(frame / PAGE) % BUCKETS];
}

struct table *table_find(uint64_t frame) {
    struct tables *all = tables();
    struct table *table = all ? *bucket(all, frame) : NULL;
    while (table && table->frame != frame) {
        table = table->next;
    }
    return table;
}

static struct table *take(struct tables *all) {
    struct table *table = all->free;
    if (table) {
        all->free = table->next;
        memset(table, 0, sizeof(*table));
        return table;
    }
    return arena_take(sizeof(struct table));
}

static struct table *add(struct tables *all, uint64_t frame) {
    struct table *table = take(all);
    if (table && ram_read(frame, table->entries, sizeof(table->entries))) {
        table->frame = frame;
        table->next = *bucket(all, frame);
        *bucket(all, frame) = table;
        return table;
    }
    if (table) {
        table->next = all->free;
        all->free = table;
    }
    return NULL;
}

void table_forget(struct table *table) {
    struct tables *all = tables();
    struct table **link = bucket(all, table->frame);
    while (*link != table) {
        link = &(*link)->next;
    }
    *link = table->next;
    table->next = all->free;
    all->free = table;
    all->forgotten++;
}

/* Whether an entry that once led to a table still does. */
static bool leads(uint64_t entry_at, unsigned int level, uint64_t frame) {
    const struct table *above = table_find(entry_at & -(uint64_t)PAGE);
    uint64_t entry = above && above->levels & 1 << level
                         ? above->entries[entry_at % PAGE / sizeof(uint64_t)]
                         : 0;
    return entry_leads(entry) && !entry_is_leaf(entry, level) && entry_frame(entry, level) == frame;
}

static void add_parent(struct table *table, uint64_t entry_at, unsigned int level) {
    int place = -1;
    for (int i = 0; i < table->parent_count; i++) {
        if (table->parent[i] == entry_at && table->parent_level[i] == level) {
            return;
        }
        if (!leads(table->parent[i], table->parent_level[i], table->frame)) {
            place = i;
        }
    }
    if (place < 0 && table->parent_count == PARENTS) {
        table->has_more_parents = true;
        return;
    }
    place = place < 0 ? table->parent_count++ : place;
    table->parent[place] = entry_at;
    table->parent_level[place] = level;
}

static void walk(struct tables *all, uint64_t frame, unsigned int level, uint64_t parent) {
    struct table *table = table_find(frame);
    if (!table) {
        table = add(all, frame);
    }
    if (!table) {
        return;
    }
    if (parent != NOWHERE) {
        add_parent(table, parent, level + 1);
    }
    table->levels |= 1 << level;
    if (table->walked[level] == all->walk || level == 1) {
        return;
    }
    table->walked[level] = all->walk;
    for (unsigned int i = 0; i < ENTRIES; i++) {
        uint64_t entry = table->entries[i];
        if (entry_leads(entry) && !entry_is_leaf(entry, level)) {
            walk(all, entry_frame(entry, level), level - 1, frame + i * sizeof(entry));
        }
    }
}

void tables_learn(uint64_t frame, unsigned int level, uint64_t parent) {
    struct tables *all = tables();
    if (all) {
        all->walk++;
        walk(all, frame, level, parent);
    }
}

bool tables_learn_root(uint64_t root, unsigned int levels) {
    struct tables *all = tables();
    struct table *table = table_find(root);
    if (!all || (table && table->levels & 1 << levels && table->forgotten == all->forgotten)) {
        return false;
    }
    tables_learn(root, levels, NOWHERE);
    table = table_find(root);
    if (table) {
        table->forgotten = all->forgotten;
    }
    return true;
}

/* What tables_positions looks for: all positions of a table, and what stands below it there. */
struct search {
    uint64_t root;
    unsigned int levels;
    position_seen seen;
    void *data;
};

/* From a table down to where another is found; `below` is the rest of the address. */
static void descend(const struct search *search, uint64_t from, unsigned int level, uint64_t base,
                    uint64_t frame, unsigned int wanted, uint64_t below) {
    const struct table *table = table_find(from);
    for (unsigned int i = 0; table && i < ENTRIES; i++) {
        uint64_t entry = table->entries[i];
        if (!entry_leads(entry) || entry_is_leaf(entry, level)) {
            continue;
        }
        uint64_t next = entry_frame(entry, level);
        uint64_t begin = base | (uint64_t)i << level_shift(level);
        if (level - 1 > wanted) {
            descend(search, next, level - 1, begin, frame, wanted, below);
        } else if (next == frame) {
            search->seen(canonical(begin | below, search->levels), search->data);
        }
    }
}

/* From a table up to the root; from one that too many lead to, down from there. */
static void climb(const struct search *search, const struct table *table, unsigned int level,
                  uint64_t below) {
    if (level == search->levels) {
        if (table->frame == search->root) {
            search->seen(canonical(below, search->levels), search->data);
        }
        return;
    }
    if (table->has_more_parents) {
        descend(search, search->root, search->levels, 0, table->frame, level, below);
        return;
    }
    for (int i = 0; i < table->parent_count; i++) {
        uint64_t at = table->parent[i];
        if (table->parent_level[i] == level + 1 && leads(at, level + 1, table->frame)) {
            uint64_t index = at % PAGE / sizeof(uint64_t);
            climb(search, table_find(at & -(uint64_t)PAGE), level + 1,
                  below | index << level_shift(level + 1));
        }
    }
}

void tables_positions(const struct table *table, unsigned int level, uint64_t root,
                      unsigned int levels, position_seen seen, void *data) {
    const struct search search = {root, levels, seen, data};
    climb(&search, table, level, 0);
}
