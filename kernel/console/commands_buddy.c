#include "buddy/buddy.h"
#include "cpu/print.h"
#include "console/commands.h"
#include "console/reply.h"

int command_buddy_alloc(const struct arguments *arguments, struct reply *reply) {
    void *block;
    int status = buddy_alloc(arguments->at[0].number, &block);
    if (status < 0) {
        return status;
    }
    reply_address(reply, (vaddr_t)block);
    return STATUS_OK;
}

int command_buddy_free(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    return buddy_free((void *)arguments->at[0].number);
}

int command_buddy_info(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    reply_add(reply, VALUE_DECIMAL, "", buddy.length);
    reply_add(reply, VALUE_DECIMAL, "", buddy.used_count);
    reply_add(reply, VALUE_DECIMAL, "", buddy.used_bytes);
    return STATUS_OK;
}

int command_buddy_list(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    uint64_t blocks = 0;
    for (uint64_t order = BUDDY_ORDER_MIN; order < BUDDY_ORDERS; order++) {
        const struct buddy_link *head = &buddy.free[order];
        for (const struct buddy_link *at = head->next; at != head; at = at->next) {
            print("  0x%lx %lu\n", (vaddr_t)at, order);
            blocks++;
        }
    }
    reply_add(reply, VALUE_DECIMAL, "", blocks);
    return STATUS_OK;
}
