/*
 * Kernel heap: a doubly linked list of nodes in address order that tile [HEAP_BASE, heap.end).
 *
 * A node is a 16-byte header and its payload. The header links both ways by sizes: the node after
 * starts where this one ends, the node before that many bytes below. Allocation splits, freeing
 * merges with both neighbours: two free nodes are never adjacent. The last node is always free, so
 * that every other has one after it; it grows and shrinks with the heap and may be a bare header.
 *
 * The other free nodes are also threaded, through their payload, on segregated lists, last in first
 * out, found through a two-level bitmap (TLSF: Masmano et al., 2004), so that heap_alloc and
 * heap_free cost the same with ten nodes and with a million.
 *
 * Node sizes are bytes, header included, multiples of 16, and but for the last node's at least
 * HEAP_NODE_MIN. Classes of size s: below HEAP_LINEAR number s / 16; from there, with k =
 * floor(log2 s), number 64 * (k - 9) + (s >> (k - 6)), so that a class is 1/64 of a power of two
 * wide. First level is number / 64, second level number % 64. Allocation of s looks, where s >=
 * HEAP_LINEAR, for s + (1 << (k - 6)) - 1, takes the head of the first non-empty list from that
 * size's class up, and splits off the tail if that leaves at least HEAP_NODE_MIN. When there is
 * none, it splits s off the start of the last node, which must leave that a header; for this the
 * heap grows at its end by the missing bytes, rounded up to pages.
 *
 * The heap is one ANONYMOUS region of its own space, moved with vm_resize. When freeing leaves
 * nothing but the last node, the region is freed and the heap is empty (end == HEAP_BASE, last ==
 * NULL). Otherwise, when freeing extends the last node to HEAP_TRIM or more, the pages after the
 * one that its header ends in are given back.
 *
 * The guard is before ^ tag << 32 ^ address ^ HEAP_GUARD. A header of which one member changed
 * never matches; nor do two equal words, two words of ASCII, two words that are addresses or
 * numbers below 2^47, or a header copied from another place. Of arbitrary 16 bytes, one in 2^64
 * does. Headers absorbed by a merge stay in memory marked free, so a double free is still named
 * after it.
 */
#pragma once

#include "vmm/vmm.h"

struct heap_node {
    uint32_t before; /* size / 8 of the node before, 0: none */
    uint32_t tag;    /* size / 8, bit 0: in use */
    uint64_t guard;
    /* The payload starts here. In a free node on a list it holds the list: */
    struct heap_node *next_free;
    struct heap_node **link; /* what points here: a list's head, or the `next_free` before */
};

#define HEAP_ALIGN         16
#define HEAP_HEADER        16
#define HEAP_NODE_MIN      32
#define HEAP_TRIM          KIB(64)
#define HEAP_GUARD         0x9e3779b97f4a7c15ULL
#define HEAP_ALLOC_MAX     GIB(1) /* largest request in bytes */
#define HEAP_ALIGN_MAX     MIB(2) /* largest alignment */
#define HEAP_LINEAR        KIB(4) /* classes below are 16 bytes wide */
#define HEAP_FIRST_LEVELS  27     /* sizes below 2^35 */
#define HEAP_SECOND_LEVELS 64
#define HEAP_CLASSES       (HEAP_FIRST_LEVELS * HEAP_SECOND_LEVELS)

struct heap {
    vaddr_t end;            /* nodes tile [HEAP_BASE, end) */
    struct heap_node *last; /* NULL: no nodes */
    uint32_t first_bitmap;  /* bit f: second_bitmap[f] is not 0 */
    uint64_t second_bitmap[HEAP_FIRST_LEVELS];
    struct heap_node *free[HEAP_CLASSES]; /* heads, NULL: empty */
    struct vm_space space; /* window [HEAP_BASE, HEAP_BASE + HEAP_SIZE) of the kernel root */
};

extern struct heap heap;

/* An empty heap. Takes no frame. */
void heap_init(void);

/*
 * `size` bytes at a multiple of 16, contents undefined. NULL: size is 0 or above HEAP_ALLOC_MAX,
 * or there is no memory, and nothing changed.
 * The node has `size` + 16 bytes, rounded up to 16, and what is left over of a node on a list that
 * is too small to be a node. Panics if the free lists lead to a smashed header.
 */
void *heap_alloc(size_t size);

/* `size` bytes of zeros, else as heap_alloc. */
void *heap_zalloc(size_t size);

/*
 * As heap_alloc, but at a multiple of `align`, a power of two up to HEAP_ALIGN_MAX (else NULL). Up
 * to 16 it is heap_alloc. Above, a node of s + align + 16 is looked for, as heap_alloc looks for s;
 * the payload is the first multiple of align in it, the next one if that would leave 16 bytes in
 * front; what is in front becomes a free node on its list, then the tail is split off as in
 * heap_alloc.
 */
void *heap_align(size_t align, size_t size);

/*
 * Resize *pointer to `size` bytes, in place if it shrinks (the tail is split off if that leaves at
 * least HEAP_NODE_MIN, and merges with a free neighbour after it) or if the node after is free and
 * large enough (then as if both were one node, split likewise; the last node is left a header);
 * else heap_alloc, copy, heap_free, and *pointer is the new place. A NULL *pointer is heap_alloc.
 * Errors, nothing changed, in this order: INVALID (size 0 or above HEAP_ALLOC_MAX); as for
 * heap_free; NO_MEMORY.
 */
int heap_realloc(void **pointer, size_t size);

/*
 * Free what one of the above returned. NULL is fine.
 * Errors, nothing changed:
 *   FOREIGN      outside [HEAP_BASE + 16, heap.end), or not a multiple of 16
 *   DOUBLE_FREE  the header is intact and says free
 *   INTERIOR     in a node's payload, not at its start
 *   CORRUPT      the node's header, or that of a neighbour it would merge with, is smashed
 */
int heap_free(void *pointer);

/*
 * Walk everything: tiling, links, guards, no two free neighbours, free lists and bitmaps exactly
 * the free nodes but the last. CORRUPT, with the first bad node's address in *where (the heap's end
 * if that is not its region's), or OK.
 */
int heap_check(vaddr_t *where);
