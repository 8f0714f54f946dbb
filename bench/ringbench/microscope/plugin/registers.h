/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's general registers. QEMU's plugin interface has them from version 3 on, at the price
 * of a call for each; before, it has none. So they are looked for where QEMU itself has them.
 *
 * Translated code keeps the address of the guest's registers in one register of the host, for as
 * long as it runs (TCG_AREG0 in QEMU's tcg/<host>/tcg-target.h): on x86-64 it is R14 in QEMU 7.2
 * and RBP in 10.0, on AArch64 X19. A callback that it calls finds it there, since all are the
 * callee's to save. What lies there first are the sixteen general registers, in the order of their
 * numbers in machine code (CPUX86State in target/i386/cpu.h). They are up to date where a block
 * begins, and where memory is accessed, because an access may end in an exception: then they are as
 * before the instruction, but for what it has changed already.
 *
 * None of that is promised. So it is tried: where a CALL has just pushed its return address, RSP
 * must be where it was pushed, in memory that this process has at all. Unless that was seen of a
 * processor, the interface is asked, or it has no registers.
 */
#pragma once

#include "interface.h"

#include <stdbool.h>
#include <stdint.h>

enum gpr {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15
};

/* The host register that leads to the guest's: of use as the first thing in a callback. */
#if defined(__x86_64__) && INTERFACE >= 3
#define REGISTERS_AS_THIRD_ARGUMENT "mov %rbp, %rdx\n\tjmp "
#define HAS_REGISTERS               1
#elif defined(__x86_64__)
#define REGISTERS_AS_THIRD_ARGUMENT "mov %r14, %rdx\n\tjmp "
#define HAS_REGISTERS               1
#elif defined(__aarch64__)
#define REGISTERS_AS_THIRD_ARGUMENT "mov x2, x19\n\tb "
#define HAS_REGISTERS               1
#else
#define HAS_REGISTERS 0
#endif

/* At the beginning of a function: learn where a processor's registers are, if RSP is `slot`. */
void registers_learn(unsigned int cpu, const uint64_t *candidate, uint64_t slot);

/* Have them learned in a block of code, if they are not known yet. */
void registers_translated(struct qemu_plugin_tb *block);

/*
 * The registers of the processor that the callback is for, by `enum gpr`; NULL if they are not
 * known. Where the interface is asked, only those that a call may use: RBX, RBP, R10 and so on are
 * not there.
 */
const uint64_t *registers_of(unsigned int cpu);
