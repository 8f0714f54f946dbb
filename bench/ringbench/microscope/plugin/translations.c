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
#include "findings.h"
#include "paging.h"
#include "processor.h"
#include "translations.h"

#include <string.h>

#if INTERFACE >= 3

#define CR0_PG   (1ull << 31)
#define CR0_WP   (1ull << 16)
#define CR4_PAE  (1ull << 5)
#define CR4_LA57 (1ull << 12)
#define CR4_SMEP (1ull << 20)
#define EFER_LME (1ull << 8)

static qemu_plugin_u64 owed; /* for each processor, whether any debt is open */

struct processors *processors(void) {
    return arena_root(&shared->root[ROOT_PROCESSORS], sizeof(struct processors));
}

/* What a page is marked with that is no table, until the next change. */
static uint64_t mark_of(const struct processors *all, uint64_t page) {
    return (page & ((1ull << 45) - 1)) | all->changes << 45;
}

void processors_note_change(struct processors *all) {
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

void translation_report(enum kind kind, const struct debt *debt, const struct access *access,
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
                translation_report(class >= UPPER_2 ? KIND_UPPER : KIND_STALE, debt, access,
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
        processors_note_change(all);
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
        processors_note_change(all);
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
