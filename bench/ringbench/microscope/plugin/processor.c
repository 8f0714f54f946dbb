/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "processor.h"

#include <stdlib.h>
#include <string.h>

#if INTERFACE >= 3

#define NO_REGISTER 0xff
#define THE_NEXT    0xfe /* of RIP-relative operands */

/* An instruction, with the operand in memory that it has. */
struct instruction {
    uint64_t pc;
    enum control what;
    uint8_t reg; /* that MOV reads */
    uint8_t base;
    uint8_t index;
    uint8_t scale; /* a shift */
    uint8_t segment;
    int32_t displacement;
    uint64_t next; /* address of the next instruction */
    control_seen seen;
    struct instruction *further;
};

static const char *const names[REGS] = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp",     "rsi",     "rdi", "r8",  "r9",  "r10",  "r11",
    "r12", "r13", "r14", "r15", "cs",  "fs_base", "gs_base", "cr0", "cr3", "cr4", "efer",
};

static struct qemu_plugin_register *handles[REGS];
static bool has_handles;

static void find_handles(void) {
    GArray *all = qemu_plugin_get_registers();
    for (unsigned int i = 0; all && i < all->len; i++) {
        const qemu_plugin_reg_descriptor *each = (qemu_plugin_reg_descriptor *)all->data + i;
        for (unsigned int which = 0; which < REGS; which++) {
            if (strcmp(each->name, names[which]) == 0) {
                handles[which] = each->handle;
            }
        }
    }
    has_handles = true;
}

uint64_t register_read(enum reg which) {
    static __thread GByteArray *bytes;
    uint64_t value = 0;
    if (!has_handles) {
        find_handles();
    }
    if (!bytes) {
        bytes = g_byte_array_new();
    }
    g_byte_array_set_size(bytes, 0);
    if (handles[which] && qemu_plugin_read_register(handles[which], bytes) > 0) {
        memcpy(&value, bytes->data, bytes->len < sizeof(value) ? bytes->len : sizeof(value));
    }
    return value;
}

/* Read an operand (Intel SDM volume 2A, 2.1.5 and 2.2.1); whether it is one in memory. */
static bool operand(const uint8_t *modrm, unsigned int rex, struct instruction *into) {
    unsigned int mode = *modrm >> 6, low = *modrm & 7;
    const uint8_t *at = modrm + 1;
    into->base = low | (rex & 1) << 3;
    into->index = NO_REGISTER;
    if (mode == 3) {
        return false;
    }
    if (low == 4) {
        unsigned int index = (*at >> 3 & 7) | (rex & 2) << 2;
        into->index = index == 4 ? NO_REGISTER : index;
        into->scale = *at >> 6;
        into->base = (*at & 7) | (rex & 1) << 3;
        low = *at++ & 7;
        if (mode == 0 && low == 5) {
            into->base = NO_REGISTER;
        }
    } else if (mode == 0 && low == 5) {
        into->base = THE_NEXT;
    }
    if (mode == 1) {
        into->displacement = (int8_t)*at;
    } else if (mode == 2 || (mode == 0 && low == 5)) {
        memcpy(&into->displacement, at, 4);
    }
    return true;
}

static enum control control_of(unsigned int number) {
    return number == 0   ? CONTROL_CR0
           : number == 3 ? CONTROL_CR3
           : number == 4 ? CONTROL_CR4
                         : CONTROL_NONE;
}

/* Fill in what an instruction of 64-bit code does; of 32-bit code, moves to control registers. */
static void decode(const uint8_t *bytes, struct instruction *into) {
    unsigned int rex = 0;
    for (;; bytes++) {
        if (*bytes == 0x64 || *bytes == 0x65) {
            into->segment = *bytes == 0x64 ? REG_FS_BASE : REG_GS_BASE;
        } else if (*bytes != 0x2e && *bytes != 0x36 && *bytes != 0x3e && *bytes != 0x26 &&
                   *bytes != 0x66 && *bytes != 0x67 && *bytes != 0xf2 && *bytes != 0xf3) {
            break;
        }
    }
    if ((*bytes & 0xf0) == 0x40) {
        rex = *bytes++ & 15;
    }
    if (*bytes++ != 0x0f) {
        return;
    }
    if (bytes[0] == 0x22) {
        into->what = control_of((bytes[1] >> 3 & 7) | (rex & 4) << 1);
        into->reg = (bytes[1] & 7) | (rex & 1) << 3;
    } else if (bytes[0] == 0x01 && (bytes[1] >> 3 & 7) == 7 && operand(bytes + 1, rex, into)) {
        into->what = CONTROL_INVLPG;
    }
}

static uint64_t address_of(const struct instruction *it) {
    uint64_t address = (uint64_t)(int64_t)it->displacement;
    if (it->base == THE_NEXT) {
        address += it->next;
    } else if (it->base != NO_REGISTER) {
        address += register_read(it->base);
    }
    if (it->index != NO_REGISTER) {
        address += register_read(it->index) << it->scale;
    }
    return it->segment ? address + register_read(it->segment) : address;
}

static void before(unsigned int cpu, void *data) {
    const struct instruction *it = data;
    if (cpu >= CPUS || register_read(REG_CS) & 3) {
        return; /* of a program, it is a fault */
    }
    it->seen(cpu, it->what, it->what == CONTROL_INVLPG ? address_of(it) : register_read(it->reg));
}

/* The same instruction is translated again and again, and kept once. */
static struct instruction *kept(const struct instruction *wanted) {
    static struct instruction *all;
    for (struct instruction *each = all; each; each = each->further) {
        if (each->pc == wanted->pc && each->what == wanted->what && each->reg == wanted->reg &&
            each->base == wanted->base && each->index == wanted->index &&
            each->scale == wanted->scale && each->displacement == wanted->displacement &&
            each->segment == wanted->segment) {
            return each;
        }
    }
    struct instruction *made = malloc(sizeof(*made));
    if (made) {
        *made = *wanted;
        made->further = all;
        all = made;
    }
    return made;
}

void controls_translated(struct qemu_plugin_tb *block, control_seen seen) {
    size_t count = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        uint8_t bytes[32] = {0};
        size_t length = insn_bytes(insn, bytes);
        uint64_t pc = qemu_plugin_insn_vaddr(insn);
        struct instruction it = {.pc = pc, .next = pc + length, .seen = seen};
        decode(bytes, &it);
        struct instruction *known = it.what == CONTROL_NONE ? NULL : kept(&it);
        if (known) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, before, QEMU_PLUGIN_CB_R_REGS, known);
        }
    }
}

#endif
