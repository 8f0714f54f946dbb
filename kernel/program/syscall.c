/* What each system call does. Nothing that a program passes is trusted, and no pointer followed:
 * the layers below judge addresses by the regions of the program's space. */
#include "program/syscalls.h"

#include "cpu/print.h"
#include "program/user_mode.h"

_Static_assert(WRITE_MAX <= PAGE_SIZE_4K, "what is written touches two pages at most");
_Static_assert(RIGHT_WRITE == PAGE_WRITE && RIGHT_EXECUTE == PAGE_EXEC, "as paging.h has them");

struct program_end program_end;

/* Rights of a program's memory as page flags: all of it is the user's. Errors: INVALID. */
static int page_flags_of(uint64_t rights, uint32_t *flags) {
    if (rights & ~(uint64_t)(RIGHT_WRITE | RIGHT_EXECUTE)) {
        return STATUS_INVALID;
    }
    *flags = (uint32_t)rights | PAGE_USER;
    return STATUS_OK;
}

/* What a new region is to be. Errors: INVALID, DENIED (physical memory, an object). */
static int read_region(uint64_t kind, uint64_t rights, uint32_t *flags,
                       struct vm_backing *backing) {
    if (kind >= VM_KIND_COUNT) {
        return STATUS_INVALID;
    }
    if (kind == VM_PHYSICAL || kind == VM_SHARED || kind == VM_PRIVATE) {
        return STATUS_DENIED;
    }
    *backing = (struct vm_backing){.kind = (uint32_t)kind};
    int status = page_flags_of(rights, flags);
    if (kind == VM_GUARD && rights == 0) {
        *flags = 0;
    }
    return status;
}

/* Whether there is a region at an address which is not the program's: the console can give its
 * space others, which are the kernel's alone, or memory that nobody allocated. */
static bool is_foreign(const struct vm_space *space, vaddr_t address) {
    struct vm_region region;
    if (vm_query(space, address, &region) < 0 || region.kind == VM_GUARD) {
        return false;
    }
    return region.kind == VM_PHYSICAL || !(region.flags & PAGE_USER);
}

/* A program's output is lines for people: each begins with two spaces, and nothing in them can look
 * like a reply of the console or like last words. */
static bool in_line;

static void print_for_people(const uint8_t *bytes, uint64_t length) {
    for (uint64_t i = 0; i < length; i++) {
        bool ends = bytes[i] == '\n';
        bool printable = bytes[i] >= ' ' && bytes[i] <= '~';
        print("%s%c", in_line ? "" : "  ", printable || ends ? bytes[i] : '?');
        in_line = !ends;
    }
}

void program_end_line(void) {
    if (in_line) {
        print("\n");
        in_line = false;
    }
}

static int64_t call_write(const struct vm_space *space, vaddr_t address, uint64_t length) {
    static uint8_t buffer[WRITE_MAX];
    if (length > WRITE_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    int status = vm_read(space, address, buffer, length);
    if (status < 0) {
        return status;
    }
    if (is_foreign(space, address) || is_foreign(space, address + length - 1)) {
        return STATUS_DENIED; /* two pages at most, so at most two regions */
    }
    print_for_people(buffer, length);
    return STATUS_OK;
}

static int64_t call_map(struct vm_space *space, uint64_t length, uint64_t kind, uint64_t rights) {
    uint32_t flags;
    struct vm_backing backing;
    vaddr_t base;
    int status = read_region(kind, rights, &flags, &backing);
    if (status == STATUS_OK) {
        status = vm_alloc(space, length, flags, backing, &base);
    }
    return status < 0 ? status : (int64_t)base;
}

static int64_t call_map_at(struct vm_space *space, const struct trap_frame *frame) {
    uint32_t flags;
    struct vm_backing backing;
    int status = read_region(frame->rdx, frame->r10, &flags, &backing);
    return status < 0 ? status : vm_alloc_at(space, frame->rdi, frame->rsi, flags, backing);
}

static int64_t call_unmap(struct vm_space *space, vaddr_t address) {
    return is_foreign(space, address) ? STATUS_DENIED : vm_free(space, address);
}

static int64_t call_protect(struct vm_space *space, vaddr_t address, uint64_t rights) {
    if (is_foreign(space, address)) {
        return STATUS_DENIED;
    }
    uint32_t flags;
    int status = page_flags_of(rights, &flags);
    return status < 0 ? status : vm_protect(space, address, flags);
}

static int64_t call_resize(struct vm_space *space, vaddr_t address, uint64_t length) {
    return is_foreign(space, address) ? STATUS_DENIED : vm_resize(space, address, length);
}

static int64_t perform(struct trap_frame *frame) {
    struct vm_space *space = &current_task->space;
    switch (frame->rax) {
    case CALL_EXIT:
        program_end = (struct program_end){.ending = PROGRAM_EXITED, .code = frame->rdi};
        program_leave(PROGRAM_EXITED);
    case CALL_WRITE:
        return call_write(space, frame->rdi, frame->rsi);
    case CALL_MAP:
        return call_map(space, frame->rdi, frame->rsi, frame->rdx);
    case CALL_MAP_AT:
        return call_map_at(space, frame);
    case CALL_UNMAP:
        return call_unmap(space, frame->rdi);
    case CALL_PROTECT:
        return call_protect(space, frame->rdi, frame->rsi);
    case CALL_RESIZE:
        return call_resize(space, frame->rdi, frame->rsi);
    case CALL_YIELD:
        frame->rax = STATUS_OK;
        current_task->program->frame = *frame;
        program_leave(PROGRAM_YIELDED);
    case CALL_TASK:
        return (int64_t)current_task->id;
    default:
        return STATUS_UNSUPPORTED;
    }
}

void program_syscall(struct trap_frame *frame) {
    frame->rax = (uint64_t)perform(frame);
}
