/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "calls.h"

#include "arena.h"
#include "plugin.h"

#include <stdbool.h>
#include <string.h>

struct cpu_calls *calls_of(unsigned int cpu) {
    return cpu < CPUS ? arena_root(&shared->calls[cpu], sizeof(struct cpu_calls)) : NULL;
}

/* How many calls of a stack are above an address: as many have not returned when RSP is there. */
static uint64_t above(const struct call_stack *stack, uint64_t slot) {
    uint64_t low = 0, high = stack->depth;
    while (low < high) { /* slots descend */
        uint64_t middle = (low + high) / 2;
        if (stack->calls[middle].slot > slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void switch_to(struct cpu_calls *cpu, uint64_t index) {
    cpu->current = index;
    cpu->stacks[index].used = ++cpu->turns;
}

/* Begin a stack above `slot`, in place of the one that was left the longest ago. */
static struct call_stack *begin(struct cpu_calls *cpu, uint64_t slot) {
    uint64_t oldest = 0;
    for (uint64_t i = 1; i < CALL_STACKS; i++) {
        oldest = cpu->stacks[i].used < cpu->stacks[oldest].used ? i : oldest;
    }
    switch_to(cpu, oldest);
    cpu->stacks[oldest].depth = 1;
    cpu->stacks[oldest].calls[0] = (struct call){.slot = slot + 8};
    return &cpu->stacks[oldest];
}

/* The stack with the nearest call above an address, which is where the address lies. */
static struct call_stack *holder(struct cpu_calls *cpu, uint64_t slot) {
    uint64_t best = STACK_REACH, found = CALL_STACKS;
    for (uint64_t i = 0; i < CALL_STACKS; i++) {
        const struct call_stack *stack = &cpu->stacks[i];
        uint64_t depth = above(stack, slot);
        uint64_t distance = depth ? stack->calls[depth - 1].slot - slot : UINT64_MAX;
        if (distance < best) {
            best = distance;
            found = i;
        }
    }
    if (found == CALL_STACKS) {
        return begin(cpu, slot);
    }
    if (found != cpu->current) {
        switch_to(cpu, found);
    }
    struct call_stack *stack = &cpu->stacks[found];
    stack->depth = above(stack, slot);
    return stack;
}

void calls_enter(struct cpu_calls *cpu, uint64_t slot, uint64_t pc) {
    struct call_stack *stack = &cpu->stacks[cpu->current];
    uint64_t last = stack->depth ? stack->calls[stack->depth - 1].slot : 0;
    if (slot >= last || last - slot > STACK_NEAR) {
        stack = holder(cpu, slot);
    }
    if (stack->depth == CALL_DEPTH) { /* the outer half is of no use to anybody */
        stack->depth = CALL_DEPTH / 2;
        memmove(stack->calls, stack->calls + CALL_DEPTH / 2, sizeof(stack->calls) / 2);
    }
    stack->calls[stack->depth++] = (struct call){.slot = slot, .pc = pc, .number = ++cpu->count};
}

void calls_leave(struct cpu_calls *cpu, uint64_t slot) {
    for (uint64_t i = 0; i < CALL_STACKS; i++) { /* the current one first, and mostly found there */
        uint64_t index = (cpu->current + i) % CALL_STACKS;
        struct call_stack *stack = &cpu->stacks[index];
        uint64_t depth = above(stack, slot);
        if (depth < stack->depth && stack->calls[depth].slot == slot) {
            stack->depth = depth;
            if (i) {
                switch_to(cpu, index);
            }
            return;
        }
    }
    begin(cpu, slot); /* no CALL has put that address there: this is where a task begins */
}

bool calls_slot(const struct cpu_calls *cpu, uint64_t address, uint64_t size, struct call *call) {
    const struct call_stack *stack = cpu ? &cpu->stacks[cpu->current] : NULL;
    if (!stack || !stack->depth || address + size <= stack->calls[stack->depth - 1].slot) {
        return false; /* of the function's own, as nearly all are */
    }
    uint64_t index = above(stack, address + size - 1);
    if (index == stack->depth || stack->calls[index].slot + sizeof(uint64_t) <= address ||
        !stack->calls[index].pc) {
        return false;
    }
    *call = stack->calls[index];
    return true;
}

struct call calls_last(const struct cpu_calls *cpu) {
    const struct call_stack *stack = &cpu->stacks[cpu->current];
    return stack->depth ? stack->calls[stack->depth - 1] : (struct call){};
}

uint64_t calls_copy(const struct cpu_calls *cpu, uint64_t *pcs, uint64_t most, uint64_t pc) {
    const struct call_stack *stack = &cpu->stacks[cpu->current];
    uint64_t count = 0, depth = stack->depth;
    depth -= depth && stack->calls[depth - 1].pc == pc;
    for (uint64_t i = depth; i > 0 && count < most && stack->calls[i - 1].pc; i--) {
        pcs[count++] = stack->calls[i - 1].pc;
    }
    return count;
}
