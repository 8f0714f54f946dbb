/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What kind of instruction some bytes are (Intel SDM volume 2, CALL and RET; 64-bit code, of which
 * 32-bit code's near calls and returns are the same bytes).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum code_kind {
    CODE_OTHER,
    CODE_CALL,
    CODE_RET
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
    return bytes[0] == 0xc3 || bytes[0] == 0xc2 ? CODE_RET : CODE_OTHER;
}
