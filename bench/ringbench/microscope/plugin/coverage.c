/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coverage.h"

#include "plugin.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST (4u << 20) /* bytes of code for which each processor has counters of its own */
#define LONGEST 15

/* A conditional jump that was translated. */
struct jump {
    uint8_t *ways;
    uint64_t number; /* of its first byte, through all pieces */
    uint64_t next;   /* address of what follows it */
    uint64_t target;
};

static uint8_t *file;
static uint64_t total;      /* bytes of code */
static struct jump **jumps; /* by number */
static const struct jump *pending[CPUS];

static struct coverage *head(void) {
    return (struct coverage *)file;
}

/* What instruments each instruction once; afterwards it costs a comparison, where QEMU can do that.
 */
#if INTERFACE >= 3
static void *score;
static bool has_scores;

static qemu_plugin_u64 scored(uint64_t number) {
    return (qemu_plugin_u64){score, number * sizeof(uint64_t)};
}

static void set_score(uint64_t number, uint64_t value) {
    int count = has_scores ? qemu_plugin_num_vcpus() : 0;
    for (int cpu = 0; cpu < count; cpu++) {
        qemu_plugin_u64_set(scored(number), cpu, value);
    }
}
#endif

bool coverage_open(const char *name) {
    struct stat facts;
    int opened = open(name, O_RDWR | O_CLOEXEC);
    if (opened < 0 || fstat(opened, &facts) < 0 || facts.st_size < (off_t)sizeof(struct coverage)) {
        return false;
    }
    void *mapped = mmap(NULL, facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
    close(opened);
    file = mapped == MAP_FAILED ? NULL : mapped;
    if (!file || head()->magic != COVERAGE_MAGIC || head()->count > COVERAGE_PIECES) {
        return false;
    }
    for (uint64_t i = 0; i < head()->count; i++) {
        total += head()->pieces[i].length;
    }
    jumps = calloc(total + 1, sizeof(*jumps));
#if INTERFACE >= 3
    has_scores = total <= LARGEST;
    if (has_scores) { /* whether an instruction is known, then what is known of a jump */
        score = qemu_plugin_scoreboard_new(2 * (total + 1) * sizeof(uint64_t));
    }
#endif
    return jumps;
}

/* Where an instruction is in the file. */
struct spot {
    const struct coverage_piece *piece;
    uint64_t offset;
    uint64_t number; /* through all pieces, from 1 on */
};

/* The spot of an instruction of the kernel's; whether it is one, by its bytes. */
static bool find(uint64_t address, const uint8_t *bytes, size_t length, struct spot *spot) {
    uint64_t before = 1;
    for (uint64_t i = 0; i < head()->count; i++) {
        const struct coverage_piece *piece = &head()->pieces[i];
        uint64_t offset = address - piece->begin;
        if (offset < piece->length) {
            *spot = (struct spot){piece, offset, before + offset};
            return length <= piece->length - offset &&
                   memcmp(file + piece->content + offset, bytes, length) == 0;
        }
        before += piece->length;
    }
    return false;
}

static uint64_t *count_at(const struct spot *spot) {
    return (uint64_t *)(file + spot->piece->counts) + spot->offset;
}

#if INTERFACE >= 2
static void executed(unsigned int cpu, void *count) {
    (void)cpu;
    *(uint64_t *)count = 1;
#if INTERFACE >= 3
    for (uint64_t i = 0, before = 1; i < head()->count; i++) {
        const struct coverage_piece *piece = &head()->pieces[i];
        uint64_t offset = (uint64_t *)count - (uint64_t *)(file + piece->counts);
        if (offset < piece->length) {
            set_score(before + offset, 1);
        }
        before += piece->length;
    }
#endif
}
#endif

static void see(struct qemu_plugin_insn *insn, const struct spot *spot) {
#if INTERFACE >= 3
    if (has_scores) {
        qemu_plugin_register_vcpu_insn_exec_cond_cb(insn, executed, QEMU_PLUGIN_CB_NO_REGS,
                                                    QEMU_PLUGIN_COND_EQ, scored(spot->number), 0,
                                                    count_at(spot));
        return;
    }
#endif
#if INTERFACE >= 2
    qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, QEMU_PLUGIN_CB_NO_REGS, count_at(spot));
#else
    qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, count_at(spot), 1);
