/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who called whom, without a register: CALL pushes and RET pops, and the addresses of those
 * accesses say where the stack pointer is. What lies on a stack below it is over. Each processor
 * keeps the calls of the last stacks that it ran on, since a kernel switches between several: a RET
 * whose return address lies elsewhere than the last CALL's tells that it has switched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CALL_DEPTH  1024
#define CALL_STACKS 16

/* Bytes below the last call within which the stack is surely the same, and within which it may be.
 */
#define STACK_NEAR  0x1000
#define STACK_REACH 0x40000

struct call {
    uint64_t slot;   /* the address of the return address */
    uint64_t pc;     /* of the CALL instruction; 0: the stack begins here */
    uint64_t number; /* which one of the processor's calls */
};

struct call_stack {
    uint64_t depth;
    uint64_t used; /* when it was last switched to, in turns of its processor */
    struct call calls[CALL_DEPTH];
};

struct cpu_calls {
    uint64_t turns;
    uint64_t count;   /* calls so far */
    uint64_t current; /* index of a stack */
    struct call_stack stacks[CALL_STACKS];
};

/* The calls of a processor; NULL if there is no room for them. */
struct cpu_calls *calls_of(unsigned int cpu);

/* The CALL at `pc` has pushed its return address at `slot`. */
void calls_enter(struct cpu_calls *cpu, uint64_t slot, uint64_t pc);

/* A RET has popped its return address from `slot`. */
void calls_leave(struct cpu_calls *cpu, uint64_t slot);

/* The call of the stack in use whose return address some bytes are of; whether there is one. */
bool calls_slot(const struct cpu_calls *cpu, uint64_t address, uint64_t size, struct call *call);

/* The last call that has not returned; all zeros if there is none. */
struct call calls_last(const struct cpu_calls *cpu);

/* Copy the last calls that have not returned, the innermost first, and say how many they are; not
   the innermost if it is the one at `pc` itself. */
uint64_t calls_copy(const struct cpu_calls *cpu, uint64_t *pcs, uint64_t most, uint64_t pc);
