/*
 * What the loader told the kernel, in the kernel's own terms. The rest of the kernel never sees
 * Multiboot. Everything is copied into the image, so no pointer leads into loader memory.
 */
#pragma once

#include "memmap/memory_map.h"

#define BOOT_COMMAND_LINE_MAX 256 /* NUL included; longer ones are cut */
#define BOOT_MODULES_MAX      16  /* further modules stay reserved but unnamed */
#define BOOT_MODULE_NAME_MAX  64

enum boot_loader {
    LOADER_MULTIBOOT1 = 1,
    LOADER_MULTIBOOT2 = 2
};

struct boot_module {
    paddr_t base;
    uint64_t length; /* bytes, as loaded; its frames are the map's MODULE ranges */
    char name[BOOT_MODULE_NAME_MAX];
};

struct boot_info {
    uint32_t loader; /* enum boot_loader */
    uint32_t module_count;
    paddr_t information; /* of the loader; kept as BOOT_INFO, so that it can be read later */
    char command_line[BOOT_COMMAND_LINE_MAX];
    struct boot_module modules[BOOT_MODULES_MAX];
    struct memory_map map;
};

extern struct boot_info boot_info;

/*
 * Fill boot_info from what boot/entry.S saved: the loader's magic number and the physical address
 * of its information, both still readable through the boot-time direct map (the first 4 GiB).
 * Claims, besides the loader's map: LOW for the first MiB, KERNEL for the image, BOOT_INFO for the
 * information structure, its memory map and its strings, MODULE for modules.
 *
 * Whatever the loader says, there is no exception and no hang, but a panic, "boot information: ",
 * where it can't be followed: the magic number is unknown; a structure passes 4 GiB, has more than
 * 1 MiB, or reaches into the image; there is no memory map, or it is malformed, or makes more than
 * MEMORY_RANGES_MAX ranges; a tag is shorter than what it must hold, or passes the end, or none
 * ends the list (Multiboot 2). One thing is believed: that what is called available is memory.
 */
void boot_info_init(uint32_t magic, paddr_t information);
