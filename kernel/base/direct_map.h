/* Physical memory as the kernel sees it: at a fixed distance, from the first instruction on. */
#pragma once

#include "base/layout.h"
#include "base/types.h"

static inline void *direct_map(paddr_t address) {
    return (void *)(DIRECT_MAP_BASE + address);
}

static inline paddr_t direct_map_physical(const void *pointer) {
    return (vaddr_t)pointer - DIRECT_MAP_BASE;
}
