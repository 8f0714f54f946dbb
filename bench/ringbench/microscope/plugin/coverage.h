/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which of the kernel's instructions were executed, and which ways its conditional jumps went.
 *
 * It is kept in a file of the bench's, which also says what the kernel's code is, since programs
 * run at the same addresses before it does. Unlike what instruments learn, it is not put back with
 * the guest: what was executed was.
 */
#pragma once

#include "interface.h"

#include <stdbool.h>
#include <stdint.h>

#define COVERAGE_MAGIC  0x314e41525f474252ull /* "RBG_RAN1" */
#define COVERAGE_PIECES 16

/* A piece of the kernel's code; places are in the file. Each byte of code has an entry everywhere.
 */
struct coverage_piece {
    uint64_t begin;   /* address */
    uint64_t length;  /* bytes */
    uint64_t content; /* where the code itself is */
    uint64_t counts;  /* 64 bits: not 0 if an instruction that begins there was executed */
    uint64_t lengths; /* 8 bits: of the instruction that begins there, once it was translated */
    uint64_t ways;    /* 8 bits: of a conditional jump, enum way */
};

struct coverage {
    uint64_t magic;
    uint64_t count;
    struct coverage_piece pieces[COVERAGE_PIECES];
};

enum way {
    WAY_ON = 1,  /* not taken */
    WAY_AWAY = 2 /* taken */
};

/* Open the file; whether it is one. */
bool coverage_open(const char *name);

/* Have instructions of a block seen. */
void coverage_translated(struct qemu_plugin_tb *block);
