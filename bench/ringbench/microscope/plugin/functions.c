/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functions.h"

#include "arena.h"
#include "calls.h"
#include "instrument.h"
#include "microscope.h"
#include "registers.h"

#include <string.h>

#define VISITS 64

/* Calls under way; `inside` counts them for each processor, by the instrument's bit number. */
struct visits {
    uint64_t count;
    uint8_t inside[CPUS][8];
    struct visit visits[VISITS];
};

static struct visits *visits(void) {
    return arena_root(&shared->root[ROOT_VISITS], sizeof(struct visits));
}

static unsigned int bit_of(uint64_t instrument) {
    return __builtin_ctzll(instrument) % 8;
}

static void drop(struct visits *all, uint64_t index) {
    const struct visit *visit = &all->visits[index];
    shared->waiting -= visit->out && visit->out_at == NOWHERE;
    all->inside[visit->cpu][bit_of(visit->function->instrument)]--;
    memmove(&all->visits[index], &all->visits[index + 1],
            (--all->count - index) * sizeof(struct visit));
}

static const enum gpr argument_order[] = {RDI, RSI, RDX, RCX, R8, R9}; /* System V ABI, 3.2.3 */

static uint64_t argument(const struct function *function, const uint64_t *registers, int number) {
    uint64_t which = function->argument[number];
    return which ? registers[argument_order[which - 1]] : function->constant[number];
}

static void tell_entered(struct visit *visit) {
    const struct instrument *instrument = instrument_of(visit->function->instrument);
    if (!visit->is_inner && instrument && instrument->entered) {
        instrument->entered(visit);
    }
}

static void enter(unsigned int cpu, const struct function *function, const uint64_t *registers) {
    struct visits *all = visits();
    if (!all || cpu >= CPUS) {
        return;
    }
    const struct call call = calls_last(calls_of(cpu));
    for (uint64_t i = all->count; i-- > 0;) { /* one that was there has ended without a RET */
        if (all->visits[i].slot == registers[RSP] && all->visits[i].call != call.number) {
            drop(all, i);
        }
    }
    if (all->count == VISITS) {
        drop(all, 0);
    }
    uint8_t *inside = &all->inside[cpu][bit_of(function->instrument)];
    struct visit *visit = &all->visits[all->count++];
    *visit = (struct visit){
        .function = function,
        .cpu = cpu,
        .pc = call.slot == registers[RSP] && call.pc ? call.pc : function->address,
        .slot = registers[RSP],
        .call = call.number,
        .is_inner = *inside > 0,
        .out = function->result ? registers[argument_order[function->result - 1]] : 0,
        .out_at = NOWHERE,
    };
    for (int i = 0; i < ARGUMENTS; i++) {
        visit->argument[i] = argument(function, registers, i);
    }
    ++*inside;
    shared->waiting += visit->out != 0;
    if (!visit->out) {
        tell_entered(visit);
    }
}

void functions_accessed(const struct access *access) {
    struct visits *all = (struct visits *)shared->root[ROOT_VISITS];
    for (uint64_t i = 0; all && i < all->count; i++) {
        struct visit *visit = &all->visits[i];
        if (visit->out != access->address || !visit->out || visit->out_at != NOWHERE) {
            continue;
        }
        lock();
        visit->out_at = access_physical(access);
        shared->waiting -= visit->out_at != NOWHERE;
        if (!access->is_store && !visit->argument[1]) {
            ram_read(visit->out_at, &visit->argument[1], sizeof(visit->argument[1]));
        }
        tell_entered(visit);
        unlock();
    }
}

/* What a call has returned, wherever that is put; and whether it was done. */
static uint64_t result_of(struct visit *visit, uint64_t returned) {
    const struct function *function = visit->function;
    uint64_t result = returned;
    if (visit->out && !ram_read(visit->out_at, &result, sizeof(result))) {
        visit->has_failed = true;
        return 0;
    }
    if (function->flags & STATUS) {
        visit->has_failed = (uint32_t)returned != (uint32_t)function->none;
    } else {
        visit->has_failed = result == function->none;
    }
    return result;
}

/* A block begins that is the beginning of a function; `candidate` may lead to its registers. */
__attribute__((used)) static void entered(unsigned int cpu, void *function,
                                          const uint64_t *candidate) {
    const struct cpu_calls *calls = calls_of(cpu);
    if (!calls) {
        return;
    }
    lock();
    registers_learn(cpu, candidate, calls_last(calls).slot);
    const uint64_t *registers = registers_of(cpu);
    if (registers) {
        enter(cpu, function, registers);
    } else {
        shared->lacking |= LACKS_REGISTERS;
    }
    unlock();
}

#if HAS_REGISTERS
void microscope_entered(unsigned int cpu, void *function);
__asm__(".text\n\t.globl microscope_entered\n\t.hidden microscope_entered\n"
        ".type microscope_entered, %function\n"
        "microscope_entered:\n\t" REGISTERS_AS_THIRD_ARGUMENT "entered\n");
#else
static void microscope_entered(unsigned int cpu, void *function) {
    entered(cpu, function, NULL);
}
#endif

void functions_translated(struct qemu_plugin_tb *block) {
    uint64_t begin = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0));
    for (uint64_t i = 0; i < shared->function_count; i++) {
        struct function *function = &shared->functions[i];
        if (function->address == begin && shared->instruments & function->instrument) {
            qemu_plugin_register_vcpu_tb_exec_cb(block, microscope_entered, QEMU_PLUGIN_CB_NO_REGS,
                                                 function);
        }
    }
}

void functions_returned(const struct access *access) {
    struct visits *all = (struct visits *)shared->root[ROOT_VISITS];
    if (!all || all->count == 0) {
        return;
    }
    lock();
    for (uint64_t i = all->count; i-- > 0;) {
        if (all->visits[i].slot != access->address) {
            continue;
        }
        struct visit visit = all->visits[i];
        const uint64_t *registers = registers_of(access->cpu);
        const struct instrument *instrument = instrument_of(visit.function->instrument);
        drop(all, i);
        if (!visit.is_inner && registers && instrument && instrument->left) {
            visit.cpu = access->cpu;
            uint64_t result = result_of(&visit, registers[RAX]);
            instrument->left(&visit, result);
        }
    }
    unlock();
}

bool functions_called(unsigned int cpu, uint64_t instrument) {
    const struct visits *all = (const struct visits *)shared->root[ROOT_VISITS];
    return all && cpu < CPUS && all->inside[cpu][bit_of(instrument)];
}

bool functions_own(uint64_t pc, uint64_t instrument) {
    for (uint64_t i = 0; i < shared->own_count; i++) {
        const struct own_code *own = &shared->own[i];
        if (own->instrument & instrument && pc >= own->begin && pc < own->end) {
            return true;
        }
    }
    return false;
}

bool functions_inside(unsigned int cpu, uint64_t pc, uint64_t instrument) {
    return functions_called(cpu, instrument) || functions_own(pc, instrument);
}

bool functions_concern(uint64_t instrument, int argument, uint64_t value) {
    const struct visits *all = (const struct visits *)shared->root[ROOT_VISITS];
    for (uint64_t i = 0; all && i < all->count; i++) {
        const struct visit *visit = &all->visits[i];
        if (visit->function->instrument == instrument && visit->argument[argument] == value) {
            return true;
        }
    }
    return false;
}
