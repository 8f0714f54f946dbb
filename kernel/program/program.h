/*
 * Programs: user mode. A task with an empty space is given a program, a static ELF64 file that the
 * boot loader brought as a module; then it runs until it ends, and takes turns with the other tasks
 * that have one whenever it yields.
 *
 *     segments    each in a region of its own, ANONYMOUS, with exactly its rights
 *     a guard     one page below the stack: a GUARD region
 *     the stack   PROGRAM_STACK_SIZE bytes up to the window's end, DEMAND
 *
 * A program ends by the system call `exit`, or by an exception that nobody resolves. Either way its
 * task is left with the empty space that it had before; the kernel goes on.
 *
 * While programs run, SMEP and SMAP are on where the CPU has them (UMIP always is): the kernel does
 * not execute user pages, and does not read or write them by their user addresses. It has no need
 * to: system calls read a program's memory through the direct map (vm_read), which judges every
 * pointer by the regions. The console's `touch`, whose purpose is such an access,
 * works while no program runs. RFLAGS.AC, with which a program could lift SMAP, is cleared on each
 * way into the kernel.
 *
 * Shortcomings: turns are taken by yielding only, so a program that loops for ever holds the
 * machine; interrupts are off while one runs. The vector registers are not saved: programs are
 * built without them.
 */
#pragma once

#include "cpu/traps.h"
#include "program/elf.h"
#include "task/task.h"

#define PROGRAMS_MAX       16
#define PROGRAM_STACK_SIZE KIB(64)

struct program {
    struct trap_frame frame; /* where it goes on */
};

enum program_ending {
    PROGRAM_YIELDED = 1, /* not at its end: another has its turn */
    PROGRAM_EXITED,
    PROGRAM_FAULTED,
};

/* How a program ended. */
struct program_end {
    enum program_ending ending;
    uint64_t code; /* EXITED: what it passed to exit */
    /* FAULTED: */
    uint64_t vector, error;
    vaddr_t rip;
    vaddr_t address; /* CR2, of a page fault */
    int32_t cause;   /* of a page fault, what vm_fault said; else DENIED */
};

/* Allow SYSCALL, and become the handler of programs' exceptions. Takes no frame. */
void program_init(void);

/*
 * Give a task the program of `length` bytes at `bytes`, to begin at its entry with `number` in RDI,
 * the task's id in RSI, and an empty stack.
 * Frames are taken as by vm_alloc_at, for the segments in the file's order, then guard and stack.
 * Errors, nothing changed, in this order:
 *   NOT_FOUND   no such task
 *   DENIED      the boot task
 *   BUSY        the task has a program, or its space a region
 *   INVALID     the file is no such program; *defect says why, and is GOOD in every other case
 *   NO_SPACE    PROGRAMS_MAX tasks have a program
 *   NO_MEMORY   fewer free frames than it takes
 */
int program_load(uint64_t id, const void *bytes, uint64_t length, uint64_t number,
                 enum elf_defect *defect);

/*
 * Run programs by turns, ascending by id and round, beginning with the given task's, until that one
 * ends. Each that ends on the way is reported on a line for people. The current task is the same
 * before and after. Errors, nothing changed: NOT_FOUND (no such task, or it has no program).
 */
int program_run(uint64_t id, struct program_end *end);
