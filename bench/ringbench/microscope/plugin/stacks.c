/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stacks that the bench has named: how deep each is used, whether code runs past its end, and
 * whether it returns to where it was not called from.
 *
 * A processor is on the stack where its last CALL pushed or its last RET popped. A CALL that pushes
 * below that stack, no farther than a frame can be, has run past its end: for code that goes to
 * another stack on purpose executes a RET or IRET there first, or sets RSP by an instruction of its
 * own, after which nothing is said until the next CALL. So has a store below that stack that is not
 * below RSP either, where the registers are known. An interrupt that goes to a stack of its own is
 * told from that by its distance.
 *
 * A return address can change only by a store. One that meets the place of a return address of the
 * stack in use is noted, and judged when a RET takes what it has left. A PUSH is no such store:
 * then the call whose return address was there is over.
 */
#include "arena.h"
#include "calls.h"
#include "code.h"
#include "findings.h"
#include "instrument.h"
#include "registers.h"

#define FRAME    0x4000 /* bytes that a function's frame has at most */
#define SMALL    0x400  /* what most have; a larger step needs that the stack was full */
#define FULL     0x200  /* bytes that a stack has left then */
#define LATE     16     /* longest instruction: a CALL's return address is not farther behind it */
#define THUNK    8      /* a store so close before a RET is meant to change where it goes */
#define CHANGED  32
#define PUSHES   65536 /* bits, by address of the instruction */
#define NO_STACK UINT64_MAX

enum kind {
    KIND_OVERFLOW = 1,
    KIND_RETURN
};

/* A return address that was stored to. */
struct changed {
    uint64_t slot;
    uint64_t call; /* the number of that CALL */
    struct event store;
};

struct place_on {
    uint64_t stack; /* its number, or NO_STACK */
    uint64_t near;  /* where stores matter: `span` bytes from there on, all that can be on it */
    uint64_t span;
    uint64_t last; /* where the last CALL pushed or the last RET popped */
    bool is_set;   /* RSP was set since then */
    bool is_past;  /* the stack's end, which has been said */
    uint64_t changes;
    struct changed changed[CHANGED];
};

/* Instructions that push, and such as set RSP; what was translated once is not the guest's state.
 */
static uint8_t pushes[PUSHES / 8];

static struct place_on *place_of(unsigned int cpu) {
    struct place_on *all = arena_root(&shared->root[ROOT_STACKS], CPUS * sizeof(struct place_on));
    return all && cpu < CPUS ? &all[cpu] : NULL;
}

static uint64_t stack_at(uint64_t address) {
    for (uint64_t i = 0; i < shared->stack_count; i++) {
        const struct stack *stack = &shared->stacks[i];
        if (address - stack->begin < stack->end - stack->begin) {
            return i;
        }
    }
    return NO_STACK;
}

/* Go to a stack. */
static void go_to(struct place_on *on, uint64_t number) {
    const struct stack *stack = number == NO_STACK ? NULL : &shared->stacks[number];
    on->stack = number;
    on->near = stack ? stack->begin - FRAME : 0;
    on->span = stack ? stack->end - on->near : UINT64_MAX;
    on->is_past = false;
}

static const struct stack *stack_of(const struct place_on *on) {
    return on->stack < shared->stack_count && on->last ? &shared->stacks[on->stack] : NULL;
}

static uint64_t push_bit(uint64_t pc) {
    return pc * 0x9e3779b97f4a7c15ull >> 48;
}

static void overflowed(struct place_on *on, const struct access *access) {
    const struct stack *stack = stack_of(on);
    lock();
    struct finding *finding = on->is_past ? NULL : finding_note(STACKS, KIND_OVERFLOW, access);
    on->is_past = true;
    if (finding) {
        finding->detail[0] = stack->begin;
        finding->detail[1] = stack->end;
        finding->detail[2] = stack->begin - access->address;
    }
    unlock();
}

static void used(struct stack *stack, const struct access *access) {
    if (access->address - stack->begin < stack->lowest - stack->begin) {
        stack->lowest = access->address;
        stack->deepest = event_now(access->cpu, access->pc);
    }
}

/* How far RSP may have gone since it was last known, if it has not been set. */
static uint64_t reach(const struct place_on *on, const struct stack *stack) {
    return on->is_set ? 0 : stack->lowest - stack->begin <= FULL ? FRAME : SMALL;
}

/* Whether RSP has come below a stack by growing, from where it last was. */
static bool is_past(const struct place_on *on, const struct stack *stack, uint64_t rsp) {
    return rsp < stack->begin && on->last - rsp <= reach(on, stack);
}

/* Whether a store just below a stack is on it. Registers are dear, and asked for last. */
static bool is_pushed_past(const struct place_on *on, const struct stack *stack,
                           const struct access *access) {
    if (on->last - stack->begin > reach(on, stack) || stack->begin - access->address > FRAME) {
        return false;
    }
    const uint64_t *registers = registers_of(access->cpu);
    return registers && access->address >= registers[RSP] && is_past(on, stack, registers[RSP]);
}

