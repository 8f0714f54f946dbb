/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers by QEMU's interface (from version 3 on), and the instructions that decide about
 * translations, seen just before they are executed.
 */
#pragma once

#include "plugin.h"

#include <stdbool.h>
#include <stdint.h>

/* Registers that can be asked for. The first sixteen are in the order of their numbers in code. */
enum reg {
    REG_CS = 16,
    REG_FS_BASE,
    REG_GS_BASE,
    REG_CR0,
    REG_CR3,
    REG_CR4,
    REG_EFER,
    REGS
};

/* A register of the processor that the callback was made for. */
uint64_t register_read(enum reg which);

/* What an instruction is about to do. */
enum control {
    CONTROL_NONE,
    CONTROL_CR0,
    CONTROL_CR3,
    CONTROL_CR4,
    CONTROL_INVLPG
};

/*
 * Called before such an instruction, by a processor at privilege level 0. `value` is what a control
 * register is to be, or INVLPG's address. There is no INVPCID: QEMU's emulation has no PCIDs.
 */
typedef void (*control_seen)(unsigned int cpu, enum control what, uint64_t value);

/* Have the instructions of a block seen that are of these kinds. */
void controls_translated(struct qemu_plugin_tb *block, control_seen seen);
