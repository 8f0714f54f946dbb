/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memory that the bench and the plugin share: ringbench/microscope/layout.py has the same, and
 * a test compares. All numbers are 64 bits. The bench fills in its part before the guest runs.
 *
 * Everything that an instrument learns of the guest is in here, what needs room in the arena behind
 * it: where a machine is frozen the bench copies all of it, and puts it back with the guest.
 */
#pragma once

#include <stdint.h>

#define LAYOUT     3
#define RAM_RANGES 8
#define PAGES      32
#define CALLERS    24
#define FUNCTIONS  64
#define ARGUMENTS  3
#define OWN_CODE   64
#define DETAILS    6
#define RELATED    2
#define FINDINGS   64
#define CPUS       64
#define ROOTS      16
#define RECORDS    100000
#define STACK_MOST 32

/* Bits of `instruments`. */
#define WRITES       (1u << 0)
#define HEAP         (1u << 1)
#define FRAMES       (1u << 2)
#define TRANSLATIONS (1u << 3)
#define STACKS       (1u << 4)
#define COVERAGE     (1u << 5)
#define UNWRITTEN    (1u << 6)

/* Bits of `lacking`: what an instrument could not have, so that it may have missed something. */
#define LACKS_REGISTERS (1u << 0) /* of the guest, where its functions are called */
#define LACKS_ROOM      (1u << 1) /* in the arena */
#define LACKS_CONTROL   (1u << 2) /* registers, of which this QEMU's interface shows none */

/* Of code that only copies and fills: in place of an instrument. */
#define COPIES (1ull << 32)

/* Flags of a function. */
#define REFUSES (1u << 0) /* what is wrongly given back is refused, and no mistake */
#define STATUS  (1u << 1) /* it returns whether it was done, in 32 bits */

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

/* A function of the kernel's whose calls an instrument wants to see; its roles are its own. */
struct function {
    uint64_t address;
    uint64_t instrument;          /* one bit */
    uint64_t role;                /* as the instrument has them */
    uint64_t argument[ARGUMENTS]; /* 1 to 6: which one of the call; 0: `constant` is meant */
    uint64_t constant[ARGUMENTS];
    uint64_t none;   /* the result that means that there was nothing; of STATUS: that it was done */
    uint64_t result; /* 1 to 6: the argument that points to where it is put; 0: it is returned */
    uint64_t flags;
};

/* Code at [begin, end) whose accesses an instrument does not judge: an allocator's own. For stacks
   it is the other way round: the kernel's code, whose returns are judged. */
struct own_code {
    uint64_t instrument; /* bits */
    uint64_t begin;
    uint64_t end;
};

/* Where a processor was when something happened; `pc` 0: it did not, or nobody knows. */
struct event {
    uint64_t instruction; /* how many had been executed, this one included */
    uint64_t cpu;
    uint64_t pc;
    uint64_t depth;            /* of `callers` */
    uint64_t callers[CALLERS]; /* addresses of CALL instructions, the innermost first */
};

/* An access. `physical` is ~0 of a device's memory. */
struct place {
    uint64_t address;
    uint64_t physical;
    uint64_t size;
    uint64_t is_store;
};

/* One write that met what is watched. */
struct record {
    struct event event;
    struct place place;
    uint64_t value[2]; /* little-endian, what is there after the write */
};

/* A stack at [begin, end), which grows down. */
struct stack {
    uint64_t begin;
    uint64_t end;
    uint64_t lowest;      /* address that was used; `end` at first */
    struct event deepest; /* when that was; `pc` 0: never */
};

/* What an instrument objects to. Kinds and details are its own: ringbench/microscope/kinds.py. */
struct finding {
    uint64_t instrument; /* one bit */
    uint64_t kind;
    uint64_t times; /* how often the same was met at the same instruction */
    struct event event;
    struct place place;
    uint64_t detail[DETAILS];
    struct event related[RELATED];
};

struct shared {
    /* the bench's */
    uint64_t instruments; /* bits: those that are on; without any, the plugin does nothing */
    uint64_t arena_size;  /* bytes behind this structure */
    uint64_t begin;       /* virtual addresses [begin, end) are watched, under whichever root */
    uint64_t end;
    uint64_t capacity; /* how many of `records` are used */
    uint64_t ram_count;
    struct ram_range ram[RAM_RANGES];
    uint64_t function_count;
    struct function functions[FUNCTIONS];
    uint64_t own_count;
    struct own_code own[OWN_CODE];
    uint64_t stack_count;
    struct stack stacks[STACK_MOST];
    /* the plugin's, but for the first pages, which the bench may know */
    uint64_t page_count;
    struct watched_page pages[PAGES];
    uint64_t layout; /* LAYOUT once the plugin is there */
    uint64_t instructions;
    uint64_t lacking;
    uint64_t written; /* records in all; the last `capacity` of them are kept, in a ring */
    uint64_t found;   /* how many of `findings` there are: the first ones */
    uint64_t further; /* how often something else was found that there was no room for */
    uint64_t arena_used;
    uint64_t waiting;     /* calls under way whose result is put where nobody has looked yet */
    uint64_t root[ROOTS]; /* of what instruments keep in the arena: arena.h */
    uint64_t calls[CPUS]; /* of each processor's call stacks there */
    struct finding findings[FINDINGS];
    struct record records[RECORDS];
};
