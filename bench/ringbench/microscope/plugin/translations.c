/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Translations that are used although they should have been flushed.
 *
 * A processor may keep a translation, and the upper-level entries that led to it, for as long as
 * nothing flushes them (Intel SDM volume 3A, 4.10.2 to 4.10.4). So each store to a page table that
 * takes something away (presence, frame, rights) opens debts, which flushes pay; an access at an
 * address that is still owed is judged by what the old translation would have given. Whether this
 * QEMU has kept it makes no difference: a processor may.
 *
 * What is not a finding: that nothing was lost for this access, such as a read after the right to
 * write was taken away, or an address that now leads to the same frame again.
 */
#include "arena.h"
#include "debts.h"
#include "findings.h"
#include "instrument.h"
#include "paging.h"
#include "processor.h"
#include "tables.h"

#include <string.h>

#if INTERFACE >= 3

#define CLEAN    1024 /* pages that each processor knows not to be tables */
#define EXPANDED 8192 /* entries that are looked at for one store */
#define OTHERS   8    /* roots of before whose global pages a processor may still have */

#define CR0_PG   (1ull << 31)
#define CR0_WP   (1ull << 16)
#define CR4_PAE  (1ull << 5)
#define CR4_PGE  (1ull << 7)
#define CR4_LA57 (1ull << 12)
#define CR4_SMEP (1ull << 20)
#define EFER_LME (1ull << 8)

enum kind {
    KIND_STALE = 1, /* an access through a translation that is owed */
    KIND_UPPER,     /* the same, through an upper-level entry */
    KIND_REUSED     /* a frame that was a table gets other contents */
};

struct processor {
    bool is_paging; /* with 4 or 5 levels */
    bool is_write_protected;
    unsigned int levels;
    uint64_t cr4;
    uint64_t root;
    unsigned int other_count;
    uint64_t others[OTHERS];
    uint64_t clean[CLEAN]; /* marks of pages: see mark_of */
};

struct processors {
    uint64_t changes;   /* of what is a table where: after one, no page is known to be clean */
    unsigned int count; /* of processors, those among them that have not come up */
    struct processor of[CPUS];
};

static qemu_plugin_u64 owed; /* for each processor, whether any debt is open */

static struct processors *processors(void) {
    return arena_root(&shared->root[ROOT_PROCESSORS], sizeof(struct processors));
}

/* What a page is marked with that is no table, until the next change. */
static uint64_t mark_of(const struct processors *all, uint64_t page) {
    return (page & ((1ull << 45) - 1)) | all->changes << 45;
}

static void note_change(struct processors *all) {
    all->changes++;
    if (all->changes << 45 == 0) { /* marks of long ago would count again */
        for (unsigned int cpu = 0; cpu < all->count; cpu++) {
            memset(all->of[cpu].clean, 0xff, sizeof(all->of[cpu].clean));
        }
    }
}

/* Have the beginning of each block looked at for as long as debts are open. */
static void tell_owed(void) {
    int count = qemu_plugin_num_vcpus();
    for (int cpu = 0; cpu < count; cpu++) {
        qemu_plugin_u64_set(owed, cpu, debts_open() > 0);
    }
}

/* --- what a store takes away, and from which addresses ------------------------------------------
 */

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

static void report(enum kind kind, const struct debt *debt, const struct access *access,
                   uint64_t stale) {
    struct finding *finding = finding_note(TRANSLATIONS, kind, access);
    const struct event *store = debt_store(debt->store);
    if (finding) {
        finding->detail[0] = debt->address;
        finding->detail[1] = debt->old;
        finding->detail[2] = debt->new;
        finding->detail[3] = debt->class | debt->level << 8 | debt->is_global << 16;
        finding->detail[4] = debt->entry_at;
        finding->detail[5] = stale;
        if (store) {
            finding->related[0] = *store;
        }
    }
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
            report(KIND_REUSED, debt, access, frame);
            debt_settle(debt, __builtin_ctzll(debt->cpus));
        }
        return;
    }
    for (unsigned int level = 2; level <= 5; level++) {
        if (table->levels >> level & 1 && entry_leads(new) && !entry_is_leaf(new, level)) {
            tables_learn(entry_frame(new, level), level - 1, change.entry_at);
        }
    }
    note_change(processors());
}

