#include "cpu/print.h"
#include "heap/nodes.h"
#include "console/commands.h"
#include "console/reply.h"

static bool is_heap_size(uint64_t bytes) {
    return bytes > 0 && bytes <= HEAP_ALLOC_MAX;
}

/* What an allocation returned, its arguments being right. */
static int reply_pointer(struct reply *reply, const void *pointer) {
    if (pointer == NULL) {
        return STATUS_NO_MEMORY;
    }
    reply_address(reply, (vaddr_t)pointer);
    return STATUS_OK;
}

int command_heap_alloc(const struct arguments *arguments, struct reply *reply) {
    uint64_t bytes = arguments->at[0].number;
    return is_heap_size(bytes) ? reply_pointer(reply, heap_alloc(bytes)) : STATUS_INVALID;
}

int command_heap_zalloc(const struct arguments *arguments, struct reply *reply) {
    uint64_t bytes = arguments->at[0].number;
    return is_heap_size(bytes) ? reply_pointer(reply, heap_zalloc(bytes)) : STATUS_INVALID;
}

int command_heap_align(const struct arguments *arguments, struct reply *reply) {
    uint64_t align = arguments->at[0].number;
    uint64_t bytes = arguments->at[1].number;
    if (!is_power_of_two(align) || align > HEAP_ALIGN_MAX || !is_heap_size(bytes)) {
        return STATUS_INVALID;
    }
    return reply_pointer(reply, heap_align(align, bytes));
}

int command_heap_realloc(const struct arguments *arguments, struct reply *reply) {
    void *pointer = (void *)arguments->at[0].number;
    int status = heap_realloc(&pointer, arguments->at[1].number);
    if (status < 0) {
        return status;
    }
    reply_address(reply, (vaddr_t)pointer);
    return STATUS_OK;
}

int command_heap_free(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    return heap_free((void *)arguments->at[0].number);
}

struct heap_totals {
    uint64_t count[2]; /* [in use?] */
    uint64_t bytes[2];
};

/* Count the nodes, and list them if asked to. The heap has been checked. */
static struct heap_totals walk_heap(bool list) {
    struct heap_totals totals = {0};
    for (vaddr_t at = HEAP_BASE; at < heap.end;) {
        const struct heap_node *node = (const struct heap_node *)at;
        bool used = node_is_used(node);
        uint64_t size = node_size(node);
        totals.count[used]++;
        totals.bytes[used] += size;
        if (list) {
            print("  0x%lx 0x%lx %s\n", at, size, used ? "used" : "free");
        }
        at += size;
    }
    return totals;
}

int command_heap_info(const struct arguments *arguments, struct reply *reply) {
    int status = command_heap_check(arguments, reply);
    if (status < 0) {
        return status;
    }
    struct heap_totals totals = walk_heap(false);
    reply_address(reply, heap.end);
    reply_add(reply, VALUE_DECIMAL, "", totals.count[1]);
    reply_add(reply, VALUE_DECIMAL, "", totals.count[0]);
    reply_add(reply, VALUE_DECIMAL, "", totals.bytes[1]);
    reply_add(reply, VALUE_DECIMAL, "", totals.bytes[0]);
    return STATUS_OK;
}

int command_heap_check(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    vaddr_t where = 0;
    int status = heap_check(&where);
    if (status < 0) {
        reply_address(reply, where);
    }
    return status;
}

int command_heap_list(const struct arguments *arguments, struct reply *reply) {
    int status = command_heap_check(arguments, reply);
    if (status < 0) {
        return status;
    }
    struct heap_totals totals = walk_heap(true);
    reply_add(reply, VALUE_DECIMAL, "", totals.count[0] + totals.count[1]);
    return STATUS_OK;
}
