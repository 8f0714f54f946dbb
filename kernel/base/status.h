/*
 * What a caller can get wrong, or run out of. Functions return 0 or one of these; a broken
 * invariant is not a status but a panic. The console prints the lower-case names.
 */
#pragma once

enum status {
    STATUS_OK = 0,
    STATUS_INVALID = -1,       /* an argument has no meaning: zero length, unknown flag */
    STATUS_MISALIGNED = -2,    /* an address or length is not a multiple of what it must be */
    STATUS_NON_CANONICAL = -3, /* virtual range not canonical, or it leaves its half */
    STATUS_OUT_OF_RANGE = -4,  /* beyond the physical width, or outside the window */
    STATUS_NO_MEMORY = -5,     /* not enough free frames */
    STATUS_NO_SPACE = -6,      /* no gap in the window, or a fixed table is full */
    STATUS_NOT_ALLOCATED = -7, /* a frame of the run is already free */
    STATUS_FOREIGN = -8,       /* not a frame, or not a pointer, of this allocator */
    STATUS_MAPPED = -9,        /* something is already there */
    STATUS_NOT_MAPPED = -10,   /* nothing is there */
    STATUS_UNSUPPORTED = -11,  /* this CPU can't */
    STATUS_DENIED = -12,       /* known, but not permitted */
    STATUS_GUARD = -13,        /* a guard region was hit */
    STATUS_DOUBLE_FREE = -14,  /* heap: the node is already free */
    STATUS_INTERIOR = -15,     /* heap: inside a node, not its start */
    STATUS_CORRUPT = -16,      /* heap: a node header was overwritten */
    STATUS_NOT_FOUND = -17,    /* no such task, space or root */
    STATUS_BUSY = -18,         /* in use: the current task, the active root */
    STATUS_FAULT = -19,        /* the access raised an exception */
    STATUS_SYNTAX = -20,       /* console: unknown command, bad number, wrong argument count */
    STATUS_TOO_LONG = -21,     /* console: the line is too long */
    STATUS_IO = -22,           /* a disk could not do what it was asked */
    STATUS_COUNT = 23,
};