/* A store has reached an entry of a table. */
static void entry_stored(struct table *table, unsigned int index, const struct access *access) {
    uint64_t old = table->entries[index], new = entry_read(table->frame, index);
    bool is_lowest = table->levels == 1 << 1;
    table->entries[index] = new;
    /* Of a page that was not there before nobody can hold anything, unless its table is over. */
    if (old != new && (!is_lowest || entry_leads(old) || debts_open())) {
        entry_changed(table, index, old, new, access);
    }
}

/* --- accesses -----------------------------------------------------------------------------------
 */

static void stored(struct processors *all, struct processor *processor,
                   const struct access *access) {
    uint64_t page = access->address / PAGE;
    uint64_t physical = access_physical(access), frame = physical & -(uint64_t)PAGE;
    if (physical == NOWHERE || !table_find(frame)) {
        processor->clean[page % CLEAN] = mark_of(all, page);
        return;
    }
    uint64_t first = physical % PAGE / sizeof(uint64_t);
    uint64_t last = (physical % PAGE + access->size - 1) / sizeof(uint64_t);
    for (uint64_t i = first; i <= last && i < ENTRIES; i++) {
        struct table *table = table_find(frame);
        if (table) {
            entry_stored(table, i, access);
        }
    }
    tell_owed();
}

/* Whether a translation with these rights allows an access that comes from some code. */
static bool allows(const struct processor *processor, unsigned int rights,
                   const struct access *access, bool is_fetch, bool is_user) {
    if (is_user && !(rights & RIGHT_USER)) {
        return false;
    }
    if (is_fetch) {
        return rights & RIGHT_EXECUTE;
    }
    return !access->is_store || rights & RIGHT_WRITE ||
           (!is_user && !processor->is_write_protected);
}

/* Whether the old translation matters to an access at an address of which one is owed. */
static bool matters(const struct processor *processor, const struct debt *debt,
                    const struct access *access, bool is_fetch, struct translation *stale) {
    uint64_t root = processor->root, inside = access->address - debt->address;
    struct translation now = walk_from(root, processor->levels, access->address, RIGHT_ALL);
    /* Code that programs may execute is a program's: the kernel's own is not theirs. */
    struct translation code = walk_from(root, processor->levels, access->pc, RIGHT_ALL);
    bool is_user = code.is_present && code.rights & RIGHT_USER;
    *stale =
        debt->class >= UPPER_2
            ? walk_from(debt->frame, debt->class - UPPER_2 + 1, access->address, debt->rights)
            : (struct translation){true, debt->rights, debt->frame + (inside & -(uint64_t)PAGE)};
    if (stale->is_present && !allows(processor, stale->rights, access, is_fetch, is_user)) {
        return false; /* it would fault, and that flushes it (4.10.4.1) */
    }
    return !stale->is_present || !now.is_present || now.page != stale->page ||
           !allows(processor, now.rights, access, is_fetch, is_user);
}

/* Judge an access by all that is owed at its address, and report it once at most. */
static void look(const struct processor *processor, const struct access *access, bool is_fetch) {
    bool is_reported = false;
    for (enum size_class class = LEAF_4K; class < CLASSES; class++) {
        const struct debt *debt = NULL;
        while (debts_of(class) && (debt = debt_at(class, access->address, access->cpu, debt))) {
            struct translation stale;
            if (!matters(processor, debt, access, is_fetch, &stale)) {
                continue;
            }
            if (!is_reported) {
                report(class >= UPPER_2 ? KIND_UPPER : KIND_STALE, debt, access,
                       stale.is_present ? stale.page : NOWHERE);
            }
            is_reported = true;
            debt_settle(debt, access->cpu);
            debt = NULL; /* what follows may have moved */
        }
    }
}

static void accessed(const struct access *access) {
    bool is_owed = debts_open() > 0;
    struct processors *all = (struct processors *)shared->root[ROOT_PROCESSORS];
    if ((!access->is_store && !is_owed) || !all || access->cpu >= CPUS) {
        return;
    }
    struct processor *processor = &all->of[access->cpu];
    uint64_t page = access->address / PAGE;
    bool is_clean = !access->is_store || processor->clean[page % CLEAN] == mark_of(all, page);
    if (!processor->is_paging || (is_clean && !is_owed)) {
        return;
    }
    lock();
    if (is_owed) {
        look(processor, access, false);
    }
    if (!is_clean) {
        stored(all, processor, access);
    }
    unlock();
}

