/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Flushes that are owed: for each translation that a processor may still hold although its entry
 * has lost something since, and for each upper-level entry that it may (Intel SDM volume 3A,
 * 4.10.2 and 4.10.3), until an instruction has paid for it (4.10.4.1).
 */
#pragma once

#include "arena.h"
#include "plugin.h"

#include <stdbool.h>
#include <stdint.h>

#define DEBTS  16384
#define STORES 4096

/* How large what is owed can be: leaves of 4 KiB to 1 GiB, then what entries of levels 2 to 5 lead
 * to. */
enum size_class {
    LEAF_4K,
    LEAF_2M,
    LEAF_1G,
    UPPER_2,
    UPPER_3,
    UPPER_4,
    UPPER_5,
    CLASSES
};

struct debt {
    uint64_t address;  /* where what is owed begins */
    uint64_t cpus;     /* that owe it, a bit each */
    uint64_t entry_at; /* physical address of the entry that was stored to */
    uint64_t old;      /* that entry, and what it has become */
    uint64_t new;
    uint64_t frame; /* of the leaf, or of the table that the upper-level entry led to */
    uint64_t store; /* number of the store, as debt_store has it */
    uint32_t next;  /* in its bucket: index plus one */
    uint8_t class;
    uint8_t level;  /* of the entry that was stored to */
    uint8_t rights; /* that it had */
    bool is_global;
};

/* How many are open: the first that a table of debts has, since each access asks. */
static inline uint64_t debts_open(void) {
    const uint64_t *all = (const uint64_t *)shared->root[ROOT_TRANSLATIONS];
    return all ? *all : 0;
}

/* How many are open of a class. */
uint64_t debts_of(enum size_class class);

/* One of those that are open, from 0 on. */
const struct debt *debt_number(uint64_t number);

/* Open one for the processors that it names, if there is room. */
void debt_open(const struct debt *debt);

/* Note that entries are being stored to; the number of the store, for debts that it opens. */
uint64_t debt_note_store(unsigned int cpu, uint64_t pc);

/* Where that was; NULL if too many have followed. */
const struct event *debt_store(uint64_t number);

/* Which debts of a processor a flush pays. */
struct payment {
    unsigned int cpu;
    bool of_globals;  /* also those of global translations */
    bool has_address; /* of leaves only those at this address; of upper entries all the same */
    uint64_t address;
};

void debts_pay(const struct payment *payment);

/* A processor has reported one, and owes it no longer. */
void debt_settle(const struct debt *debt, unsigned int cpu);

/* The next of a class that a processor owes at an address; the first after NULL. */
const struct debt *debt_at(enum size_class class, uint64_t address, unsigned int cpu,
                           const struct debt *last);
