/*
 * A task owns a space, and may have a program, which the layer above looks after. Task 0 is the
 * boot task: it has no space of its own and runs on the kernel root.
 */
#pragma once

#include "slab/slab.h"
#include "vmm/vmm.h"

struct task {
    uint64_t id;
    struct task *next;       /* ascending id, NULL at the end */
    struct vm_space space;   /* the boot task's is unused: root is the kernel root, no window */
    struct program *program; /* that it runs (program/program.h), or NULL */
};

extern struct slab_cache task_cache; /* "task": of all but the boot task */
extern struct task boot_task;        /* head of the list of all tasks */
extern struct task *current_task;

/* The boot task is the only and the current one. Takes no frame. */
void task_init(void);

/*
 * A new task with the lowest unused id and an empty space. First the space is made, then the task
 * from the cache. Errors, nothing changed: NO_MEMORY.
 */
int task_create(uint64_t *id);

/* The task with that id, or NULL. */
struct task *task_find(uint64_t id);

/* Make it the current one and load its root. Errors: NOT_FOUND. */
int task_switch(uint64_t id);

/*
 * Destroy its space, then free it. Errors, nothing changed, in this order: NOT_FOUND; DENIED (the
 * boot task); BUSY (the current task).
 */
int task_destroy(uint64_t id);
