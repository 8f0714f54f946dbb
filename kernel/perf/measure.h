/*
 * What a kernel function costs, in ticks of the time-stamp counter around a single call.
 *
 * Under QEMU with `-icount shift=0` a tick is an instruction, and every figure repeats exactly. On
 * anything else it is time, and means little.
 */
#pragma once

#include "base/types.h"

struct measured_call {
    uint64_t function;
    uint64_t arguments[6];
    uint64_t result;
};
_Static_assert(offsetof(struct measured_call, result) == 56, "call.S knows the layout");

struct measured {
    uint64_t result;
    uint64_t ticks; /* from the call to the return, both included; the arguments are set already */
};

/* Many calls of one function, added up. */
struct figure {
    uint64_t calls;
    uint64_t units; /* what the total is divided by for a mean: calls, or pages */
    uint64_t total; /* ticks */
    uint64_t worst; /* ticks of the dearest call */
};

/* Find out what measuring costs by itself. Before the first MEASURE. */
void measure_init(void);

struct measured measure(struct measured_call call);

/* Call `function` with up to six integers or pointers, which the macro's user casts to uint64_t. */
#define MEASURE(function, ...) \
    measure((struct measured_call){(uint64_t)(function), {__VA_ARGS__}, 0})

/* Count a call that dealt with `units` of something. Returns its result. */
uint64_t figure_add(struct figure *figure, struct measured call, uint64_t units);

/* One line, `perf NAME calls=N units=N total=N worst=N`; a name's last part is a number if `number`
 * is not 0. */
void figure_print(const char *name, uint64_t number, const char *part, const struct figure *figure);

/* One line, `perf NAME value=N`. */
void value_print(const char *name, uint64_t number, const char *part, uint64_t value);

/* The generator of all traces: xorshift64 (Marsaglia, 2003). */
struct random {
    uint64_t state;
};
#define RANDOM_SEED ((struct random){88172645463325252ULL})

/* 32 random bits: the high half of the state. */
static inline uint64_t random32(struct random *random) {
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return random->state >> 32;
}

/* A random number below `limit`, which is at most 2^32. */
static inline uint64_t random_below(struct random *random, uint64_t limit) {
    return random32(random) * limit >> 32;
}

void shuffle(uint64_t *values, uint64_t count, struct random *random);

/* Memory for a benchmark's own lists: a run of frames, so that it is no part of what is measured.
 * Panics if there is none. */
void *scratch_take(uint64_t bytes);
void scratch_give(void *scratch, uint64_t bytes);
