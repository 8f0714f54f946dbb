#include "perf/measure.h"

#include "base/direct_map.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "pmm/pmm.h"

#define CALL_AND_RETURN 2 /* of perf_nothing: they count as the measured function's own */

uint32_t perf_call(struct measured_call *call);
extern const char perf_nothing[];

static uint64_t overhead;

struct measured measure(struct measured_call call) {
    uint64_t ticks = perf_call(&call);
    return (struct measured){call.result, ticks - overhead};
}

void measure_init(void) {
    overhead = 0;
    overhead = MEASURE(perf_nothing).ticks - CALL_AND_RETURN;
}

uint64_t figure_add(struct figure *figure, struct measured call, uint64_t units) {
    figure->calls++;
    figure->units += units;
    figure->total += call.ticks;
    figure->worst = max_u64(figure->worst, call.ticks);
    return call.result;
}

static void print_name(const char *name, uint64_t number, const char *part) {
    print("perf %s.%lu.%s", name, number, part);
}

void figure_print(const char *name, uint64_t number, const char *part,
                  const struct figure *figure) {
    print_name(name, number, part);
    print(" calls=%lu units=%lu total=%lu worst=%lu\n", figure->calls, figure->units, figure->total,
          figure->worst);
}

void value_print(const char *name, uint64_t number, const char *part, uint64_t value) {
    print_name(name, number, part);
    print(" value=%lu\n", value);
}

void shuffle(uint64_t *values, uint64_t count, struct random *random) {
    for (uint64_t left = count; left > 1; left--) {
        uint64_t chosen = random_below(random, left);
        uint64_t value = values[chosen];
        values[chosen] = values[left - 1];
        values[left - 1] = value;
    }
}

void *scratch_take(uint64_t bytes) {
    paddr_t base;
    int status = pmm_alloc_run(align_up(bytes, FRAME_SIZE) / FRAME_SIZE, FRAME_SIZE, &base);
    if (status < 0) {
        panic("perf: no memory for 0x%lx bytes of lists", bytes);
    }
    return direct_map(base);
}

void scratch_give(void *scratch, uint64_t bytes) {
    int status = pmm_free(direct_map_physical(scratch), align_up(bytes, FRAME_SIZE) / FRAME_SIZE);
    ASSERT(status == STATUS_OK);
}
