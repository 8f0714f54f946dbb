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
