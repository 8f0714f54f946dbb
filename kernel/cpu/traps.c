#include "base/status.h"
#include "base/x86.h"
#include "cpu/access.h"
#include "cpu/descriptors.h"
#include "cpu/exception.h"
#include "cpu/features.h"
#include "cpu/instructions.h"
#include "cpu/pic.h"
#include "cpu/traps.h"

struct gate { /* SDM 3A 6.14.1 */
    uint64_t low;
    uint64_t high; /* bits 63:32 of the handler */
};

/* trap_entry.S */
extern const uint64_t trap_stubs[IRQ_VECTOR + IRQ_COUNT];
void trap_handle(struct trap_frame *frame);

static struct gate idt[IRQ_VECTOR + IRQ_COUNT];
static page_fault_handler resolve;
static bool resolving;
static user_trap_handler end_program;

static struct gate gate_to(uint64_t handler, unsigned ist) {
    return (struct gate){
        .low = SEGMENT_PRESENT | GATE_INTERRUPT | GATE_IST((uint64_t)ist) |
               (uint64_t)SELECTOR_CODE << 16 | (handler & 0xffff) | (handler >> 16 & 0xffff) << 48,
        .high = handler >> 32,
    };
}

void traps_init(void) {
    for (unsigned vector = 0; vector < IRQ_VECTOR + IRQ_COUNT; vector++) {
        unsigned ist = vector == VECTOR_DOUBLE_FAULT ? DOUBLE_FAULT_IST : 0;
        idt[vector] = gate_to(trap_stubs[vector], ist);
    }
    struct table_pointer pointer = {sizeof(idt) - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
    pic_init();
}

void traps_set_page_fault_handler(page_fault_handler handler) {
    resolve = handler;
}

void traps_set_user_trap_handler(user_trap_handler handler) {
    end_program = handler;
}

static int page_fault(vaddr_t address, uint64_t error) {
    if (!resolve || resolving) {
        return STATUS_NOT_MAPPED;
    }
    resolving = true;
    int status = resolve(address, error);
    resolving = false;
    return status;
}

/* An exception of a program: its page fault is resolved, or it ends. */
static void user_trap(const struct trap_frame *frame, vaddr_t cr2) {
    if (cpu_features.smap) {
        clear_ac(); /* the program's own RFLAGS.AC must not open its pages to the kernel */
    }
    int cause = STATUS_DENIED;
    if (frame->vector == VECTOR_PAGE_FAULT) {
        cause = page_fault(cr2, frame->error);
        if (cause == STATUS_OK) {
            return;
        }
    }
    end_program(frame, cr2, cause);
}

void trap_handle(struct trap_frame *frame) {
    vaddr_t cr2 = read_cr2(); /* first: the next fault overwrites it */
    if (frame->vector >= IRQ_VECTOR) {
        pic_acknowledge((unsigned)frame->vector - IRQ_VECTOR);
        return;
    }
    if ((frame->cs & PRIVILEGE_MASK) != 0) {
        user_trap(frame, cr2);
        return;
    }
    if (frame->vector == VECTOR_PAGE_FAULT) {
        int status = access_is_peek() ? STATUS_NOT_MAPPED : page_fault(cr2, frame->error);
        if (status == STATUS_OK || access_claim(frame, status)) {
            return;
        }
    } else if (frame->vector == VECTOR_GENERAL_PROTECTION) {
        if (access_claim(frame, STATUS_NON_CANONICAL)) {
            return;
        }
    }
    exception_report(frame, cr2);
}
