#include "cpu/features.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "pmm/pmm.h"
#include "monitor/commands.h"
#include "monitor/monitor.h"
#include "monitor/reply.h"

int command_info(const struct arguments *arguments) {
    (void)arguments;
    uint64_t tasks = 0;
    for (const struct task *task = &boot_task; task != NULL; task = task->next) {
        tasks++;
    }
    print("ok loader=multiboot%u physical_bits=%u gib_pages=%u managed=%lu free=%lu tasks=%lu "
          "current=t%lu\n",
          boot_info.loader == LOADER_MULTIBOOT1 ? 1 : 2, cpu_features.physical_bits,
          cpu_features.gib_pages ? 1 : 0, pmm.managed_count, pmm_free_count(), tasks,
          current_task->id);
    return STATUS_OK;
}

int command_echo_on(const struct arguments *arguments) {
    (void)arguments;
    monitor.echo = true;
    return reply_ok(STATUS_OK);
}

int command_echo_off(const struct arguments *arguments) {
    (void)arguments;
    monitor.echo = false;
    return reply_ok(STATUS_OK);
}

int command_poweroff(const struct arguments *arguments) {
    (void)arguments;
    reply_ok(STATUS_OK);
    machine_exit(EXIT_FINISHED);
}
