/*
 * Kernel heap: a doubly linked list of nodes in address order that tile [HEAP_BASE, heap.end).
 *
 * A node is a 16-byte header and its payload. `previous` is the node before; the node after starts
 * where this one ends. Allocation splits, freeing merges with both neighbours: two free nodes are
 * never adjacent. Free nodes are also threaded, through their payload, on segregated lists, last
 * in first out, found through a two-level bitmap (TLSF: Masmano et al., 2004), so that kmalloc and
 * kfree cost the same with ten nodes and with a million.
 *
 * Node sizes are bytes, header included, multiples of 16, at least HEAP_NODE_MIN. Classes of size
 * s: below 512, first level 0, second level s / 16; from there, with k = floor(log2 s), first level
 * k - 8, second level (s >> (k - 5)) & 31. Allocation of s looks, where s >= 1024, for
 * s + (1 << (k - 5)) - 1, takes the head of the first non-empty list from that size's class up, and
 * splits off the tail if that leaves at least HEAP_NODE_MIN. When there is none: the last node, if
 * it is free and at least s; else the heap grows at its end by the missing bytes (s less the last
 * node's size if that is free), rounded up to pages, and the new memory merges with a free last
 * node and is allocated from.
 *
 * The heap is one ANONYMOUS region of its own space, moved with vm_resize. When freeing leaves
 * nothing but one free node, the region is freed and the heap is empty (end == HEAP_BASE, last ==
 * NULL). Otherwise, when the last node is free and at least HEAP_TRIM, its whole pages are given
 * back: the new end is the node's address rounded up to a page, one page more if that would leave
 * the node 16 bytes; a node left with none disappears.
 *
 * The guard is the upper half of (previous ^ (address << 16) ^ tag) * HEAP_GUARD_FACTOR: a header
 * that was overwritten, or never was one, does not match. Headers absorbed by a merge stay in
 * memory marked free, so a double free is still named after it.
 */
#pragma once

#include "vmm/vmm.h"

struct heap_node {
    struct heap_node *previous; /* NULL: the first */
    uint32_t tag;               /* size / 8, bit 0: in use */
    uint32_t guard;
    /* The payload starts here. In a free node it holds the list: */
    struct heap_node *next_free;
    struct heap_node *previous_free;
};

#define HEAP_ALIGN         16
#define HEAP_HEADER        16
#define HEAP_NODE_MIN      32
#define HEAP_TRIM          KIB(64)
#define HEAP_GUARD_FACTOR  0x9e3779b97f4a7c15ULL
#define HEAP_ALLOC_MAX     GIB(1) /* largest request in bytes */
#define HEAP_ALIGN_MAX     MIB(2) /* largest alignment */
#define HEAP_FIRST_LEVELS  27     /* sizes below 2^35 */
#define HEAP_SECOND_LEVELS 32

struct heap {
    vaddr_t end;            /* nodes tile [HEAP_BASE, end) */
    struct heap_node *last; /* NULL: no nodes */
    uint32_t first_bitmap;  /* bit f: second_bitmap[f] is not 0 */
    uint32_t second_bitmap[HEAP_FIRST_LEVELS];
    struct heap_node *free[HEAP_FIRST_LEVELS][HEAP_SECOND_LEVELS]; /* heads, NULL: empty */
    struct vm_space space; /* window [HEAP_BASE, HEAP_BASE + HEAP_SIZE) of the kernel root */
};

extern struct heap heap;

/* An empty heap. Takes no frame. */
void heap_init(void);

/*
 * `size` bytes at a multiple of 16, contents undefined. NULL: size is 0 or above HEAP_ALLOC_MAX,
 * or there is no memory, and nothing changed.
 * The node has max(HEAP_NODE_MIN, size + 16 rounded up to 16) bytes. Panics if the free lists lead
 * to a smashed header.
 */
void *kmalloc(size_t size);

/* The same, zeroed. */
void *kzalloc(size_t size);

/*
 * The same at a multiple of `align`, a power of two up to HEAP_ALIGN_MAX (else NULL). Up to 16 it
 * is kmalloc. Above, a node of s + align + 16 is looked for, as kmalloc looks for s; the payload is
 * the first multiple of align in it, the next one if that would leave 16 bytes in front; what is in
 * front becomes a free node, then the tail is split off as in kmalloc.
 */
void *kmemalign(size_t align, size_t size);

/*
 * Resize *pointer to `size` bytes, in place if it shrinks (the tail is split off if that leaves at
 * least HEAP_NODE_MIN, and merges with a free neighbour after it) or if the node after is free and
 * large enough (then as if both were one node, split likewise); else kmalloc, copy, kfree, and
 * *pointer is the new place. A NULL *pointer is kmalloc.
 * Errors, nothing changed, in this order: INVALID (size 0 or above HEAP_ALLOC_MAX); as for kfree;
 * NO_MEMORY.
 */
int krealloc(void **pointer, size_t size);

/*
 * Free what one of the above returned. NULL is fine.
 * Errors, nothing changed:
 *   FOREIGN      outside [HEAP_BASE + 16, heap.end), or not a multiple of 16
 *   DOUBLE_FREE  the header is intact and says free
 *   INTERIOR     in a node's payload, not at its start
 *   CORRUPT      the node's header, or that of a neighbour it would merge with, is smashed
 */
int kfree(void *pointer);

/*
 * Walk everything: tiling, links, guards, no two free neighbours, free lists and bitmaps exactly
 * the free nodes. CORRUPT, with the first bad node's address in *where, or OK.
 */
int heap_check(vaddr_t *where);
