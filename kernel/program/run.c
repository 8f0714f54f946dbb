/* Turns, and the ends of programs. */
#include "base/x86.h"
#include "cpu/exception.h"
#include "cpu/features.h"
#include "cpu/instructions.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "program/user_mode.h"

/* An exception that a program raised and nobody resolved. */
static void end_by_trap(const struct trap_frame *frame, vaddr_t address, int cause) {
    program_end = (struct program_end){
        .ending = PROGRAM_FAULTED,
        .vector = frame->vector,
        .error = frame->error,
        .rip = frame->rip,
        .address = frame->vector == VECTOR_PAGE_FAULT ? address : 0,
        .cause = cause,
    };
    program_leave(PROGRAM_FAULTED);
}

/* What protects the kernel from the pages of a program while one runs. */
static uint64_t protection(void) {
    return (cpu_features.smep ? CR4_SMEP : 0) | (cpu_features.smap ? CR4_SMAP : 0);
}

void program_init(void) {
    write_msr(SYSCALL_STAR, (uint64_t)SELECTOR_SYSRET << 48 | (uint64_t)SELECTOR_CODE << 32);
    write_msr(SYSCALL_LSTAR, (uint64_t)program_syscall_entry);
    write_msr(SYSCALL_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC);
    write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_SCE);
    if (cpu_features.umip) {
        write_cr4(read_cr4() | CR4_UMIP);
    }
    traps_set_user_trap_handler(end_by_trap);
}

static void report(const struct task *task, const struct program_end *end) {
    program_end_line();
    if (end->ending == PROGRAM_EXITED) {
        print("  t%lu exit %lu\n", task->id, end->code);
    } else {
        print("  t%lu %s error=0x%lx rip=0x%lx address=0x%lx\n", task->id, vector_name(end->vector),
              end->error, end->rip, end->address);
    }
}

/* Whose turn it is after that task's: the next with a program, round by the list's beginning. There
 * is one: whoever is waited for has not ended. */
static struct task *next_turn(struct task *task) {
    do {
        task = task->next ? task->next : &boot_task;
    } while (!task->program);
    return task;
}

/* Let a task's program run until it yields or ends. */
static enum program_ending take_turn(struct task *task) {
    int status = task_switch(task->id);
    ASSERT(status == STATUS_OK);
    return program_enter(&task->program->frame);
}

int program_run(uint64_t id, struct program_end *end) {
    struct task *awaited = task_find(id);
    if (!awaited || !awaited->program) {
        return STATUS_NOT_FOUND;
    }
    uint64_t before = current_task->id;
    write_cr4(read_cr4() | protection());
    for (struct task *task = awaited;; task = next_turn(task)) {
        if (take_turn(task) == PROGRAM_YIELDED) {
            continue;
        }
        *end = program_end;
        report(task, end);
        task->program = NULL;
        vm_free_all(&task->space);
        if (task == awaited) {
            break;
        }
    }
    write_cr4(read_cr4() & ~protection());
    int status = task_switch(before);
    ASSERT(status == STATUS_OK);
    return STATUS_OK;
}
