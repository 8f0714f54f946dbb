#include "base/bits.h"
#include "pmm/pmm.h"
#include "console/commands.h"
#include "console/console.h"
#include "console/reply.h"

int command_pmm_alloc(const struct arguments *arguments, struct reply *reply) {
    uint64_t count = arguments->count > 0 ? arguments->at[0].number : 1;
    uint64_t align = arguments->count > 1 ? arguments->at[1].number : FRAME_SIZE;
    paddr_t base;
    int status = arguments->count == 0 ? pmm_alloc(&base) : pmm_alloc_run(count, align, &base);
    if (status < 0) {
        return status;
    }
    console_lend(base, count);
    reply_address(reply, base);
    return STATUS_OK;
}

int command_pmm_alloc_2m(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    paddr_t block;
    int status = pmm_alloc_2m(&block);
    if (status < 0) {
        return status;
    }
    console_lend(block, BLOCK_FRAMES);
    reply_address(reply, block);
    return STATUS_OK;
}

/*
 * Whether pmm_free would take frames from under the kernel: all of the run is allocated, and some
 * of it was not lent. Any other run is for pmm_free to judge.
 */
static bool is_kernels_own(paddr_t base, uint64_t count) {
    uint64_t first = base / FRAME_SIZE;
    if (count == 0 || first >= pmm.frame_limit || count > pmm.frame_limit - first) {
        return false;
    }
    uint64_t end = first + count;
    return run_is_all_ones(pmm.managed_bits, first, end) &&
           run_is_all_zeros(pmm.free_bits, first, end) &&
           !run_is_all_ones(console.lent_bits, first, end);
}

int command_pmm_free(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    paddr_t base = arguments->at[0].number;
    uint64_t count = arguments->count > 1 ? arguments->at[1].number : 1;
    if (is_aligned(base, FRAME_SIZE) && is_kernels_own(base, count)) {
        return STATUS_DENIED;
    }
    int status = pmm_free(base, count);
    if (status < 0) {
        return status;
    }
    console_return(base, count);
    return STATUS_OK;
}

int command_pmm_info(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    reply_add(reply, VALUE_DECIMAL, "", pmm.managed_count);
    reply_add(reply, VALUE_DECIMAL, "", pmm_free_count());
    return STATUS_OK;
}
