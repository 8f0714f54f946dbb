/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A QEMU plugin that notes who wrote to some bytes of the guest. It says nothing by itself: the
 * bench reads the records from memory that both have mapped.
 *
 * A write is one of the watched if its virtual address is, or if its frame is known as one that
 * the watched addresses stood for at an earlier write, whichever address is used now.
 */
#include "calls.h"
#include "code.h"
#include "interface.h"
#include "shared.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u
#define CPUS 64

#if INTERFACE == \
    1 /* QEMU 7.2 takes reads for writes, or misses them, where one kind is asked for */
#define ACCESSES(kind) QEMU_PLUGIN_MEM_RW
#else
#define ACCESSES(kind) ((kind) == CODE_RET ? QEMU_PLUGIN_MEM_R : QEMU_PLUGIN_MEM_W)
#endif

EXPORT int qemu_plugin_version = INTERFACE;

static struct shared *shared;
static const char *ram_name; /* of the file that is guest RAM */
static struct cpu_calls *cpus[CPUS];

#if INTERFACE >= 2
static qemu_plugin_u64 instructions;
#endif

static uint64_t count_instructions(void) {
#if INTERFACE >= 2
    shared->instructions = qemu_plugin_u64_sum(instructions);
#endif
    return shared->instructions;
}

static uint64_t ram_offset(uint64_t physical) {
    for (uint64_t i = 0; i < shared->ram_count; i++) {
        const struct ram_range *range = &shared->ram[i];
        if (physical - range->base < range->length) {
            return range->offset + (physical - range->base);
        }
    }
    return UINT64_MAX;
}

/* The physical address of an access that has just been made, ~0 for a device's. */
static uint64_t physical_of(qemu_plugin_meminfo_t info, uint64_t address) {
    struct qemu_plugin_hwaddr *found = qemu_plugin_get_hwaddr(info, address);
    if (!found || qemu_plugin_hwaddr_is_io(found)) {
        return UINT64_MAX;
    }
    uint64_t physical = qemu_plugin_hwaddr_phys_addr(found);
#if INTERFACE == 1 /* which says where in RAM it is, and not at which address that RAM is */
    for (uint64_t i = 0; i < shared->ram_count; i++) {
        const struct ram_range *range = &shared->ram[i];
        if (physical - range->offset < range->length) {
            return range->base + (physical - range->offset);
        }
    }
#endif
    return physical;
}

static bool is_watched_page(uint64_t physical, uint64_t size) {
    uint64_t offset = physical % PAGE;
    for (uint64_t i = 0; i < shared->page_count; i++) {
        const struct watched_page *page = &shared->pages[i];
        if (page->page == physical - offset && offset < page->end && offset + size > page->begin) {
            return true;
        }
    }
    return false;
}

/* A watched address stands for this frame: from now on, the frame is watched as well. */
static void learn(uint64_t physical, uint64_t address) {
    uint64_t page = physical - physical % PAGE;
    uint64_t base = address - address % PAGE;
    uint64_t begin = shared->begin > base ? shared->begin - base : 0;
    uint64_t end = shared->end - base < PAGE ? shared->end - base : PAGE;
    for (uint64_t i = 0; i < shared->page_count; i++) {
        if (shared->pages[i].page == page) {
            return;
        }
    }
    if (shared->page_count < PAGES) {
        shared->pages[shared->page_count++] =
            (struct watched_page){.page = page, .begin = begin, .end = end};
    }
}

/* Where QEMU has mapped the file that is guest RAM, which it does after it has loaded plugins. */
static const uint8_t *find_ram(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];
    const uint8_t *found = NULL;
    while (maps && !found && fgets(line, sizeof(line), maps)) {
        unsigned long begin, offset;
        if (strstr(line, ram_name) && sscanf(line, "%lx-%*x %*s %lx", &begin, &offset) == 2) {
            found = offset == 0 ? (const uint8_t *)begin : NULL;
        }
    }
    if (maps) {
        fclose(maps);
    }
    return found;
}

