#include "console/ring.h"

#include "base/string.h"
#include "cpu/instructions.h"
#include "cpu/serial.h"
#include "console/commands.h"

#define POLLS_PER_LOOK 4096 /* at COM1, which costs more than looking at memory */

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

/* Whether someone typed: any character but a line end, which may be left of the command's own. */
static bool was_typed_at(void) {
    while (serial_has_input()) {
        char c = serial_get();
        if (c != '\r' && c != '\n') {
            return true;
        }
    }
    return false;
}

/* Serve until told to stop. Errors: INVALID (whoever asks has lost count). */
static int serve_all(uint64_t *served) {
    for (unsigned polls = 0;; polls++) {
        uint64_t waiting = __atomic_load_n(&ring.submitted, __ATOMIC_ACQUIRE) - *served;
        if (waiting > RING_SLOTS) {
            return STATUS_INVALID;
        }
        if (waiting > 0) {
            serve(*served % RING_SLOTS);
            __atomic_store_n(&ring.served, ++*served, __ATOMIC_RELEASE);
            continue;
        }
        if (__atomic_load_n(&ring.stop, __ATOMIC_RELAXED) ||
            (polls % POLLS_PER_LOOK == 0 && was_typed_at())) {
            return STATUS_OK;
        }
        spin_wait();
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
