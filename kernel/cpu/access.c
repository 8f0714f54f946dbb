#include "base/status.h"
#include "cpu/access.h"

#define RET_INSTRUCTION 0xc3

/* access_probe.S */
int probe_read(vaddr_t address);
int probe_write(vaddr_t address, int byte);
int probe_call(vaddr_t address);
extern const char probe_call_return[], probe_failed[];

/* The access under way, and where its fault is noted; NULL: none. */
static struct access_fault *pending;
static vaddr_t pending_address;
static bool peeking; /* the read under way only asks what is there: no fault of it is resolved */

static bool is_data_access(const struct trap_frame *frame) {
    return frame->rip == (uint64_t)probe_read || frame->rip == (uint64_t)probe_write;
}

static bool is_fetch(const struct trap_frame *frame) {
    return frame->rip == pending_address &&
           *(const uint64_t *)frame->rsp == (uint64_t)probe_call_return;
}

bool access_claim(struct trap_frame *frame, int32_t cause) {
    if (!pending) {
        return false;
    }
    if (is_fetch(frame)) {
        frame->rsp += sizeof(uint64_t); /* what `call` pushed */
    } else if (!is_data_access(frame)) {
        return false;
    }
    pending->vector = (uint32_t)frame->vector;
    pending->error = (uint32_t)frame->error;
    pending->cause = cause;
    frame->rip = (uint64_t)probe_failed;
    return true;
}

bool access_is_peek(void) {
    return peeking;
}

/*
 * Store the byte that is there already. A read-modify-write instruction would not do: emulators
 * fault on its read, so that the error code does not say write. What can't be read is not mapped:
 * there a zero is stored, as a page that the store's fault gets is zero, if it is new.
 */
static int rewrite(vaddr_t address) {
    peeking = true;
    int byte = probe_read(address);
    peeking = false;
    return probe_write(address, byte < 0 ? 0 : byte);
}

static int execute(vaddr_t address) {
    int byte = probe_read(address);
    if (byte < 0) {
        return STATUS_FAULT;
    }
    if (byte != RET_INSTRUCTION) {
        return STATUS_DENIED;
    }
    return probe_call(address) < 0 ? STATUS_FAULT : STATUS_OK;
}

int cpu_access(vaddr_t address, enum access access, struct access_fault *fault) {
    int status;
    pending = fault;
    pending_address = address;
    if (access == ACCESS_EXECUTE) {
        status = execute(address);
    } else {
        int byte = access == ACCESS_READ ? probe_read(address) : rewrite(address);
        status = byte < 0 ? STATUS_FAULT : STATUS_OK;
    }
    pending = NULL;
    return status;
}
