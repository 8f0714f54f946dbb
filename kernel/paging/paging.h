/*
 * 4-level page tables. Every call takes the root explicitly; one walk, parameterised by level,
 * serves map, unmap, protect and query.
 *
 * Leaves are 4 KiB, 2 MiB and, where the CPU has them, 1 GiB. Flags are the caller's intent; the
 * x86 bits stay in this layer. Entries that point to tables are permissive (P|W|U in the task's
 * half, P|W in the kernel half); the leaf restricts. Tables come from the PMM, lowest first, top
 * level first, and zeroed; a table that becomes empty goes back. The kernel half's PML4 entries
 * are filled at boot and never change, so their PDPTs stay even when empty.
 *
 * A range that can't be mapped whole changes nothing. Every changed translation is flushed (invlpg)
 * before the call returns or hands its frame on.
 *
 * root.c has the roots, map.c what makes translations, change.c what changes and removes them,
 * clone.c what copies a half, query.c what looks one up, tables.c the tables on the way, init.c the
 * kernel's own.
 */
#pragma once

#include "memmap/boot_info.h"

/* Intent. Readable is implied. WRITE and EXEC exclude each other: nothing is both. */
enum page_flags {
    PAGE_WRITE = 1 << 0,
    PAGE_USER = 1 << 1, /* task half only */
    PAGE_EXEC = 1 << 2,
    PAGE_GLOBAL = 1 << 3, /* kept in the TLB across a CR3 load */
    /* Cache mode, one of five, through the PAT as programmed by paging_init. */
    PAGE_CACHE_WB = 0 << 4,
    PAGE_CACHE_WT = 1 << 4,
    PAGE_CACHE_UC_MINUS = 2 << 4,
    PAGE_CACHE_UC = 3 << 4,
    PAGE_CACHE_WC = 4 << 4,
    PAGE_CACHE_MASK = 7 << 4,
    PAGE_FLAGS_ALL = 0x7f,
};

struct mapping {
    vaddr_t virtual;  /* start of the leaf */
    paddr_t physical; /* of the leaf's start */
    uint64_t size;    /* of the leaf: 4 KiB, 2 MiB or 1 GiB */
    uint32_t flags;   /* enum page_flags */
    uint32_t padding;
};

/*
 * Build the kernel root and switch to it. Frames are taken in this order: the root; a PDPT for each
 * kernel-half slot in use, ascending (direct map, heap, kernel window, image); tables for the image
 * (ascending: stack, text, read-only data, data; 4 KiB pages, their ELF permissions, GLOBAL);
 * tables for the direct map. The direct map covers every range that is not RESERVED: neighbours are
 * joined, then, ascending, each step takes the largest page that is aligned and fits; W, NX,
 * GLOBAL. Programs the PAT (entry 4 is write-combining). The boot-time identity map is gone
 * afterwards. Panics when the tables don't all find a frame below 4 GiB.
 */
void paging_init(const struct boot_info *info);

paddr_t paging_kernel_root(void);
paddr_t paging_active_root(void);

/* Load CR3. `root` is the kernel root or comes from paging_root_create. */
void paging_activate(paddr_t root);

/* A new root: one frame, its upper half the kernel's, its lower half empty. Errors: NO_MEMORY. */
int paging_root_create(paddr_t *root);

/*
 * Free a root and every table of its lower half. What its leaves map is not touched.
 * Errors, nothing changed: BUSY (it is active); DENIED (it is the kernel root).
 */
int paging_root_destroy(paddr_t root);

/*
 * Map [va, va + length) to [pa, pa + length) with leaves of `page_size`.
 * Errors, nothing changed, in this order:
 *   INVALID        page_size is none of the three; unknown flags, WRITE with EXEC, or no such
 *                  cache mode; length 0
 *   UNSUPPORTED    1 GiB pages on a CPU without them
 *   MISALIGNED     va, pa or length is not a multiple of page_size
 *   NON_CANONICAL  the range wraps, or is not canonical throughout
 *   OUT_OF_RANGE   physical end beyond the CPU's width
 *   DENIED         USER in the kernel half, or a kernel-half PML4 slot that is not in use
 *   MAPPED         some page of the range is mapped already
 *   NO_MEMORY      fewer free frames than missing tables
 */
int paging_map(paddr_t root, vaddr_t va, paddr_t pa, uint64_t length, uint64_t page_size,
               uint32_t flags);

/*
 * Unmap [va, va + length), which must be mapped throughout and cut no leaf.
 * Errors, nothing changed, in this order: INVALID (length 0); MISALIGNED (va or length not a
 * multiple of 4 KiB); NON_CANONICAL; then for the lowest offending page: NOT_MAPPED, or MISALIGNED
 * if its leaf reaches outside the range.
 */
int paging_unmap(paddr_t root, vaddr_t va, uint64_t length);

/*
 * Give every leaf of [va, va + length) new flags, the cache mode and GLOBAL included.
 * Errors, nothing changed, in this order: INVALID (length 0; flags as for paging_map); MISALIGNED;
 * NON_CANONICAL; DENIED (USER in the kernel half); then as for paging_unmap.
 */
int paging_protect(paddr_t root, vaddr_t va, uint64_t length, uint32_t flags);

/* The leaf that maps `va`. Errors: NON_CANONICAL, NOT_MAPPED. */
int paging_query(paddr_t root, vaddr_t va, struct mapping *mapping);

/*
 * For the layer above, whose ranges are valid, aligned, and mapped with 4 KiB leaves or not at all.
 */

/* How many tables paging_map(root, va, .., length, 4 KiB, ..) would have to take. */
uint64_t paging_tables_missing(paddr_t root, vaddr_t va, uint64_t length);

/*
 * Give every page of the range that is not mapped a zeroed frame of its own; per page, ascending,
 * the frame is taken first, then its missing tables. Errors, nothing changed: NO_MEMORY.
 */
int paging_fill(paddr_t root, vaddr_t va, uint64_t length, uint32_t flags);

/* What paging_fill does, for the one page at `va`. */
int paging_fill_page(paddr_t root, vaddr_t va, uint32_t flags);

/* How many of the range's pages are mapped. */
uint64_t paging_pages_present(paddr_t root, vaddr_t va, uint64_t length);

/* Unmap what is mapped in the range; `release`, if not NULL, gets each frame after its flush. */
void paging_clear(paddr_t root, vaddr_t va, uint64_t length, void (*release)(paddr_t frame));

/* Whether something holds for a page that is, or was a moment ago, mapped to a frame. */
typedef bool (*page_predicate)(const void *context, vaddr_t page, paddr_t frame);

/* Unmap what is mapped in the range, and give those frames back for whose pages, unmapped by then,
 * `stays` does not hold. */
void paging_clear_unless(paddr_t root, vaddr_t va, uint64_t length, page_predicate stays,
                         const void *context);

/* How many of the range's pages are mapped, and `holds` holds for them. */
uint64_t paging_count_if(paddr_t root, vaddr_t va, uint64_t length, page_predicate holds,
                         const void *context);

/* Give a page that is mapped another frame, or the same, and new flags. */
void paging_replace(paddr_t root, vaddr_t va, paddr_t frame, uint32_t flags);

/* How many tables the lower half of a root has, the root not counted. */
uint64_t paging_tables_of(paddr_t root);

/* Make the lower half of a root, which is empty, that of another: as many tables are taken, each
 * before those below it, ascending. There are enough frames. */
void paging_clone(paddr_t to, paddr_t from);

/* Give what is mapped in the range new flags. */
void paging_reflag(paddr_t root, vaddr_t va, uint64_t length, uint32_t flags);
