#include "console/handles.h"

#include "console/console.h"

int find_root(const struct argument *argument, paddr_t *root) {
    if (argument->handle == HANDLE_KERNEL) {
        *root = paging_kernel_root();
        return STATUS_OK;
    }
    if (argument->handle == HANDLE_ROOT) {
        if (argument->number >= CONSOLE_ROOTS || console.roots[argument->number] == PADDR_NONE) {
            return STATUS_NOT_FOUND;
        }
        *root = console.roots[argument->number];
        return STATUS_OK;
    }
    const struct task *task = task_find(argument->number);
    if (task == NULL) {
        return STATUS_NOT_FOUND;
    }
    *root = task == &boot_task ? paging_kernel_root() : task->space.root;
    return STATUS_OK;
}

int find_bare_root(const struct argument *argument, paddr_t *root) {
    int status = find_root(argument, root);
    if (status < 0) {
        return status;
    }
    return argument->handle == HANDLE_ROOT ? STATUS_OK : STATUS_DENIED;
}

int find_space(const struct argument *argument, struct vm_space **space) {
    if (argument->handle == HANDLE_KERNEL) {
        *space = &kernel_space;
        return STATUS_OK;
    }
    struct task *task = task_find(argument->number);
    if (task == NULL) {
        return STATUS_NOT_FOUND;
    }
    if (task == &boot_task) {
        return STATUS_DENIED;
    }
    *space = &task->space;
    return STATUS_OK;
}
