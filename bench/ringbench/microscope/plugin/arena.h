/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Memory for what instruments learn of the guest. It is part of the shared memory, so that the
 * bench puts it back with the guest. Hence nothing of the plugin's own may point into it: what
 * leads there is in `shared->root`, and pointers within are as good as ever after that.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum root {
    ROOT_VISITS,
    ROOT_TRACES,
    ROOT_HEAP,
    ROOT_FRAMES,
    ROOT_TRANSLATIONS,
    ROOT_STACKS,
    ROOT_COVERAGE,
    ROOT_TABLES,
    ROOT_PROCESSORS
};

/* Zeroed memory, aligned to 8 bytes; NULL if there is no more, which `lacking` then says. */
void *arena_take(size_t bytes);

/* What `*root` leads to; taken at first use. */
void *arena_root(uint64_t *root, size_t bytes);
