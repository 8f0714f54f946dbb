/*
 * Operations by way of memory: a ring of requests and replies that whoever sees guest RAM writes
 * and reads while the console serves it (the command `ring`). What is asked for are the console's
 * commands, by their place in its table, and what performs them is the same code; only the line is
 * missing.
 *
 * The outside waits for `serving`, fills in requests, and then raises `submitted`; the kernel
 * performs them in order, each into the reply of the same slot, and raises `served`. Both only ever
 * count up, from 0 when serving begins; number n is in slot n % RING_SLOTS. At most RING_SLOTS
 * requests are under way: their replies are to be read before their slots are used again.
 * `stop`, when nothing is left to serve, or a character on COM1 ends it, but a line end or a NUL.
 * So does a `submitted` that is not between `served` and `served` + RING_SLOTS: whoever wrote it
 * does not keep to this.
 *
 * The kernel looks for more for a moment, then it says that it is `asleep` and sleeps until COM1
 * has a character. So whoever raises `submitted` or `stop` looks at `asleep` after that, and types
 * a NUL if it is set.
 *
 * Nothing that the outside writes is trusted, or read twice.
 */
#pragma once

#include "console/reply.h"

#define RING_SLOTS 256

struct ring_request {
    uint32_t command;                  /* place in the table of commands.c */
    uint32_t count;                    /* of arguments */
    uint64_t arguments[ARGUMENTS_MAX]; /* as take_arguments reads them */
    uint8_t bytes[BYTES_MAX];
};

struct ring_reply {
    int32_t status; /* enum status */
    uint32_t count; /* of values */
    uint64_t values[REPLY_VALUES_MAX];
    uint8_t bytes[BYTES_MAX];
};

struct ring {
    uint64_t submitted; /* the outside's */
    uint64_t served;    /* the kernel's */
    uint32_t stop;      /* the outside's; the kernel clears it when serving begins */
    uint32_t serving;   /* the kernel's */
    uint32_t asleep;    /* the kernel's: a NUL on COM1 wakes it */
    struct ring_request requests[RING_SLOTS];
    struct ring_reply replies[RING_SLOTS];
};

extern struct ring ring;
