/*
 * The console on COM1: one line in, one reply line out. The grammar is in README.md beside this
 * file. No input makes the kernel panic: the console frees only frames it was lent, maps only into
 * roots of its own, and cannot name the heap's window.
 */
#pragma once

#include "slab/slab.h"
#include "task/task.h"

#define CONSOLE_LINE_MAX 255 /* characters, without the line end */
#define CONSOLE_ROOTS    16
#define CONSOLE_CACHES   8

struct console {
    uint64_t *lent_bits;  /* bit per frame, as pmm.free_bits: handed to the console's user */
    paddr_t lent_base;    /* where the bits are */
    uint64_t lent_length; /* bytes, whole frames */
    paddr_t roots[CONSOLE_ROOTS]; /* bare roots r0.. made by `page new`; PADDR_NONE: unused */
    struct slab_cache caches[CONSOLE_CACHES]; /* made by `slab new`; size 0: unused */
    bool echo;
};

extern struct console console;

/* A place for callers from a debugger to pass pointers to. */
extern uint64_t debug_scratch[8];

/* Take the frames for lent_bits (frame_limit / 8 bytes, rounded up to frames) with pmm_alloc_run.
 */
void console_init(void);

/* Mark frames as lent to the console's user, or as returned; for callers from a debugger. */
void console_lend(paddr_t base, uint64_t count);
void console_return(paddr_t base, uint64_t count);

/* Prompt, read, perform, reply, for ever. */
__attribute__((noreturn)) void console_run(void);
