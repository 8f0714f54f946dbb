/*
 * A guest that does nothing but perform memory accesses: it writes the four entries of a walk,
 * sets the control bits, accesses the address, and writes down what became of it. What should have
 * become of it, it does not know.
 */
#include "guest.h"

#define CR0_WP    (UINT64_C(1) << 16)
#define CR4_SMEP  (UINT64_C(1) << 20)
#define CR4_SMAP  (UINT64_C(1) << 21)
#define MSR_EFER  0xc0000080
#define EFER_NXE  (UINT64_C(1) << 11)
#define RFLAGS_AC (UINT64_C(1) << 18)

#define ENTRIES     512
#define GATE_COUNT  129
#define GATE_RING_0 0x8e00 /* present interrupt gate */
#define GATE_RING_3 0xee00 /* the same, which ring 3 may call */

/* What IRETQ takes. */
struct frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

struct outcome {
    uint64_t vector, value;
};

struct tss {
    uint32_t reserved_0;
    uint64_t rsp0;
    uint8_t rest[92];
} __attribute__((packed));

struct gate {
    uint16_t offset_low, selector, flags, offset_middle;
    uint32_t offset_high, reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern struct outcome perform(const struct frame *frame, uint64_t address);
extern const char access_done[], exception_entries[];
extern const char supervisor_read[], supervisor_write[], user_read[], user_write[];
extern const uint8_t code_first[], code_second[], code_end[];
extern uint64_t descriptors[], pml4[ENTRIES];
extern uint8_t second_window[4096];

/* The tables below the PML4 that the test's entries are written into, and the first frame that
 * they lead to: the bench knows them by these names. */
__attribute__((aligned(4096))) volatile uint64_t test_pdpt[ENTRIES];
__attribute__((aligned(4096))) volatile uint64_t test_pd[ENTRIES];
__attribute__((aligned(4096))) volatile uint64_t test_pt[ENTRIES];
__attribute__((aligned(4096))) volatile uint8_t target[4096];

volatile struct mailbox mailbox;

static struct tss tss;
static struct gate gates[GATE_COUNT];
static uint8_t access_stack[4096] __attribute__((aligned(16)));

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static void print(const char *text) {
    while (*text != '\0') {
        out8(0x3f8, (uint8_t)*text++);
    }
}

static void set_gate(unsigned vector, const char *entry, uint16_t flags) {
    uint64_t address = (uint64_t)entry;
    gates[vector] = (struct gate){(uint16_t)address, 0x08, flags, (uint16_t)(address >> 16), 0, 0};
}

static void load_tables(void) {
    uint64_t base = (uint64_t)&tss;
    tss.rsp0 = (uint64_t)(access_stack + sizeof access_stack);
    descriptors[5] = (sizeof tss - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
                     (base >> 24 & 0xff) << 56;
    __asm__ volatile("ltr %w0" ::"r"(0x28));
    for (unsigned vector = 0; vector < 32; vector++) {
        set_gate(vector, exception_entries + 16 * vector, GATE_RING_0);
    }
    set_gate(0x80, access_done, GATE_RING_3);
    struct table_pointer pointer = {sizeof gates - 1, (uint64_t)gates};
    __asm__ volatile("lidt %0" ::"m"(pointer));
}

static void fill_targets(void) {
    volatile uint8_t *frames[2] = {target, second_window};
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *code = i == 0 ? code_first : code_second;
        for (unsigned at = 0; at < (unsigned)(code_end - code_second); at++) {
            frames[i][TARGET_FETCH + at] = code[at];
        }
        frames[i][TARGET_READ] = (uint8_t)(i + 1);
    }
}

static uint64_t with(uint64_t value, uint64_t bit, uint32_t on) {
    return on ? value | bit : value & ~bit;
}

static void set_controls(volatile const struct batch *batch) {
    uint64_t cr0, cr4;
    uint32_t efer, efer_high;
    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("movq %0, %%cr0" ::"r"(with(cr0, CR0_WP, batch->write_protect)));
    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    cr4 = with(with(cr4, CR4_SMEP, batch->smep), CR4_SMAP, batch->smap);
    __asm__ volatile("movq %0, %%cr4" ::"r"(cr4));
    __asm__ volatile("rdmsr" : "=a"(efer), "=d"(efer_high) : "c"(MSR_EFER));
    efer = (uint32_t)with(efer, EFER_NXE, batch->no_execute);
    __asm__ volatile("wrmsr" ::"a"(efer), "d"(efer_high), "c"(MSR_EFER));
}

/* The frames of all six accesses, by a request's `access` without ACCESS_FLUSH. */
static void make_frames(volatile const struct batch *batch, struct frame frames[8]) {
    const uint64_t entries[2][3] = {
        {(uint64_t)supervisor_read, (uint64_t)supervisor_write, batch->virtual[ACCESS_FETCH]},
        {(uint64_t)user_read, (uint64_t)user_write, batch->virtual[ACCESS_FETCH]},
    };
    for (unsigned ring = 0; ring < 2; ring++) {
        for (unsigned kind = 0; kind < 3; kind++) {
            frames[ring * ACCESS_USER + kind] = (struct frame){
                .rip = entries[ring][kind],
                .cs = ring ? 0x18 | 3 : 0x08,
                .rflags = with(2, RFLAGS_AC, batch->ac),
                .rsp = tss.rsp0,
                .ss = ring ? 0x20 | 3 : 0x10,
            };
        }
    }
}

static inline void invalidate(uint64_t address) {
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

/* Which of the target frames was written, which is then undone. */
static uint16_t written(void) {
    uint16_t found = (uint16_t)(target[TARGET_WRITE] | second_window[TARGET_WRITE] << 1);
    target[TARGET_WRITE] = 0;
    second_window[TARGET_WRITE] = 0;
    return found;
}

static void serve(volatile struct batch *batch) {
    struct frame frames[8];
    uint64_t address = batch->virtual[ACCESS_READ];
    volatile uint64_t *places[4] = {
        &((volatile uint64_t *)pml4)[address >> 39 & (ENTRIES - 1)],
        &test_pdpt[address >> 30 & (ENTRIES - 1)],
        &test_pd[address >> 21 & (ENTRIES - 1)],
        &test_pt[address >> 12 & (ENTRIES - 1)],
    };
    set_controls(batch);
    make_frames(batch, frames);
    for (uint32_t i = 0; i < batch->count; i++) {
        volatile const struct request *request = &batch->requests[i];
        volatile struct result *result = &batch->results[i];
        uint64_t access = request->access, cr2;
        for (unsigned level = 0; level < 4; level++) {
            *places[level] = request->entry[level];
        }
        if (access & ACCESS_FLUSH) {
            invalidate(address);
        }
        unsigned kind = access & ACCESS_KIND;
        __asm__ volatile("movq %0, %%cr2" ::"r"(UINT64_C(0)) : "memory");
        struct outcome outcome =
            perform(&frames[access & (ACCESS_USER | ACCESS_KIND)], batch->virtual[kind]);
        __asm__ volatile("movq %%cr2, %0" : "=r"(cr2)::"memory");
        for (unsigned level = 0; level < 4; level++) {
            result->entry[level] = *places[level];
        }
        result->cr2 = cr2;
        result->vector = (uint16_t)outcome.vector;
        result->error = outcome.vector ? (uint32_t)outcome.value : 0;
        result->reached = outcome.vector ? 0 : (uint16_t)outcome.value;
        if (kind == ACCESS_WRITE) {
            result->reached = written();
        }
    }
    *places[0] = 0;
    invalidate(address);
}

void guest_main(void) {
    load_tables();
    fill_targets();
    print("ready> ");
    for (;;) {
        while (mailbox.submitted == mailbox.served) {
            __asm__ volatile("pause");
        }
        __asm__ volatile("" ::: "memory");
        serve(&mailbox.batches[mailbox.served % BATCHES]);
        __asm__ volatile("" ::: "memory");
        mailbox.served = mailbox.served + 1;
    }
}
