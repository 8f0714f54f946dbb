/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls of the kernel's functions that instruments want to see: with arguments and results.
 *
 * A function is entered where a block of code begins at its address: after a CALL, and after a
 * jump from the end of another function. It has returned when a RET pops the return address from
 * where it was at the entry, whichever processor and task that is on by then.
 */
#pragma once

#include "plugin.h"

#include <stdbool.h>
#include <stdint.h>

struct visit {
    const struct function *function;
    unsigned int cpu; /* that it was entered on */
    uint64_t pc;      /* of the CALL, or of the function where no CALL led there directly */
    uint64_t slot;    /* the address of the return address */
    uint64_t call;    /* the number of that CALL, by which a jump into a function is known */
    uint64_t argument[ARGUMENTS];
    uint64_t out;     /* the address of the result; 0: it is returned */
    uint64_t out_at;  /* the same, physical, once it was accessed */
    uint64_t kept[2]; /* the instrument's, from the entry on */
    bool is_inner;    /* of another call of the same instrument's */
    bool has_failed;  /* known when it returns */
};

/* Have entries seen of a block of code, if it begins with a function that is watched. */
void functions_translated(struct qemu_plugin_tb *block);

/* While calls are under way: an access may be to where one puts its result. What it held before is
   taken for the argument 1 of the call, if it has no other. */
void functions_accessed(const struct access *access);

/* A RET has popped a return address. */
void functions_returned(const struct access *access);

/* Whether a processor is inside a call of an instrument's functions. */
bool functions_called(unsigned int cpu, uint64_t instrument);

/* Whether code is what the bench calls an instrument's allocator's own. */
bool functions_own(uint64_t pc, uint64_t instrument);

/* Either of them. */
bool functions_inside(unsigned int cpu, uint64_t pc, uint64_t instrument);

/* Whether a call is under way, on any processor, one of whose arguments is a value. */
bool functions_concern(uint64_t instrument, int argument, uint64_t value);
