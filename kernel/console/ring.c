#include "console/ring.h"

#include "base/string.h"
#include "cpu/instructions.h"
#include "cpu/serial.h"
#include "console/commands.h"

#define LOOKS_BEFORE_SLEEP 4096

struct ring ring;
static bool serving; /* as ring.serving, which others could write */

static void serve(unsigned slot) {
    const struct ring_request request = *(volatile struct ring_request *)&ring.requests[slot];
    struct ring_reply *out = &ring.replies[slot];
    struct reply reply = {0};
    out->status = command_perform_numbers(request.command, request.arguments, request.bytes,
                                          request.count, &reply);
    out->count = reply.count;
    for (unsigned i = 0; i < reply.count; i++) {
        out->values[i] = reply.values[i].number;
    }
    memcpy(out->bytes, reply.bytes, sizeof out->bytes);
}

/* Whether someone typed: any character but a line end, which may be left of the command's own, and
 * NUL, which only wakes. */
static bool was_typed_at(void) {
    while (serial_has_input()) {
        char c = serial_get();
        if (c != '\r' && c != '\n' && c != '\0') {
            return true;
        }
    }
    return false;
}

static uint64_t count_waiting(uint64_t served) {
    return __atomic_load_n(&ring.submitted, __ATOMIC_ACQUIRE) - served;
}

static bool is_stopped(void) {
    return __atomic_load_n(&ring.stop, __ATOMIC_ACQUIRE);
}

/*
 * No lost wake-up: whoever raises `submitted` or `stop` looks at `asleep` after that, and here it
 * is the other way round, so one of the two sees what the other did. A character that comes before
 * the CPU is asleep is not lost either (serial_sleep).
 */
static void sleep(uint64_t served) {
    __atomic_store_n(&ring.asleep, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (count_waiting(served) == 0 && !is_stopped()) {
        serial_sleep();
    }
    __atomic_store_n(&ring.asleep, 0, __ATOMIC_RELAXED);
}

/* Serve until told to stop. Errors: INVALID (whoever asks has lost count). */
static int serve_all(uint64_t *served) {
    for (unsigned looks = 0;; looks++) {
        uint64_t waiting = count_waiting(*served);
        if (waiting > RING_SLOTS) {
            return STATUS_INVALID;
        }
        if (waiting > 0) {
            serve(*served % RING_SLOTS);
            __atomic_store_n(&ring.served, ++*served, __ATOMIC_RELEASE);
            looks = 0;
        } else if (is_stopped()) {
            if (count_waiting(*served) == 0) { /* nor did anything come before `stop` was raised */
                return STATUS_OK;
            }
        } else if (looks < LOOKS_BEFORE_SLEEP) {
            spin_wait();
        } else if (was_typed_at()) {
            return STATUS_OK;
        } else {
            sleep(*served);
            looks = 0;
        }
    }
}

int command_ring(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    if (serving) {
        return STATUS_BUSY;
    }
    serving = true;
    ring.submitted = 0;
    ring.served = 0;
    ring.stop = 0;
    ring.asleep = 0;
    __atomic_store_n(&ring.serving, 1, __ATOMIC_RELEASE);
    uint64_t served = 0;
    int status = serve_all(&served);
    __atomic_store_n(&ring.serving, 0, __ATOMIC_RELEASE);
    serving = false;
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_DECIMAL, "", served);
    return STATUS_OK;
}
