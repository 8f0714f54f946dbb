/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the plugin's files have in common: the shared memory, and each access decoded once.
 */
#pragma once

#include "interface.h"
#include "shared.h"

#include <stdbool.h>
#include <stdint.h>

#define PAGE    4096u
#define NOWHERE UINT64_MAX /* the physical address of a device's memory */

extern struct shared *shared;

/* An access that an instruction has just made. */
struct access {
    unsigned int cpu;
    bool is_store;
    uint64_t pc;
    uint64_t address;
    uint64_t size;
    qemu_plugin_meminfo_t info;
};

/* The physical address of an access, or NOWHERE. Takes longer than most other questions. */
uint64_t access_physical(const struct access *access);

/* What guest RAM holds at a physical address: at most 16 bytes. Whether that is RAM. */
bool ram_read(uint64_t physical, void *to, uint64_t size);
bool ram_has(uint64_t physical);

/* The bytes of an instruction, of which there is room for 16, and how many they are. */
size_t insn_bytes(const struct qemu_plugin_insn *insn, uint8_t *bytes);

/* How many instructions have been executed by all processors. */
uint64_t count_instructions(void);

/* Where a processor is now, with its callers. */
struct event event_now(unsigned int cpu, uint64_t pc);

/* One processor at a time changes what instruments keep. */
void lock(void);
void unlock(void);
