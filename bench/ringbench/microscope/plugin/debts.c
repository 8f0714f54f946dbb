/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "debts.h"

#include <stddef.h>

#define BUCKETS 8192

struct debts {
    uint64_t count; /* of `debts`, the first of which are open */
    uint64_t of[CLASSES];
    uint64_t stores;
    uint32_t buckets[BUCKETS]; /* index plus one */
    struct debt debts[DEBTS];
    struct event events[STORES];
};

static const unsigned int shifts[CLASSES] = {12, 21, 30, 21, 30, 39, 48};

static struct debts *debts(void) {
    return arena_root(&shared->root[ROOT_TRANSLATIONS], sizeof(struct debts));
}

/* The debts that there are, without making room for any. */
static struct debts *made(void) {
    return (struct debts *)shared->root[ROOT_TRANSLATIONS];
}

static uint32_t *bucket(struct debts *all, enum size_class class, uint64_t address) {
    uint64_t key = (address >> shifts[class]) * CLASSES + class;
    return &all->buckets[(key * 0x9e3779b97f4a7c15ull) >> 51];
}

uint64_t debts_of(enum size_class class) {
    const struct debts *all = made();
    return all ? all->of[class] : 0;
}

const struct debt *debt_number(uint64_t number) {
    return &made()->debts[number];
}

/* The same translation, owed already. */
static struct debt *same(struct debts *all, const struct debt *debt) {
    uint32_t next = *bucket(all, debt->class, debt->address);
    for (; next; next = all->debts[next - 1].next) {
        struct debt *each = &all->debts[next - 1];
        if (each->class == debt->class && each->address == debt->address &&
            each->frame == debt->frame && each->rights == debt->rights &&
            each->is_global == debt->is_global) {
            return each;
        }
    }
    return NULL;
}

void debt_open(const struct debt *debt) {
    struct debts *all = debts();
    struct debt *known = all ? same(all, debt) : NULL;
    if (known) {
        known->cpus |= debt->cpus;
        return;
    }
    if (!all || all->count == DEBTS) {
        shared->lacking |= LACKS_ROOM;
        return;
    }
    struct debt *made = &all->debts[all->count++];
    uint32_t *first = bucket(all, debt->class, debt->address);
    *made = *debt;
    made->next = *first;
    *first = all->count;
    all->of[debt->class]++;
}

uint64_t debt_note_store(unsigned int cpu, uint64_t pc) {
    struct debts *all = debts();
    if (!all) {
        return 0;
    }
    all->events[all->stores % STORES] = event_now(cpu, pc);
    return all->stores++;
}

const struct event *debt_store(uint64_t number) {
    const struct debts *all = made();
    return all && all->stores - number <= STORES ? &all->events[number % STORES] : NULL;
}

static uint32_t *link_to(struct debts *all, uint64_t index) {
    uint32_t *link = bucket(all, all->debts[index].class, all->debts[index].address);
    while (*link != index + 1) {
        link = &all->debts[*link - 1].next;
    }
    return link;
}

static void close_debt(struct debts *all, uint64_t index) {
    uint64_t last = all->count - 1;
    *link_to(all, index) = all->debts[index].next;
    all->of[all->debts[index].class]--;
    if (index != last) {
        *link_to(all, last) = index + 1;
        all->debts[index] = all->debts[last];
    }
    all->count--;
}

static void settle(struct debts *all, uint64_t index, unsigned int cpu) {
    all->debts[index].cpus &= ~(1ull << cpu);
    if (!all->debts[index].cpus) {
        close_debt(all, index);
    }
}

void debt_settle(const struct debt *debt, unsigned int cpu) {
    struct debts *all = debts();
    settle(all, debt - all->debts, cpu);
}

static bool pays(const struct payment *payment, const struct debt *debt) {
    if (!(debt->cpus >> payment->cpu & 1)) {
        return false;
    }
    if (payment->has_address && debt->class < UPPER_2 &&
        debt->address >> shifts[debt->class] != payment->address >> shifts[debt->class]) {
        return false;
    }
    return !debt->is_global || payment->of_globals;
}

/* Pay one of a class at the payment's address; what is in a bucket may have moved after that. */
static bool pay_one(struct debts *all, enum size_class class, const struct payment *payment) {
    uint32_t next = all->of[class] ? *bucket(all, class, payment->address) : 0;
    for (; next; next = all->debts[next - 1].next) {
        const struct debt *debt = &all->debts[next - 1];
        if (debt->class == class && pays(payment, debt)) {
            settle(all, next - 1, payment->cpu);
            return true;
        }
    }
    return false;
}

void debts_pay(const struct payment *payment) {
    struct debts *all = made();
    if (!all || !all->count) {
        return;
    }
    uint64_t upper = all->of[UPPER_2] + all->of[UPPER_3] + all->of[UPPER_4] + all->of[UPPER_5];
    if (payment->has_address && !upper) {
        for (enum size_class class = LEAF_4K; class <= LEAF_1G; class++) {
            while (pay_one(all, class, payment)) {
            }
        }
        return;
    }
    for (uint64_t i = all->count; i-- > 0;) {
        if (pays(payment, &all->debts[i])) {
            settle(all, i, payment->cpu);
        }
    }
}

const struct debt *debt_at(enum size_class class, uint64_t address, unsigned int cpu,
                           const struct debt *last) {
    struct debts *all = made();
    uint32_t next = last ? last->next : *bucket(all, class, address);
    for (; next; next = all->debts[next - 1].next) {
        const struct debt *debt = &all->debts[next - 1];
        if (debt->class == class && debt->address >> shifts[class] == address >> shifts[class] &&
            debt->cpus >> cpu & 1) {
            return debt;
        }
    }
    return NULL;
}
