/*
 * The benchmarks, one function each. Each prints its figures and leaves memory as it was. The
 * number is whatever the benchmark can be asked about in several sizes.
 */
#pragma once

#include "base/types.h"

void perf_frames(uint64_t used_per_mille);
void perf_blocks(uint64_t used_per_mille);
void perf_slabs(uint64_t size);
void perf_map(uint64_t pages);
void perf_query(uint64_t pages);
void perf_fault(uint64_t pages);
void perf_space(uint64_t pages);
void perf_clone(uint64_t pages);
void perf_buddy_random(uint64_t live);
void perf_buddy_small(uint64_t live);
void perf_kmalloc_random(uint64_t live);
void perf_kmalloc_small(uint64_t live);
void perf_heap_random(uint64_t live);
void perf_heap_lifo(uint64_t depth);
void perf_heap_fragmented(uint64_t allocations);
void perf_write_back(uint64_t pages);
