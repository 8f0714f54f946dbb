#include "cpu/exception.h"

#include "base/x86.h"
#include "cpu/instructions.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "cpu/serial.h"
#include "cpu/symbols.h"

static const char *const vector_names[EXCEPTIONS] = {
    [0] = "divide_error",
    [1] = "debug",
    [2] = "nmi",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound_range",
    [6] = "invalid_opcode",
    [7] = "device_not_available",
    [VECTOR_DOUBLE_FAULT] = "double_fault",
    [9] = "coprocessor_segment",
    [10] = "invalid_tss",
    [11] = "segment_not_present",
    [12] = "stack_segment",
    [VECTOR_GENERAL_PROTECTION] = "general_protection",
    [VECTOR_PAGE_FAULT] = "page_fault",
    [16] = "x87_floating_point",
    [17] = "alignment_check",
    [18] = "machine_check",
    [19] = "simd_floating_point",
    [20] = "virtualization",
    [21] = "control_protection",
    [28] = "hypervisor_injection", /* this and the next two: AMD (APM 2, 8.1) */
    [29] = "vmm_communication",
    [30] = "security",
};

const char *vector_name(uint64_t vector) {
    return vector < EXCEPTIONS && vector_names[vector] ? vector_names[vector] : "reserved";
}

static void print_headline(const struct trap_frame *f) {
    uint64_t offset;
    const char *symbol = symbol_find(f->rip, &offset);
    print("!! exception vector=%lu name=%s error=0x%lx bits=", f->vector, vector_name(f->vector),
          f->error);
    if (f->vector == VECTOR_PAGE_FAULT) {
        print("%s,%s,%s%s%s", f->error & PF_P ? "present" : "not_present",
              f->error & PF_W ? "write" : "read", f->error & PF_U ? "user" : "supervisor",
              f->error & PF_RSVD ? ",reserved" : "", f->error & PF_I ? ",fetch" : "");
    } else {
        print("-");
    }
    print(" rip=0x%lx symbol=%s+0x%lx\n", f->rip, symbol, offset);
}

static void print_registers(const struct trap_frame *f, vaddr_t cr2) {
    print("!! registers cr0=0x%lx cr2=0x%lx cr3=0x%lx cr4=0x%lx rflags=0x%lx rsp=0x%lx\n",
          read_cr0(), cr2, read_cr3(), read_cr4(), f->rflags, f->rsp);
    print("!! registers rax=0x%lx rbx=0x%lx rcx=0x%lx rdx=0x%lx rsi=0x%lx rdi=0x%lx rbp=0x%lx\n",
          f->rax, f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->rbp);
    print("!! registers r8=0x%lx r9=0x%lx r10=0x%lx r11=0x%lx r12=0x%lx r13=0x%lx r14=0x%lx"
          " r15=0x%lx\n",
          f->r8, f->r9, f->r10, f->r11, f->r12, f->r13, f->r14, f->r15);
}

void exception_report(const struct trap_frame *frame, vaddr_t cr2) {
    static bool reporting;
    if (!serial_at_line_start()) {
        print("\n");
    }
    if (reporting) {
        print("!! nested vector=%lu name=%s error=0x%lx rip=0x%lx cr2=0x%lx\n", frame->vector,
              vector_name(frame->vector), frame->error, frame->rip, cr2);
    } else {
        reporting = true;
        __atomic_signal_fence(__ATOMIC_SEQ_CST); /* before anything that may trap */
        print_headline(frame);
        print_registers(frame, cr2);
        print_backtrace(frame->rip, frame->rbp);
    }
    print("!! end exception\n");
    machine_exit(EXIT_EXCEPTION);
}
