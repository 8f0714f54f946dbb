#include "perf/perf.h"

#include "base/option.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"
#include "pmm/pmm.h"

static const struct {
    const char *name;
    uint64_t number;
    void (*run)(uint64_t number);
} benchmarks[] = {
    {"frames.0", 0, perf_frames},
    {"frames.500", 500, perf_frames},
    {"frames.999", 999, perf_frames},
    {"blocks.0", 0, perf_blocks},
    {"blocks.500", 500, perf_blocks},
    {"blocks.999", 999, perf_blocks},
    {"slab.8", 8, perf_slabs},
    {"slab.64", 64, perf_slabs},
    {"slab.200", 200, perf_slabs},
    {"map.1", 1, perf_map},
    {"map.16", 16, perf_map},
    {"map.512", 512, perf_map},
    {"map.16384", 16384, perf_map},
    {"query.16384", 16384, perf_query},
    {"fault.16384", 16384, perf_fault},
    {"space.0", 0, perf_space},
    {"space.256", 256, perf_space},
    {"space.4096", 4096, perf_space},
    {"space.16384", 16384, perf_space},
    {"clone.4096", 4096, perf_clone},
    {"heap.random.100", 100, perf_heap_random},
    {"heap.random.1000", 1000, perf_heap_random},
    {"heap.random.10000", 10000, perf_heap_random},
    {"heap.random.100000", 100000, perf_heap_random},
    {"heap.lifo.200", 200, perf_heap_lifo},
    {"heap.fragmented.2000", 2000, perf_heap_fragmented},
    {"heap.fragmented.20000", 20000, perf_heap_fragmented},
    {"heap.fragmented.200000", 200000, perf_heap_fragmented},
    {"buddy.random.1000", 1000, perf_buddy_random},
    {"buddy.random.100000", 100000, perf_buddy_random},
    {"buddy.small.10000", 10000, perf_buddy_small},
    {"kmalloc.random.10000", 10000, perf_kmalloc_random},
    {"kmalloc.small.10000", 10000, perf_kmalloc_small},
    {"write_back.64", 64, perf_write_back},
};

/* Whether `name` is, or begins up to a dot with, one of a list's names. */
static bool is_in_list(const char *name, const char *list, size_t length) {
    for (size_t at = 0; at < length; at++) {
        size_t i = 0;
        while (at + i < length && list[at + i] == name[i] && name[i] != '\0') {
            i++;
        }
        bool list_ends = at + i == length || list[at + i] == ',';
        if (i > 0 && list_ends && (name[i] == '\0' || name[i] == '.')) {
            return true;
        }
        while (at < length && list[at] != ',') {
            at++;
        }
    }
    return false;
}

void perf_on_request(const char *command_line) {
    const char *list = option_find(command_line, "perf=");
    if (!list) {
        return;
    }
    measure_init();
    for (size_t i = 0; i < sizeof(benchmarks) / sizeof(benchmarks[0]); i++) {
        if (is_in_list(benchmarks[i].name, list, option_length(list))) {
            uint64_t free = pmm_free_count();
            benchmarks[i].run(benchmarks[i].number);
            ASSERT(pmm_free_count() == free);
        }
    }
    print("perf end\n");
}
