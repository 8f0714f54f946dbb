/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A QEMU plugin that watches what the guest's instructions do. It says nothing by itself: the
 * bench reads what its instruments have found from memory that both have mapped.
 *
 * Here QEMU's callbacks become what instruments are called for; what they make of it is theirs.
 */
#include "microscope.h"

#include "calls.h"
#include "code.h"
#include "coverage.h"
#include "ram.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if INTERFACE == \
    1 /* QEMU 7.2 takes reads for writes, or misses them, where one kind is asked for */
#define ACCESSES(wanted) ((void)(wanted), QEMU_PLUGIN_MEM_RW)
#else
#define ACCESSES(wanted) (wanted)
#endif

EXPORT int qemu_plugin_version = INTERFACE;

struct shared *shared;

static const struct instrument *const instruments[] = {
    &writes_instrument,       &heap_instrument, &frames_instrument, &stacks_instrument,
#if INTERFACE >= 3
    &translations_instrument,
#endif
};
#define INSTRUMENTS (sizeof(instruments) / sizeof(instruments[0]))

/* Those that are on. */
static const struct instrument *on[INSTRUMENTS];
static size_t on_count;

/* What those want to hear of each access. */
static void (*watching[INSTRUMENTS])(const struct access *access);
static size_t watching_count;

#if INTERFACE >= 2
static qemu_plugin_u64 instructions;
#endif

uint64_t count_instructions(void) {
#if INTERFACE >= 2
    shared->instructions = qemu_plugin_u64_sum(instructions);
#endif
    return shared->instructions;
}

struct event event_now(unsigned int cpu, uint64_t pc) {
    struct event event = {.instruction = count_instructions(), .cpu = cpu, .pc = pc};
    const struct cpu_calls *calls = calls_of(cpu);
    if (calls) {
        event.depth = calls_copy(calls, event.callers, CALLERS, pc);
    }
    return event;
}

const struct instrument *instrument_of(uint64_t bit) {
    for (size_t i = 0; i < on_count; i++) {
        if (on[i]->bits & bit) {
            return on[i];
        }
    }
    return NULL;
}

static char locked;

void lock(void) {
    while (__atomic_test_and_set(&locked, __ATOMIC_ACQUIRE)) {
    }
}

void unlock(void) {
    __atomic_clear(&locked, __ATOMIC_RELEASE);
}

static struct access decoded(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address,
                             void *pc) {
    return (struct access){
        .cpu = cpu,
        .is_store = qemu_plugin_mem_is_store(info),
        .pc = (uint64_t)pc,
        .address = address,
        .size = 1ull << qemu_plugin_mem_size_shift(info),
        .info = info,
    };
}

static void tell(const struct access *access) {
    if (shared->waiting) {
        functions_accessed(access);
    }
    for (size_t i = 0; i < watching_count; i++) {
        watching[i](access);
    }
}

static void accessed(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *pc) {
    struct access access = decoded(cpu, info, address, pc);
    tell(&access);
}

static void called(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t slot, void *pc) {
    struct access access = decoded(cpu, info, slot, pc);
    struct cpu_calls *calls = access.is_store ? calls_of(cpu) : NULL;
    tell(&access);
    if (calls) {
        calls_enter(calls, slot, (uint64_t)pc);
        for (size_t i = 0; i < on_count; i++) {
            if (on[i]->called) {
                on[i]->called(&access);
            }
        }
    }
}

static void returned(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t slot, void *pc) {
    struct access access = decoded(cpu, info, slot, pc);
    struct cpu_calls *calls = access.is_store ? NULL : calls_of(cpu);
    tell(&access);
    if (calls) {
        functions_returned(&access);
        for (size_t i = 0; i < on_count; i++) {
            if (on[i]->returned) {
                on[i]->returned(&access);
            }
        }
        calls_leave(calls, slot);
    }
}

size_t insn_bytes(const struct qemu_plugin_insn *insn, uint8_t *bytes) {
#if INTERFACE >= 3
    return qemu_plugin_insn_data(insn, bytes, 16);
#else
    size_t length = qemu_plugin_insn_size(insn);
    memcpy(bytes, qemu_plugin_insn_data(insn), length < 16 ? length : 16);
    return length;
#endif
}

static enum code_kind kind_of(const struct qemu_plugin_insn *insn) {
    uint8_t bytes[16] = {0};
    return code_kind(bytes, insn_bytes(insn, bytes));
}

