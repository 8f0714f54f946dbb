/* 100,000 system calls with random numbers and arguments, by `number` as the seed. Only what would
 * take the program's own pages is left out. Each must answer with a status, an address of the
 * window or a task's id; the exit code is how many did not, or 1,000,000 if nearly all of one kind
 * were refused: that would show nothing. */
#include "base/layout.h"
#include "user/user.h"

#define CALLS   100000
#define ENOUGH  20 /* calls of each kind that must have succeeded */
#define PAGE    KIB(4)
#define REGIONS 32
#define OWN_END MIB(8) /* the program's segments are below */

static uint64_t state;
static uint64_t regions[REGIONS]; /* addresses that calls answered with, newest over oldest */
static uint64_t known;

/* xorshift64* (Vigna, 2016) */
static uint64_t draw(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
}

static uint64_t below(uint64_t limit) {
    return (draw() >> 33) % limit;
}

static uint64_t draw_address(void) {
    switch (below(4)) {
    case 0:
        return draw() >> below(64);
    case 1:
        return TASK_WINDOW_BASE + below(1 << 20) * PAGE;
    default:
        return regions[below(REGIONS)] + below(8) / 7 * below(64) * PAGE;
    }
}

static uint64_t draw_length(void) {
    switch (below(4)) {
    case 0:
        return draw() >> below(64);
    case 1:
        return below(2 * PAGE);
    default:
        return below(32) * PAGE;
    }
}

static uint64_t draw_small(void) {
    return below(16) ? below(6) : draw() >> below(64);
}

/* Whether a range of any length from the address could take the program's own pages or its stack's.
 */
static bool is_own(uint64_t address) {
    return address < OWN_END || address >= TASK_WINDOW_END - MIB(1);
}

static bool is_sane(int64_t result) {
    return result > -STATUS_COUNT && (result < 0 || (uint64_t)result < TASK_WINDOW_END);
}

static int64_t perform(uint64_t call) {
    uint64_t address = draw_address(), length = draw_length();
    uint64_t kind = draw_small(), rights = draw_small();
    switch (call) {
    case CALL_EXIT:
        return STATUS_OK; /* it will, in time */
    case CALL_WRITE:
        return call_write((const void *)address, below(4) ? draw() : below(8));
    case CALL_MAP:
        return call_map(length, kind, rights);
    case CALL_MAP_AT:
        return call_map_at(address, length, kind, rights);
    case CALL_UNMAP:
    case CALL_PROTECT:
    case CALL_RESIZE:
        return is_own(address) ? STATUS_DENIED
                               : system_call(call, address, call == CALL_RESIZE ? length : rights,
                                             kind, draw());
    default:
        return system_call(call, address, length, kind, rights);
    }
}

uint64_t program_main(uint64_t number, uint64_t task) {
    (void)task;
    state = number + 1;
    uint64_t wrong = 0;
    uint64_t done[CALL_COUNT] = {0};
    for (unsigned i = 0; i < CALLS; i++) {
        uint64_t call = below(64) ? below(CALL_COUNT + 2) : draw();
        if (below(24) == 0) {
            call = CALL_UNMAP; /* or the space would only fill */
        }
        int64_t result = perform(call);
        wrong += !is_sane(result);
        done[call < CALL_COUNT ? call : CALL_TASK] += result >= 0;
        if (call == CALL_MAP && result > 0) {
            regions[known++ % REGIONS] = (uint64_t)result;
        }
    }
    for (unsigned call = CALL_WRITE; call < CALL_COUNT; call++) {
        if (done[call] < ENOUGH) {
            return 1000000 + call;
        }
    }
    return wrong;
}
