/*
 * What the guest that performs accesses shares with the bench, which reads these structs' layout
 * from DWARF. Everything lies below 16 MiB, where virtual is physical.
 *
 * The bench fills a batch and increments `submitted`; the guest performs its requests in order,
 * writes the results, and increments `served`. Batch number n is batches[n % BATCHES], so that the
 * bench can fill one while the guest is at work on another. Nobody else writes.
 */
#ifndef GUEST_H
#define GUEST_H

#define BATCHES         2
#define BATCH_REQUESTS  32768
#define SECOND_DISTANCE 0x40000000 /* bytes from the first target frame to the second: 1 GiB */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Where in a target frame each kind of access goes: `virtual` of a batch has these offsets. */
enum target_offset {
    TARGET_FETCH = 0,
    TARGET_READ = 0x801,
    TARGET_WRITE = 0x902,
};

/* A request's `access`: the kind in bits 1:0, which is an index into `virtual`, and flags. */
enum access {
    ACCESS_READ = 0,
    ACCESS_WRITE = 1,
    ACCESS_FETCH = 2,
    ACCESS_KIND = 3,
    ACCESS_USER = 4,  /* in ring 3, otherwise in ring 0 */
    ACCESS_FLUSH = 8, /* INVLPG after the entries are written, before the access */
};

/* What is written before the access: the entries of the walk, PML4E first. All four are written,
 * the ones below a leaf too. */
struct request {
    uint64_t entry[4];
    uint64_t access;
};

struct result {
    uint64_t entry[4]; /* the same four entries, read after the access */
    uint64_t cr2;      /* was 0 before it */
    uint32_t error;    /* error code of the exception, 0 if there was none */
    uint16_t vector;   /* 0: there was no exception */
    uint16_t reached;  /* which target frame was read, written or executed: 1, 2; 0: none */
};

struct batch {
    uint32_t count;
    uint32_t write_protect; /* CR0.WP */
    uint32_t no_execute;    /* EFER.NXE */
    uint32_t smep;          /* CR4.SMEP */
    uint32_t smap;          /* CR4.SMAP */
    uint32_t ac;            /* RFLAGS.AC, for the access itself */
    uint64_t virtual[3];    /* the address to read, to write, to execute; all in one page */
    struct request requests[BATCH_REQUESTS];
    struct result results[BATCH_REQUESTS];
};

struct mailbox {
    uint32_t submitted;
    uint32_t served;
    struct batch batches[BATCHES];
};

#endif
#endif
