/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a store to a page table takes away, and from which addresses: each loss is a debt to the
 * processors that may have kept what was there (Intel SDM volume 3A, 4.10.2 to 4.10.4).
 */
#include "paging.h"
#include "translations.h"

#if INTERFACE >= 3

#define EXPANDED 8192 /* entries that are looked at for one store */

/* A store to an entry, while its consequences are followed. */
struct change {
    unsigned int level;
    unsigned int index;
    uint64_t entry_at;
    uint64_t old;
    uint64_t new;
    uint64_t store;
    bool has_store;
    const struct access *access;
    uint64_t positions;
    unsigned int budget;
    const struct processor *processor; /* that may hold something */
    uint64_t root;                     /* of these tables: its own, or one of before */
    uint64_t cpus;                     /* a bit for it */
};

static bool loses(uint64_t old, uint64_t new, unsigned int level) {
    if (!entry_leads(new) || entry_is_leaf(old, level) != entry_is_leaf(new, level)) {
        return true;
    }
    return entry_frame(old, level) != entry_frame(new, level) ||
           entry_rights(old) & ~entry_rights(new);
}

static void open_debt(struct change *change, unsigned int level, uint64_t address, uint64_t entry,
                      unsigned int rights) {
    bool is_leaf = entry_is_leaf(entry, level);
    if (!change->has_store) {
        change->store = debt_note_store(change->access->cpu, change->access->pc);
        change->has_store = true;
    }
    debt_open(&(struct debt){
        .address = address,
        .cpus = change->cpus,
        .entry_at = change->entry_at,
        .old = change->old,
        .new = change->new,
        .frame = entry_frame(entry, level),
        .store = change->store,
        .class = is_leaf ? LEAF_4K + level - 1 : UPPER_2 + level - 2,
        .level = change->level,
        .rights = rights,
        .is_global = is_leaf && entry & ENTRY_GLOBAL && change->processor->cr4 & CR4_PGE,
    });
}

/* Whether a translation of a root of before is one of the present root's as well. */
static bool is_shared(const struct change *change, uint64_t address, uint64_t page,
                      unsigned int rights) {
    const struct processor *processor = change->processor;
    struct translation now = walk_from(processor->root, processor->levels, address, RIGHT_ALL);
    return now.is_present && now.page == page && !(rights & ~now.rights);
}

/* Everything that an entry, as it was, led to; of a root of before, what loads of CR3 leave. */
static void expand(struct change *change, unsigned int level, uint64_t address, uint64_t entry,
                   unsigned int rights) {
    bool is_old = change->root != change->processor->root, is_leaf = entry_is_leaf(entry, level);
    uint64_t frame = entry_frame(entry, level);
    rights &= entry_rights(entry);
    if (!is_old ||
        (is_leaf && entry & ENTRY_GLOBAL && !is_shared(change, address, frame, rights))) {
        open_debt(change, level, address, entry, rights);
    }
    for (unsigned int i = 0; !is_leaf && i < ENTRIES && change->budget; i++) {
        change->budget--;
        uint64_t below = entry_read(frame, i);
        if (entry_leads(below)) {
            expand(change, level - 1, address + ((uint64_t)i << level_shift(level - 1)), below,
                   rights);
        }
    }
}

/* What the entries above one leave of rights. */
static unsigned int rights_above(const struct change *change, uint64_t address) {
    unsigned int rights = RIGHT_ALL;
    uint64_t table = change->root;
    for (unsigned int level = change->processor->levels; level > change->level; level--) {
        uint64_t entry = entry_read(table, level_index(address, level));
        rights &= entry_rights(entry);
        table = entry_frame(entry, level);
    }
    return rights;
}

static void at_position(uint64_t base, void *data) {
    struct change *change = data;
    uint64_t address = canonical(base | (uint64_t)change->index << level_shift(change->level),
                                 change->processor->levels);
    change->positions++;
    if (entry_leads(change->old) && loses(change->old, change->new, change->level)) {
        change->budget = EXPANDED;
        expand(change, change->level, address, change->old, rights_above(change, address));
    }
}

static void follow_below(struct change *change, const struct table *table, uint64_t root) {
    change->root = root;
    tables_positions(table, change->level, root, change->processor->levels, at_position, change);
}

/* For all processors: what they hold of other roots than theirs is global, or went with CR3. */
static void follow(struct change *change, const struct table *table) {
    struct processors *all = processors();
    for (unsigned int cpu = 0; cpu < all->count; cpu++) {
        const struct processor *processor = &all->of[cpu];
        if (!processor->is_paging) {
            continue;
        }
        change->processor = processor;
        change->cpus = 1ull << cpu;
        follow_below(change, table, processor->root);
        for (unsigned int i = 0; i < processor->other_count; i++) {
            if (processor->others[i] != processor->root) {
                follow_below(change, table, processor->others[i]);
            }
        }
    }
}

/* An upper-level entry is owed that led to this table, and leads there no longer. */
static const struct debt *owed_table(uint64_t frame) {
    uint64_t count = debts_of(UPPER_2) + debts_of(UPPER_3) + debts_of(UPPER_4) + debts_of(UPPER_5);
    for (uint64_t i = 0; count && i < debts_open(); i++) {
        const struct debt *debt = debt_number(i);
        if (debt->class < UPPER_2 || debt->frame != frame) {
            continue;
        }
        uint64_t now = entry_read(debt->entry_at & -(uint64_t)PAGE, debt->entry_at % PAGE / 8);
        if (!entry_leads(now) ||
            entry_frame(now, debt->level) != entry_frame(debt->old, debt->level)) {
            return debt;
        }
    }
    return NULL;
}

/* What an entry led to has lost something, or has something new below it, or nobody needs it. */
static void entry_changed(struct table *table, unsigned int index, uint64_t old, uint64_t new,
                          const struct access *access) {
    uint64_t frame = table->frame;
    struct change change = {.index = index,
                            .entry_at = frame + index * sizeof(new),
                            .old = old,
                            .new = new,
                            .access = access};
    for (change.level = 1; change.level <= 5; change.level++) {
        if (table->levels >> change.level & 1) {
            follow(&change, table);
        }
    }
    if (!change.positions) { /* no root in use leads here */
        const struct debt *debt = owed_table(frame);
        if (!debt) {
            table_forget(table);
        } else if (entry_leads(new)) {
            translation_report(KIND_REUSED, debt, access, frame);
            debt_settle(debt, __builtin_ctzll(debt->cpus));
        }
        return;
    }
    for (unsigned int level = 2; level <= 5; level++) {
        if (table->levels >> level & 1 && entry_leads(new) && !entry_is_leaf(new, level)) {
            tables_learn(entry_frame(new, level), level - 1, change.entry_at);
        }
    }
    processors_note_change(processors());
}

void entry_stored(struct table *table, unsigned int index, const struct access *access) {
    uint64_t old = table->entries[index], new = entry_read(table->frame, index);
    bool is_lowest = table->levels == 1 << 1;
    table->entries[index] = new;
    /* Of a page that was not there before nobody can hold anything, unless its table is over. */
    if (old != new && (!is_lowest || entry_leads(old) || debts_open())) {
        entry_changed(table, index, old, new, access);
    }
}

#endif
