/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What kind of instruction some bytes are (Intel SDM volume 2, CALL, RET, INVLPG, INVPCID, MOV to
 * control registers; 64-bit code, of which 32-bit code's near calls and returns are the same
 * bytes).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum code_kind {
    CODE_OTHER,
    CODE_CALL,
    CODE_RET,
    CODE_FLUSH /* drops translations, or may */
};

static inline enum code_kind code_kind(const uint8_t *bytes, size_t length) {
    while (length > 1 && (bytes[0] == 0x66 || bytes[0] == 0xf2 || bytes[0] == 0xf3 ||
                          bytes[0] == 0x2e || bytes[0] == 0x3e || (bytes[0] & 0xf0) == 0x40)) {
        bytes++; /* prefixes: BND, REP, segment, REX */
        length--;
    }
    if (bytes[0] == 0xe8 || (bytes[0] == 0xff && length > 1 && (bytes[1] >> 3 & 7) == 2)) {
        return CODE_CALL;
    }
    if (bytes[0] == 0x0f && length > 2) {
        bool invlpg = bytes[1] == 0x01 && (bytes[2] >> 3 & 7) == 7 && bytes[2] < 0xc0;
        bool invpcid = bytes[1] == 0x38 && bytes[2] == 0x82;
        return invlpg || invpcid || bytes[1] == 0x22 ? CODE_FLUSH : CODE_OTHER;
    }
    return bytes[0] == 0xc3 || bytes[0] == 0xc2 ? CODE_RET : CODE_OTHER;
}

/* Whether it is PUSH, of anything. */
static inline bool code_is_push(const uint8_t *bytes, size_t length) {
    while (length > 1 && (bytes[0] == 0x66 || (bytes[0] & 0xf0) == 0x40)) {
        bytes++;
        length--;
    }
    return (bytes[0] & 0xf8) == 0x50 || bytes[0] == 0x68 || bytes[0] == 0x6a || bytes[0] == 0x9c ||
           (bytes[0] == 0xff && length > 1 && (bytes[1] >> 3 & 7) == 6) ||
           (bytes[0] == 0x0f && length > 1 && (bytes[1] == 0xa0 || bytes[1] == 0xa8));
}

/* Whether it sets RSP to something that is not near it: MOV, LEA, POP, XCHG or IRET; not the ends
   of functions, that set it by RBP. */
static inline bool code_sets_stack(const uint8_t *bytes, size_t length) {
    uint8_t rex = 0;
    while (length > 1 && (bytes[0] == 0x66 || (bytes[0] & 0xf0) == 0x40)) {
        rex = (bytes[0] & 0xf0) == 0x40 ? bytes[0] : rex;
        bytes++;
        length--;
    }
    uint8_t modrm = length > 1 ? bytes[1] : 0, reg = modrm >> 3 & 7, low = modrm & 7;
    bool is_register = modrm >> 6 == 3;
    switch (bytes[0]) {
    case 0xcf: /* IRET */
        return true;
    case 0x5c: /* POP, MOV of a constant, XCHG with RAX */
    case 0xbc:
    case 0x94:
        return !(rex & 1);
    case 0x89: /* MOV from a register */
        return is_register && low == 4 && !(rex & 1) && !(reg == 5 && !(rex & 4));
    case 0x8b: /* MOV to a register, from RBP, another or memory */
        return reg == 4 && !(rex & 4) && !(is_register && low == 5 && !(rex & 1));
    case 0x87: /* XCHG */
        return (reg == 4 && !(rex & 4)) || (is_register && low == 4 && !(rex & 1));
    case 0x8d: /* LEA; with RSP or RBP as the base it is near */
        return reg == 4 && !(rex & 4) && low != 4 && !(low == 5 && !(rex & 1));
    case 0xc7: /* MOV of a constant */
        return is_register && low == 4 && !(rex & 1);
    default:
        return false;
    }
}