/* A block of code begins while debts are open. */
static void fetched(unsigned int cpu, void *pc) {
    struct processors *all = (struct processors *)shared->root[ROOT_PROCESSORS];
    if (!all || cpu >= CPUS || !all->of[cpu].is_paging) {
        return;
    }
    struct access access = {.cpu = cpu, .pc = (uint64_t)pc, .address = (uint64_t)pc};
    lock();
    look(&all->of[cpu], &access, true);
    tell_owed();
    unlock();
}

/* --- flushes ------------------------------------------------------------------------------------
 */

/* Remember the root that is left, in place of the one of the longest ago. */
static void remember(struct processor *processor) {
    for (unsigned int i = 0; i < processor->other_count; i++) {
        if (processor->others[i] == processor->root) {
            return;
        }
    }
    if (processor->other_count == OTHERS) {
        memmove(processor->others, processor->others + 1,
                sizeof(uint64_t) * --processor->other_count);
    }
    processor->others[processor->other_count++] = processor->root;
}

static void enter(struct processors *all, struct processor *processor, uint64_t cr3) {
    uint64_t before = processor->root;
    if (before != (cr3 & ENTRY_FRAME) && processor->cr4 & CR4_PGE) {
        remember(processor);
    }
    processor->root = cr3 & ENTRY_FRAME;
    if (tables_learn_root(processor->root, processor->levels) || processor->root != before) {
        note_change(all);
    }
}

static void turn_paging(struct processors *all, unsigned int cpu, uint64_t cr0) {
    struct processor *processor = &all->of[cpu];
    bool is_paging = cr0 & CR0_PG && register_read(REG_EFER) & EFER_LME;
    processor->is_write_protected = cr0 & CR0_WP;
    if (is_paging == processor->is_paging) {
        return;
    }
    processor->is_paging = is_paging;
    all->count = cpu >= all->count ? cpu + 1 : all->count;
    processor->other_count = 0;
    if (is_paging) {
        processor->cr4 = register_read(REG_CR4);
        processor->levels = processor->cr4 & CR4_LA57 ? 5 : 4;
        processor->root = register_read(REG_CR3) & ENTRY_FRAME;
        tables_learn_root(processor->root, processor->levels);
        note_change(all);
    } else {
        debts_pay(&(struct payment){.cpu = cpu, .of_globals = true});
    }
}

static void load_cr4(struct processor *processor, unsigned int cpu, uint64_t cr4) {
    uint64_t changed = processor->cr4 ^ cr4;
    if (changed & (CR4_PGE | CR4_PAE) || changed & cr4 & CR4_SMEP) {
        debts_pay(&(struct payment){.cpu = cpu, .of_globals = true});
        processor->other_count = 0;
    }
    processor->cr4 = cr4;
}

static void controlled(unsigned int cpu, enum control what, uint64_t value) {
    lock();
    struct processors *all = processors();
    struct processor *processor = all ? &all->of[cpu] : NULL;
    if (processor && what == CONTROL_CR0) {
        turn_paging(all, cpu, value);
    } else if (processor && processor->is_paging) {
        if (what == CONTROL_CR3) {
            debts_pay(&(struct payment){.cpu = cpu});
            enter(all, processor, value);
        } else if (what == CONTROL_CR4) {
            load_cr4(processor, cpu, value);
        } else {
            debts_pay(&(struct payment){
                .cpu = cpu, .of_globals = true, .has_address = true, .address = value});
        }
    }
    tell_owed();
    unlock();
}

static void translated(struct qemu_plugin_tb *block) {
    lock();
    if (!owed.score) {
        owed = (qemu_plugin_u64){.score = qemu_plugin_scoreboard_new(sizeof(uint64_t))};
    }
    controls_translated(block, controlled);
    unlock();
    void *pc = (void *)qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0));
    qemu_plugin_register_vcpu_tb_exec_cond_cb(block, fetched, QEMU_PLUGIN_CB_NO_REGS,
                                              QEMU_PLUGIN_COND_NE, owed, 0, pc);
}

const struct instrument translations_instrument = {
    .bits = TRANSLATIONS, .translated = translated, .accessed = accessed};

#endif
