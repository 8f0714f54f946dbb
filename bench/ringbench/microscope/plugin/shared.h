/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memory that the bench and the plugin share: ringbench/microscope/shared.py reads and writes
 * the same. All numbers are 64 bits. The bench fills in its part before the guest runs.
 */
#pragma once

#include <stdint.h>

#define LAYOUT     1
#define RAM_RANGES 8
#define PAGES      32
#define CALLERS    24

/* `length` bytes of RAM at physical address `base`, at `offset` in the file that is guest RAM. */
struct ram_range {
    uint64_t base;
    uint64_t length;
    uint64_t offset;
};

/* The bytes [begin, end) of the page at physical address `page` are watched under any address. */
struct watched_page {
    uint64_t page;
    uint64_t begin; /* offsets in the page */
    uint64_t end;
};

/* One write that met what is watched. */
struct record {
    uint64_t instruction; /* how many had been executed, this one included */
    uint64_t cpu;
    uint64_t pc;
    uint64_t address;          /* virtual */
    uint64_t physical;         /* ~0: of a device */
    uint64_t size;             /* bytes */
    uint64_t value[2];         /* little-endian, what is there after the write */
    uint64_t depth;            /* of `callers` */
    uint64_t callers[CALLERS]; /* addresses of CALL instructions, the innermost first */
};

struct shared {
    /* the bench's */
    uint64_t begin; /* virtual addresses [begin, end) are watched, under whichever root */
    uint64_t end;
    uint64_t capacity; /* of `records` */
    uint64_t ram_count;
    struct ram_range ram[RAM_RANGES];
    /* the plugin's, but for the first pages, which the bench may know */
    uint64_t page_count;
    struct watched_page pages[PAGES];
    uint64_t layout; /* LAYOUT once the plugin is there */
    uint64_t instructions;
    uint64_t written; /* records in all; the last `capacity` of them are kept, in a ring */
    struct record records[];
};
