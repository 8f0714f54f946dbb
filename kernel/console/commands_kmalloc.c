#include "console/commands.h"
#include "console/reply.h"
#include "kmalloc/kmalloc.h"

int command_kmalloc_alloc(const struct arguments *arguments, struct reply *reply) {
    uint64_t bytes = arguments->at[0].number;
    if (bytes == 0 || bytes > KMALLOC_MAX) {
        return STATUS_INVALID;
    }
    const void *pointer = kmalloc(bytes);
    if (!pointer) {
        return STATUS_NO_MEMORY;
    }
    reply_address(reply, (vaddr_t)pointer);
    return STATUS_OK;
}

int command_kmalloc_free(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    return kfree((void *)arguments->at[0].number);
}
