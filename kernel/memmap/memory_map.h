/*
 * The physical memory map: a sorted list of disjoint, frame-aligned ranges, each of one kind.
 *
 * It believes nothing that a loader says. Claims may come in any order, overlap, be unaligned,
 * empty, wrap around, or lie beyond the CPU's physical width. Per frame the strongest claim wins,
 * so the order of claims makes no difference, and the list is canonical after every claim.
 *
 * Pure: no hardware, no globals. It also compiles on the host, where unit tests drive it.
 */
#pragma once

#include "base/status.h"
#include "base/types.h"

/* Weakest first. What nobody claims is a hole, and in no range. */
enum memory_kind {
    MEMORY_AVAILABLE = 0, /* free for the frame allocator */
    MEMORY_LOW,           /* the first MiB: firmware's and the loader's, never handed out */
    MEMORY_RESERVED,      /* anything the loader does not call available, unknown types included */
    MEMORY_BOOT_INFO,     /* what the loader passed: Multiboot information, command line */
    MEMORY_MODULE,        /* modules that the loader brought */
    MEMORY_KERNEL,        /* the kernel image, its boot tables included */
    MEMORY_KIND_COUNT,
};

struct memory_range {
    paddr_t base;    /* multiple of 4 KiB */
    uint64_t length; /* bytes, multiple of 4 KiB, not 0 */
    uint32_t kind;   /* enum memory_kind */
    uint32_t padding;
};

#define MEMORY_RANGES_MAX 256

struct memory_map {
    paddr_t limit; /* 2^physical width: nothing at or above it is in the map */
    uint64_t count;
    struct memory_range ranges[MEMORY_RANGES_MAX]; /* ascending; equal neighbours are merged */
};

/* An empty map for a CPU with `physical_bits` address bits (32..52). */
void memory_map_init(struct memory_map *map, unsigned physical_bits);

/*
 * Claim [base, base + length) for `kind`. AVAILABLE is rounded inwards to frames, every other kind
 * outwards. An empty claim (before or, for AVAILABLE, after rounding) is no claim. An end past
 * 2^64 counts as 2^64; what lies at or above the limit is dropped.
 * Errors, nothing changed: INVALID (unknown kind); NO_SPACE (the list would exceed its size).
 */
int memory_map_claim(struct memory_map *map, paddr_t base, uint64_t length, enum memory_kind kind);