#endif
}

/* A conditional jump is about to be executed: what comes next says which way it went. */
static void jumps_now(unsigned int cpu, void *jump) {
    if (cpu < CPUS) {
        pending[cpu] = jump;
    }
#if INTERFACE >= 3
    if (has_scores) {
        qemu_plugin_u64_set(scored(0), cpu, 1);
    }
#endif
}

/* A block begins; after an interrupt it is neither what follows a jump nor its target. */
static void begins(unsigned int cpu, void *address) {
    const struct jump *jump = cpu < CPUS ? pending[cpu] : NULL;
    if (!jump) {
        return;
    }
    uint64_t at = (uint64_t)address;
    *jump->ways |= (at == jump->next ? WAY_ON : 0) | (at == jump->target ? WAY_AWAY : 0);
    pending[cpu] = NULL;
#if INTERFACE >= 3
    set_score(total + jump->number, *jump->ways);
    if (has_scores) {
        qemu_plugin_u64_set(scored(0), cpu, 0);
    }
#endif
}

/* Where a conditional jump goes (Intel SDM volume 2A, Jcc, LOOP, JRCXZ); whether it is one. */
static bool decode(uint64_t address, const uint8_t *bytes, size_t length, uint64_t *target) {
    const uint8_t *at = bytes;
    int32_t distance;
    while (at < bytes + length - 1 && (*at == 0x2e || *at == 0x3e || *at == 0x66 || *at == 0x67 ||
                                       *at == 0xf2 || (*at & 0xf0) == 0x40)) {
        at++;
    }
    if ((*at & 0xf0) == 0x70 || (*at >= 0xe0 && *at <= 0xe3)) {
        distance = (int8_t)at[1];
    } else if (*at == 0x0f && (at[1] & 0xf0) == 0x80) {
        memcpy(&distance, at + 2, sizeof(distance));
    } else {
        return false;
    }
    *target = address + length + (int64_t)distance;
    return true;
}

static struct jump *jump_at(const struct spot *spot, uint64_t next, uint64_t target) {
    struct jump **jump = &jumps[spot->number - 1];
    if (!*jump && (*jump = malloc(sizeof(**jump)))) {
        uint8_t *ways = file + spot->piece->ways + spot->offset;
        **jump = (struct jump){ways, spot->number, next, target};
    }
    return *jump;
}

static void see_jump(struct qemu_plugin_insn *insn, struct jump *jump) {
#if INTERFACE >= 3
    if (has_scores) {
        qemu_plugin_register_vcpu_insn_exec_cond_cb(
            insn, jumps_now, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_NE,
            scored(total + jump->number), WAY_ON | WAY_AWAY, jump);
        return;
    }
#endif
    qemu_plugin_register_vcpu_insn_exec_cb(insn, jumps_now, QEMU_PLUGIN_CB_NO_REGS, jump);
}

static void see_begin(struct qemu_plugin_tb *block, uint64_t address) {
#if INTERFACE >= 3
    if (has_scores) {
        qemu_plugin_register_vcpu_tb_exec_cond_cb(block, begins, QEMU_PLUGIN_CB_NO_REGS,
                                                  QEMU_PLUGIN_COND_NE, scored(0), 0,
                                                  (void *)address);
        return;
    }
#endif
    qemu_plugin_register_vcpu_tb_exec_cb(block, begins, QEMU_PLUGIN_CB_NO_REGS, (void *)address);
}

void coverage_translated(struct qemu_plugin_tb *block) {
    if (!file) {
        return;
    }
    size_t count = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn), target;
        uint8_t bytes[16] = {0};
        size_t length = insn_bytes(insn, bytes);
        struct spot spot;
        if (!length || length > LONGEST || !find(address, bytes, length, &spot)) {
            continue;
        }
        if (i == 0) {
            see_begin(block, address);
        }
        file[spot.piece->lengths + spot.offset] = length;
        see(insn, &spot);
        lock();
        struct jump *jump = decode(address, bytes, length, &target)
                                ? jump_at(&spot, address + length, target)
                                : NULL;
        unlock();
        if (jump) {
            see_jump(insn, jump);
        }
    }
}
