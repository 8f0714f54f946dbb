/*
 * The address space, in one place; C, assembly and the linker script (preprocessed) share it.
 *
 *   0x0000000000000000 .. 0x00007fffffffffff  the task's half
 *   0xffff800000000000 + physical address     direct map: W, NX, largest pages that fit
 *   0xffffc00000000000 .. + 512 GiB           kernel heap window    (PML4 slot 384); in its upper
 *                                             half the buddy allocator's
 *   0xffffd00000000000 .. + 512 GiB           kernel VMM window     (PML4 slot 416)
 *   0xffffffff80000000 + physical address     kernel image          (PML4 slot 511)
 *
 * Every kernel-half slot is filled at boot and never changes, so the upper half of every root
 * is identical by construction.
 */
#pragma once

#ifdef __ASSEMBLER__
#define ADDRESS(n) n
#else
#define ADDRESS(n) n##ULL
#endif

#define DIRECT_MAP_BASE ADDRESS(0xffff800000000000)
#define DIRECT_MAP_SIZE ADDRESS(0x0000008000000000) /* 512 GiB: the most memory that is managed */
#define HEAP_BASE       ADDRESS(0xffffc00000000000)
#define HEAP_SIZE  ADDRESS(0x0000000400000000) /* 16 GiB: a node's size fits 31 bits of 8 bytes */
#define BUDDY_BASE ADDRESS(0xffffc04000000000)
#define BUDDY_SIZE ADDRESS(0x0000000040000000) /* 1 GiB */
#define KERNEL_WINDOW_BASE ADDRESS(0xffffd00000000000)
#define KERNEL_WINDOW_END  ADDRESS(0xffffd08000000000)
#define IMAGE_BASE         ADDRESS(0xffffffff80000000)

#define TASK_WINDOW_BASE ADDRESS(0x0000000000010000) /* the first 64 KiB catch null pointers */
#define TASK_WINDOW_END  ADDRESS(0x00007ffffffff000)
#define KERNEL_HALF      ADDRESS(0xffff800000000000) /* first canonical address of the upper half */

#define IMAGE_PHYSICAL  ADDRESS(0x100000) /* the loader puts the image at 1 MiB */
#define BOOT_STACK_SIZE ADDRESS(0x8000)
#define BOOT_MAP_SIZE   ADDRESS(0x100000000) /* 4 GiB: what the boot tables map of the direct map */