static void flushed(unsigned int cpu, void *pc) {
    for (size_t i = 0; i < on_count; i++) {
        if (on[i]->flushed) {
            on[i]->flushed(cpu, (uint64_t)pc);
        }
    }
}

static void watch(struct qemu_plugin_insn *insn, bool reads) {
    void *pc = (void *)qemu_plugin_insn_vaddr(insn);
    enum code_kind kind = kind_of(insn);
    if (kind == CODE_FLUSH) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, flushed, QEMU_PLUGIN_CB_NO_REGS, pc);
    }
    switch (kind) {
    case CODE_CALL:
        qemu_plugin_register_vcpu_mem_cb(insn, called, QEMU_PLUGIN_CB_NO_REGS,
                                         ACCESSES(reads ? QEMU_PLUGIN_MEM_RW : QEMU_PLUGIN_MEM_W),
                                         pc);
        break;
    case CODE_RET:
        qemu_plugin_register_vcpu_mem_cb(insn, returned, QEMU_PLUGIN_CB_NO_REGS,
                                         ACCESSES(QEMU_PLUGIN_MEM_R), pc);
        break;
    default:
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS,
                                         ACCESSES(reads ? QEMU_PLUGIN_MEM_RW : QEMU_PLUGIN_MEM_W),
                                         pc);
    }
}

/* Which instruments are on is asked before the first code is translated. */
static void turn_on(void) {
    if (on_count) {
        return;
    }
    for (size_t i = 0; i < INSTRUMENTS; i++) {
        if (instruments[i]->bits & shared->instruments) {
            on[on_count++] = instruments[i];
            if (instruments[i]->accessed) {
                watching[watching_count++] = instruments[i]->accessed;
            }
        }
    }
    if (INTERFACE < 3 && shared->instruments & TRANSLATIONS) {
        shared->lacking |= LACKS_CONTROL;
    }
}

/* Who wrote is told to the instruction; for all else a block at a time is exact enough, and costs
   a fraction. */
static void count_one(struct qemu_plugin_insn *insn) {
#if INTERFACE >= 2
    qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                        instructions, 1);
#else
    qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                               &shared->instructions, 1);
#endif
}

static void count_block(struct qemu_plugin_tb *block, size_t count) {
#if INTERFACE >= 2
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                                      instructions, count);
#else
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                             &shared->instructions, count);
#endif
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    coverage_translated(block);
    if (!shared->instruments) {
        return;
    }
    turn_on();
    bool reads = shared->instruments & ~(uint64_t)WRITES;
    size_t count = qemu_plugin_tb_n_insns(block);
    functions_translated(block);
    if (reads) {
        count_block(block, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        if (!reads) {
            count_one(insn);
        }
        watch(insn, reads);
    }
    for (size_t i = 0; i < on_count; i++) {
        if (on[i]->translated) {
            on[i]->translated(block);
        }
    }
}

/* Map what is shared with the bench; without a file, nothing is watched. */
static bool share(int file) {
    struct stat facts = {.st_size = sizeof(struct shared)};
    int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    if (file >= 0 && (fstat(file, &facts) < 0 || (size_t)facts.st_size < sizeof(struct shared))) {
        return false;
    }
    void *mapped = mmap(NULL, facts.st_size, PROT_READ | PROT_WRITE, flags, file, 0);
    if (file >= 0) {
        close(file);
    }
    shared = mapped == MAP_FAILED ? NULL : mapped;
    return shared && sizeof(struct shared) + shared->arena_size <= (size_t)facts.st_size;
}

/*
 * Arguments: shared=FILE, the memory that the bench has made, and ram=NAME of guest RAM's file; and
 * ran=FILE, for what is executed of the kernel. One of the files is enough.
 */
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                               char **argv) {
    (void)info;
    int file = -1;
    bool has_file = false;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "shared=", 7) == 0) {
            file = open(argv[i] + 7, O_RDWR | O_CLOEXEC);
            has_file = true;
        } else if (strncmp(argv[i], "ram=", 4) == 0) {
            ram_named(argv[i] + 4);
        } else if (strncmp(argv[i], "ran=", 4) == 0 && !coverage_open(argv[i] + 4)) {
            return -1;
        }
    }
    if ((has_file && file < 0) || !share(file)) {
        return -1;
    }
#if INTERFACE >= 2
    instructions = (qemu_plugin_u64){.score = qemu_plugin_scoreboard_new(sizeof(uint64_t))};
#endif
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    shared->layout = LAYOUT;
    return 0;
}
