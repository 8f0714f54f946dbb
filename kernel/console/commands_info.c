#include "cpu/features.h"
#include "cpu/panic.h"
#include "pmm/pmm.h"
#include "console/commands.h"
#include "console/console.h"
#include "console/reply.h"

int command_info(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    uint64_t tasks = 0;
    for (const struct task *task = &boot_task; task != NULL; task = task->next) {
        tasks++;
    }
    reply_add(reply, VALUE_DECIMAL, "loader=multiboot",
              boot_info.loader == LOADER_MULTIBOOT1 ? 1 : 2);
    reply_add(reply, VALUE_DECIMAL, "physical_bits=", cpu_features.physical_bits);
    reply_add(reply, VALUE_DECIMAL, "gib_pages=", cpu_features.gib_pages ? 1 : 0);
    reply_add(reply, VALUE_DECIMAL, "managed=", pmm.managed_count);
    reply_add(reply, VALUE_DECIMAL, "free=", pmm_free_count());
    reply_add(reply, VALUE_DECIMAL, "tasks=", tasks);
    reply_add(reply, VALUE_DECIMAL, "current=t", current_task->id);
    return STATUS_OK;
}

int command_echo_on(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    (void)reply;
    console.echo = true;
    return STATUS_OK;
}

int command_echo_off(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    (void)reply;
    console.echo = false;
    return STATUS_OK;
}

int command_poweroff(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    reply_print(STATUS_OK, reply);
    machine_exit(EXIT_FINISHED);
}
