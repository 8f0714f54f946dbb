#include "cpu/print.h"
#include "cpu/access.h"
#include "disk/disk.h"
#include "console/commands.h"
#include "console/handles.h"
#include "console/console.h"
#include "console/reply.h"

/* The space for faults in the task's half while this task runs (NULL: no task). */
static struct vm_space *window_of(struct task *task) {
    return task == NULL || task == &boot_task ? NULL : &task->space;
}

int command_touch(const struct arguments *arguments, struct reply *reply) {
    const struct argument *target = &arguments->at[0];
    paddr_t root;
    int status = find_root(target, &root);
    if (status < 0) {
        return status;
    }
    if (disk_owns(arguments->at[1].number)) {
        return STATUS_DENIED;
    }
    struct task *task = target->handle == HANDLE_TASK ? task_find(target->number) : NULL;
    struct access_fault fault;
    paddr_t root_before = paging_active_root();
    vm_set_current(window_of(task));
    /* Loading a root flushes: what is accessed through the active one shows what no one flushed. */
    if (root != root_before) {
        paging_activate(root);
    }
    status = cpu_access(arguments->at[1].number, arguments->at[2].number, &fault);
    if (root != root_before) {
        paging_activate(root_before);
    }
    vm_set_current(window_of(current_task));
    if (status == STATUS_FAULT) {
        reply_add(reply, VALUE_VECTOR, "", fault.vector);
        reply_add(reply, VALUE_HEXADECIMAL, "error=", fault.error);
        reply_add(reply, VALUE_STATUS, "cause=", (int64_t)fault.cause);
    }
    return status;
}

int command_task_new(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    uint64_t id;
    int status = task_create(&id);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_DECIMAL, "t", id);
    return STATUS_OK;
}

int command_task_switch(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    return task_switch(arguments->at[0].number);
}

int command_task_delete(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    return task_destroy(arguments->at[0].number);
}

int command_task_list(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    uint64_t count = 0;
    for (const struct task *task = &boot_task; task != NULL; task = task->next) {
        print("  t%lu root=0x%lx regions=%lu%s\n", task->id, task->space.root,
              task->space.region_count, task == current_task ? " current" : "");
        count++;
    }
    reply_add(reply, VALUE_DECIMAL, "", count);
    return STATUS_OK;
}
