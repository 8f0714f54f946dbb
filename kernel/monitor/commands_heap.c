#include "base/layout.h"
#include "cpu/print.h"
#include "task/task.h"
#include "monitor/commands.h"
#include "monitor/reply.h"

static bool is_heap_size(uint64_t bytes) {
    return bytes > 0 && bytes <= HEAP_ALLOC_MAX;
}

/* The reply for what an allocation returned, its arguments being right. */
static int reply_pointer(const void *pointer) {
    return reply_address(pointer != NULL ? STATUS_OK : STATUS_NO_MEMORY, (vaddr_t)pointer);
}

int command_heap_alloc(const struct arguments *arguments) {
    uint64_t bytes = arguments->at[0].number;
    return is_heap_size(bytes) ? reply_pointer(kmalloc(bytes)) : STATUS_INVALID;
}

int command_heap_zalloc(const struct arguments *arguments) {
    uint64_t bytes = arguments->at[0].number;
    return is_heap_size(bytes) ? reply_pointer(kzalloc(bytes)) : STATUS_INVALID;
}

int command_heap_align(const struct arguments *arguments) {
    uint64_t align = arguments->at[0].number;
    uint64_t bytes = arguments->at[1].number;
    if (!is_power_of_two(align) || align > HEAP_ALIGN_MAX || !is_heap_size(bytes)) {
        return STATUS_INVALID;
    }
    return reply_pointer(kmemalign(align, bytes));
}

/* Tasks live in the heap, but the console must not pull them from under the kernel. */
static bool is_task_record(vaddr_t address) {
    for (const struct task *task = boot_task.next; task != NULL; task = task->next) {
        if ((vaddr_t)task == address) {
            return true;
        }
    }
    return false;
}

int command_heap_realloc(const struct arguments *arguments) {
    void *pointer = (void *)arguments->at[0].number;
    if (is_task_record(arguments->at[0].number)) {
        return STATUS_DENIED;
    }
    int status = krealloc(&pointer, arguments->at[1].number);
    return reply_address(status, (vaddr_t)pointer);
}

int command_heap_free(const struct arguments *arguments) {
    if (is_task_record(arguments->at[0].number)) {
        return STATUS_DENIED;
    }
    return reply_ok(kfree((void *)arguments->at[0].number));
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
        bool used = node->tag & 1;
        uint64_t size = (uint64_t)(node->tag & ~1U) * 8;
        totals.count[used]++;
        totals.bytes[used] += size;
        if (list) {
            print("  0x%lx 0x%lx %s\n", at, size, used ? "used" : "free");
        }
        at += size;
    }
    return totals;
}

/* Print the status line of a smashed heap and return false, or return true. */
static bool heap_is_sound(void) {
    vaddr_t where = 0;
    if (heap_check(&where) == STATUS_OK) {
        return true;
    }
    print("err corrupt 0x%lx\n", where);
    return false;
}

int command_heap_info(const struct arguments *arguments) {
    (void)arguments;
    if (heap_is_sound()) {
        struct heap_totals totals = walk_heap(false);
        print("ok 0x%lx %lu %lu %lu %lu\n", heap.end, totals.count[1], totals.count[0],
              totals.bytes[1], totals.bytes[0]);
    }
    return STATUS_OK;
}

int command_heap_check(const struct arguments *arguments) {
    (void)arguments;
    return heap_is_sound() ? reply_ok(STATUS_OK) : STATUS_OK;
}

int command_heap_list(const struct arguments *arguments) {
    (void)arguments;
    if (heap_is_sound()) {
        struct heap_totals totals = walk_heap(true);
        print("ok %lu\n", totals.count[0] + totals.count[1]);
    }
    return STATUS_OK;
}