static void note(unsigned int cpu, uint64_t pc, uint64_t address, uint64_t physical,
                 uint64_t size) {
    static const uint8_t *ram;
    uint64_t number = __atomic_fetch_add(&shared->written, 1, __ATOMIC_RELAXED);
    struct record *record = &shared->records[number % shared->capacity];
    *record = (struct record){
        .instruction = count_instructions(),
        .cpu = cpu,
        .pc = pc,
        .address = address,
        .physical = physical,
        .size = size,
    };
    uint64_t at = physical == UINT64_MAX ? UINT64_MAX : ram_offset(physical);
    if (!ram) {
        ram = find_ram();
    }
    if (ram && at != UINT64_MAX && size <= sizeof(record->value)) {
        memcpy(record->value, ram + at, size);
    }
    if (cpu < CPUS && cpus[cpu]) {
        record->depth = calls_copy(cpus[cpu], record->callers, CALLERS);
    }
}

static void stored(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *pc) {
    if (!qemu_plugin_mem_is_store(info)) {
        return;
    }
    uint64_t size = 1ull << qemu_plugin_mem_size_shift(info);
    if (address < shared->end && address + size > shared->begin) {
        uint64_t physical = physical_of(info, address);
        if (physical != UINT64_MAX) {
            learn(physical, address);
        }
        note(cpu, (uint64_t)pc, address, physical, size);
        return;
    }
    for (uint64_t i = 0; i < shared->page_count; i++) { /* the same place in another page? */
        uint64_t offset = address % PAGE;
        if (offset < shared->pages[i].end && offset + size > shared->pages[i].begin) {
            uint64_t physical = physical_of(info, address);
            if (physical != UINT64_MAX && is_watched_page(physical, size)) {
                note(cpu, (uint64_t)pc, address, physical, size);
            }
            return;
        }
    }
}

static struct cpu_calls *calls_of(unsigned int cpu) {
    if (cpu >= CPUS) {
        return NULL;
    }
    if (!cpus[cpu]) {
        cpus[cpu] = calloc(1, sizeof(struct cpu_calls));
    }
    return cpus[cpu];
}

static void called(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t slot, void *pc) {
    struct cpu_calls *calls = qemu_plugin_mem_is_store(info) ? calls_of(cpu) : NULL;
    stored(cpu, info, slot, pc);
    if (calls) {
        calls_enter(calls, slot, (uint64_t)pc);
    }
}

static void returned(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t slot, void *pc) {
    struct cpu_calls *calls = qemu_plugin_mem_is_store(info) ? NULL : calls_of(cpu);
    (void)pc;
    if (calls) {
        calls_leave(calls, slot);
    }
}

static enum code_kind kind_of(const struct qemu_plugin_insn *insn) {
#if INTERFACE >= 3
    uint8_t bytes[16];
    size_t length = qemu_plugin_insn_data(insn, bytes, sizeof(bytes));
    return length ? code_kind(bytes, length) : CODE_OTHER;
#else
    return code_kind(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
#endif
}

static qemu_plugin_vcpu_mem_cb_t watcher_of(enum code_kind kind) {
    switch (kind) {
    case CODE_CALL:
        return called;
    case CODE_RET:
        return returned;
    default:
        return stored;
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        void *pc = (void *)qemu_plugin_insn_vaddr(insn);
        enum code_kind kind = kind_of(insn);
#if INTERFACE >= 2
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                            instructions, 1);
#else
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                   &shared->instructions, 1);
#endif
        qemu_plugin_register_vcpu_mem_cb(insn, watcher_of(kind), QEMU_PLUGIN_CB_NO_REGS,
                                         ACCESSES(kind), pc);
    }
}

/* Arguments: shared=FILE, the memory that the bench has made, and ram=NAME of guest RAM's file. */
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                               char **argv) {
    (void)info;
    int file = -1;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "shared=", 7) == 0) {
            file = open(argv[i] + 7, O_RDWR | O_CLOEXEC);
        } else if (strncmp(argv[i], "ram=", 4) == 0) {
            ram_name = argv[i] + 4;
        }
    }
    struct stat facts;
    if (file < 0 || !ram_name || fstat(file, &facts) < 0) {
        return -1;
    }
    void *mapped = mmap(NULL, facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) {
        return -1;
    }
    shared = mapped;
#if INTERFACE >= 2
    instructions = (qemu_plugin_u64){.score = qemu_plugin_scoreboard_new(sizeof(uint64_t))};
#endif
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    shared->layout = LAYOUT;
    return 0;
}
