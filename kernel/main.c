/* The kernel's table of contents, in boot order. */
#include "cpu/descriptors.h"
#include "cpu/features.h"
#include "cpu/print.h"
#include "cpu/serial.h"
#include "cpu/traps.h"
#include "memmap/boot_info.h"
#include "pmm/pmm.h"
#include "slab/slab.h"
#include "paging/paging.h"
#include "object/object.h"
#include "vmm/vmm.h"
#include "heap/heap.h"
#include "buddy/buddy.h"
#include "kmalloc/kmalloc.h"
#include "task/task.h"
#include "disk/disk.h"
#include "program/program.h"
#include "console/crash.h"
#include "console/console.h"
#include "perf/perf.h"

void kmain(uint32_t magic, paddr_t information);

/* Called by entry.S: long mode, boot tables, boot stack, interrupts off. */
void kmain(uint32_t magic, paddr_t information) {
    serial_init();                        /* output on COM1 */
    cpu_features_init();                  /* what CPUID says */
    descriptors_init();                   /* segments, double-fault stack */
    traps_init();                         /* exceptions, interrupt controllers */
    boot_info_init(magic, information);   /* what the loader says */
    pmm_init(&boot_info.map);             /* physical frames */
    slab_init(&boot_info.map);            /* caches of records */
    paging_init(&boot_info);              /* the kernel's own tables */
    object_init();                        /* memory objects */
    vmm_init();                           /* regions, page faults */
    heap_init();                          /* nodes of any size */
    buddy_init();                         /* blocks of powers of two */
    kmalloc_init(boot_info.command_line); /* the chain of them */
    task_init();                          /* the boot task */
    disk_init();                          /* virtio disks */
    program_init();                       /* user mode */
    serial_enable_input();                /* COM1's interrupt */
    console_init();                       /* the console */
    print("ringbench kernel: %lu frames, %lu free\n", pmm.managed_count, pmm_free_count());
    crash_on_request(boot_info.command_line); /* deliberate ends */
    perf_on_request(boot_info.command_line);  /* benchmarks */
    console_run();                            /* lines, for ever */
}
