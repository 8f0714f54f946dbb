/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names of the frames' roles, kinds and details, which ringbench/microscope has as well (aim.py,
 * kinds.py).
 */
#pragma once

enum frames_role { /* arguments: how many, the first, how frames are named */
    FRAMES_ALLOC = 1,
    FRAMES_FREE,
    FRAMES_ALLOC_BYTES, /* the same, how many bytes */
    FRAMES_FREE_BYTES
};

#define FRAMES_VIRTUAL (1ull << 32) /* beside the unit: the name is a virtual address */

enum frames_kind {
    FRAMES_AFTER_FREE = 1,
    FRAMES_STILL_MAPPED,
    FRAMES_TWICE,
    FRAMES_NO_RAM,
    FRAMES_DOUBLE_FREE
};

enum frames_detail {
    FRAMES_FRAME /* its physical address, or its name where that is virtual */
};
