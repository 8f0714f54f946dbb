/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arena.h"

#include "plugin.h"

void *arena_take(size_t bytes) {
    uint64_t begin = (shared->arena_used + 7) & -8ull;
    if (bytes > shared->arena_size || begin > shared->arena_size - bytes) {
        shared->lacking |= LACKS_ROOM;
        return NULL;
    }
    shared->arena_used = begin + bytes;
    return (uint8_t *)(shared + 1) + begin;
}

void *arena_root(uint64_t *root, size_t bytes) {
    if (!*root) {
        *root = (uint64_t)arena_take(bytes);
    }
    return (void *)*root;
}
