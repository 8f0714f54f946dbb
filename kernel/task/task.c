#include "task/task.h"

#include "cpu/panic.h"

struct slab_cache task_cache;
struct task boot_task;
struct task *current_task;

void task_init(void) {
    int status = slab_cache_create(&task_cache, "task", sizeof(struct task), _Alignof(struct task));
    ASSERT(status == STATUS_OK);
    boot_task = (struct task){.id = 0};
    vm_space_init(&boot_task.space, paging_kernel_root(), 0, 0);
    current_task = &boot_task;
    vm_set_current(NULL);
}

/* The last task before the first gap in the ids. */
static struct task *before_lowest_unused(void) {
    struct task *task = &boot_task;
    while (task->next && task->next->id == task->id + 1) {
        task = task->next;
    }
    return task;
}

int task_create(uint64_t *id) {
    struct vm_space space;
    int status = vm_space_create(&space);
    if (status < 0) {
        return status;
    }
    void *object;
    status = slab_alloc(&task_cache, &object);
    if (status < 0) {
        int destroyed = vm_space_destroy(&space);
        ASSERT(destroyed == STATUS_OK);
        return status;
    }
    struct task *task = object;
    struct task *previous = before_lowest_unused();
    *task = (struct task){.id = previous->id + 1, .next = previous->next, .space = space};
    previous->next = task;
    *id = task->id;
    return STATUS_OK;
}

struct task *task_find(uint64_t id) {
    struct task *task = &boot_task;
    while (task && task->id < id) {
        task = task->next;
    }
    return task && task->id == id ? task : NULL;
}

int task_switch(uint64_t id) {
    struct task *task = task_find(id);
    if (!task) {
        return STATUS_NOT_FOUND;
    }
    current_task = task;
    vm_set_current(task == &boot_task ? NULL : &task->space);
    paging_activate(task->space.root);
    return STATUS_OK;
}

static void unlink_task(const struct task *task) {
    struct task *previous = &boot_task;
    while (previous->next != task) {
        previous = previous->next;
    }
    previous->next = task->next;
}

int task_destroy(uint64_t id) {
    struct task *task = task_find(id);
    if (!task) {
        return STATUS_NOT_FOUND;
    }
    if (task == &boot_task) {
        return STATUS_DENIED;
    }
    if (task == current_task) {
        return STATUS_BUSY;
    }
    unlink_task(task);
    int status = vm_space_destroy(&task->space);
    ASSERT(status == STATUS_OK);
    status = slab_free(&task_cache, task);
    ASSERT(status == STATUS_OK);
    return STATUS_OK;
}