/* A return address on the stack in use, other than by a CALL. */
static void change(struct place_on *on, const struct call *call, const struct access *access) {
    uint64_t bit = push_bit(access->pc);
    bool is_push = pushes[bit / 8] >> bit % 8 & 1;
    struct changed *known = NULL;
    for (int i = 0; i < CHANGED && !known; i++) {
        known = on->changed[i].slot == call->slot ? &on->changed[i] : NULL;
    }
    if (!known) {
        known = &on->changed[on->changes++ % CHANGED];
    }
    *known = (struct changed){.slot = call->slot, .call = is_push ? 0 : call->number};
    if (!is_push) {
        known->store = event_now(access->cpu, access->pc);
    }
}

static void accessed(const struct access *access) {
    struct place_on *all = (struct place_on *)shared->root[ROOT_STACKS];
    if (!access->is_store || !all || access->cpu >= CPUS) {
        return;
    }
    struct place_on *on = &all[access->cpu];
    uint64_t address = access->address;
    if (address - on->near >= on->span) {
        return;
    }
    const struct stack *stack = stack_of(on);
    if (stack && address >= stack->lowest && address + access->size <= on->last) {
        return; /* where nearly all stores to a stack go: into the function's own frame */
    }
    struct call call;
    if (stack && address >= stack->begin) {
        used(&shared->stacks[on->stack], access);
    } else if (stack && is_pushed_past(on, stack, access)) {
        overflowed(on, access);
    }
    if (calls_slot(calls_of(access->cpu), address, access->size, &call)) {
        change(on, &call, access);
    }
}

/* Note where RSP is known to be. */
static void note(struct place_on *on, uint64_t slot) {
    on->last = slot;
    on->is_set = false;
}

static void called(const struct access *access) {
    struct place_on *on = place_of(access->cpu);
    if (!on) {
        return;
    }
    uint64_t slot = access->address;
    const struct stack *stack = stack_of(on);
    if (stack && is_past(on, stack, slot)) {
        overflowed(on, access);
    } else if (!stack || slot - stack->begin >= stack->end - stack->begin) {
        go_to(on, stack_at(slot));
    } else {
        on->is_past = false;
    }
    note(on, slot);
}

static bool is_judged(uint64_t pc) {
    for (uint64_t i = 0; i < shared->own_count; i++) {
        const struct own_code *own = &shared->own[i];
        if (own->instrument & STACKS && pc >= own->begin && pc < own->end) {
            return true;
        }
    }
    return false;
}

/* A RET takes a return address that was changed: is it still the CALL's? */
static void judge(const struct changed *changed, const struct call *call,
                  const struct access *access) {
    uint64_t target = 0;
    if (changed->call != call->number || access->pc - changed->store.pc <= THUNK ||
        !is_judged(access->pc) || !ram_read(access_physical(access), &target, sizeof(target)) ||
        target - call->pc <= LATE) {
        return;
    }
    lock();
    struct finding *finding = finding_note(STACKS, KIND_RETURN, access);
    if (finding) {
        finding->detail[0] = target;
        finding->detail[1] = call->pc;
        finding->related[0] = changed->store;
    }
    unlock();
}

static void judge_all(struct place_on *on, const struct access *access) {
    struct call call;
    if (!calls_slot(calls_of(access->cpu), access->address, access->size, &call)) {
        return;
    }
    for (int i = 0; i < CHANGED; i++) {
        struct changed *changed = &on->changed[i];
        if (changed->slot == access->address) {
            judge(changed, &call, access);
            changed->slot = 0;
        }
    }
}

static void returned(const struct access *access) {
    struct place_on *on = place_of(access->cpu);
    if (!on) {
        return;
    }
    uint64_t slot = access->address;
    const struct stack *stack = stack_of(on);
    if (on->changes) {
        judge_all(on, access);
    }
    if (stack && slot - stack->begin < stack->end - stack->begin) {
        on->is_past = false;
    } else if (!stack || slot >= stack->begin || on->is_set) { /* else back, still past its end */
        go_to(on, stack_at(slot));
    }
    note(on, slot);
}

/* RSP is about to be set to something else. */
static void set(unsigned int cpu, void *data) {
    struct place_on *on = place_of(cpu);
    (void)data;
    if (on) {
        on->is_set = true;
    }
}

static void translated(struct qemu_plugin_tb *block) {
    size_t count = qemu_plugin_tb_n_insns(block);
    if (is_judged(qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0)))) {
        registers_translated(block);
    }
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        uint8_t bytes[16];
        size_t length = insn_bytes(insn, bytes);
        if (code_is_push(bytes, length)) {
            uint64_t bit = push_bit(qemu_plugin_insn_vaddr(insn));
            __atomic_fetch_or(&pushes[bit / 8], 1 << bit % 8, __ATOMIC_RELAXED);
        } else if (code_sets_stack(bytes, length)) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, set, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
    }
}

const struct instrument stacks_instrument = {.bits = STACKS,
                                             .translated = translated,
                                             .accessed = accessed,
                                             .called = called,
                                             .returned = returned};
