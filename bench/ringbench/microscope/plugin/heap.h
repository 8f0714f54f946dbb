/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names of the heap's roles, kinds and details, which ringbench/microscope/kinds.py has as well.
 */
#pragma once

enum heap_role {      /* arguments: */
    HEAP_ALLOC = 1,   /* size, -, how many of them */
    HEAP_ZALLOC,      /* size, -, how many of them */
    HEAP_REALLOC,     /* size, block */
    HEAP_FREE,        /* -, block */
    HEAP_USABLE,      /* -, block */
    HEAP_FRAMES,      /* a frame allocator's: frames, -, into how many units a page is named */
    HEAP_FRAMES_BYTES /* the same, bytes */
};

enum heap_kind {
    HEAP_OVERRUN = 1,
    HEAP_UNDERRUN,
    HEAP_AFTER_FREE,
    HEAP_OUTSIDE,
    HEAP_DOUBLE_FREE,
    HEAP_FREE_INSIDE,
    HEAP_TWICE,
    HEAP_UNWRITTEN,
    HEAP_OWN_WRITE
};

enum heap_detail {
    HEAP_BLOCK, /* address of the block that is meant, 0: none */
    HEAP_SIZE,
    HEAP_DISTANCE, /* of the first wrong byte: behind its end, before its beginning, or inside it */
    HEAP_WRONG     /* how many bytes of the access are wrong */
};
