/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What translations.c, which sees accesses and flushes, and changes.c, which follows stores to page
 * tables, have in common: the processors, and what each may hold.
 */
#pragma once

#include "debts.h"
#include "instrument.h"
#include "tables.h"

#define CLEAN  1024 /* pages that each processor knows not to be tables */
#define OTHERS 8    /* roots of before whose global pages a processor may still have */

#define CR4_PGE (1ull << 7)

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

/* All of them; NULL if there is no room. */
struct processors *processors(void);

/* What is a table where has changed: no page is known to be clean any more. */
void processors_note_change(struct processors *all);

/* Note a finding: an access, the debt that it met, and the page that the old translation gives. */
void translation_report(enum kind kind, const struct debt *debt, const struct access *access,
                        uint64_t stale);

/* A store has reached an entry of a table: open what debts it makes, learn and forget tables. */
void entry_stored(struct table *table, unsigned int index, const struct access *access);
