/* From the bytes of a file to a task that can run it. */
#include "base/layout.h"
#include "base/x86.h"
#include "cpu/panic.h"
#include "program/program.h"

#define STACK_BASE (TASK_WINDOW_END - PROGRAM_STACK_SIZE)
#define GUARD_BASE (STACK_BASE - PAGE_SIZE_4K)

static struct program programs[PROGRAMS_MAX];

static bool is_taken(const struct program *program) {
    const struct task *task = &boot_task;
    while (task && task->program != program) {
        task = task->next;
    }
    return task != NULL;
}

/* A record that no task has, or NULL. That a deleted task's is free again needs no bookkeeping. */
static struct program *record_find(void) {
    for (unsigned i = 0; i < PROGRAMS_MAX; i++) {
        if (!is_taken(&programs[i])) {
            return &programs[i];
        }
    }
    return NULL;
}

/* A region for the segment's pages, with its bytes, which are written while it may be. */
static int load_segment(struct vm_space *space, const struct elf_segment *segment,
                        const uint8_t *bytes) {
    vaddr_t base = align_down(segment->address, PAGE_SIZE_4K);
    vaddr_t end = align_up(segment->address + segment->length, PAGE_SIZE_4K);
    struct vm_backing backing = {.kind = VM_ANONYMOUS};
    int status = vm_alloc_at(space, base, end - base, PAGE_USER | PAGE_WRITE, backing);
    if (status < 0) {
        return status;
    }
    if (segment->file_length > 0) {
        status = vm_write(space, segment->address, bytes + segment->offset, segment->file_length);
        ASSERT(status == STATUS_OK);
    }
    if (!segment->writable) {
        uint32_t flags = PAGE_USER | (segment->executable ? PAGE_EXEC : 0);
        status = vm_protect(space, base, flags);
        ASSERT(status == STATUS_OK);
    }
    return STATUS_OK;
}

static int load_stack(struct vm_space *space) {
    int status =
        vm_alloc_at(space, GUARD_BASE, PAGE_SIZE_4K, 0, (struct vm_backing){.kind = VM_GUARD});
    if (status < 0) {
        return status;
    }
    return vm_alloc_at(space, STACK_BASE, PROGRAM_STACK_SIZE, PAGE_USER | PAGE_WRITE,
                       (struct vm_backing){.kind = VM_DEMAND});
}

static int load_all(struct vm_space *space, const struct elf_program *program,
                    const uint8_t *bytes) {
    for (unsigned i = 0; i < program->count; i++) {
        int status = load_segment(space, &program->segments[i], bytes);
        if (status < 0) {
            return status;
        }
    }
    return load_stack(space);
}

int program_load(uint64_t id, const void *bytes, uint64_t length, uint64_t number,
                 enum elf_defect *defect) {
    *defect = ELF_GOOD;
    struct task *task = task_find(id);
    if (!task) {
        return STATUS_NOT_FOUND;
    }
    if (task == &boot_task) {
        return STATUS_DENIED;
    }
    if (task->program || task->space.first) {
        return STATUS_BUSY;
    }
    struct elf_program file;
    *defect = elf_read(bytes, length, TASK_WINDOW_BASE, GUARD_BASE, &file);
    if (*defect != ELF_GOOD) {
        return STATUS_INVALID;
    }
    struct program *program = record_find();
    if (!program) {
        return STATUS_NO_SPACE;
    }
    int status = load_all(&task->space, &file, bytes);
    if (status < 0) {
        vm_free_all(&task->space);
        return status;
    }
    *program = (struct program){.frame = {
                                    .rip = file.entry,
                                    .cs = SELECTOR_USER_CODE,
                                    .rflags = FIXED_RFLAGS,
                                    .rsp = TASK_WINDOW_END,
                                    .ss = SELECTOR_USER_DATA,
                                    .rdi = number,
                                    .rsi = id,
                                }};
    task->program = program;
    return STATUS_OK;
}
