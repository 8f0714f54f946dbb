/*
 * Both Multiboot formats: what entry.S puts into the image for the loader to find, and what the
 * loader passes, which memmap/boot_info.c and memmap/multiboot_map.c read. Sources: "MB1" is the
 * Multiboot Specification 0.6.96, "MB2" is 2.0.
 *
 * The structs have no padding, and are only ever filled with memcpy: nothing in loader memory need
 * be aligned.
 */
#pragma once

/* Header in the image: within the first 8 KiB (MB1 3.1), 32 KiB (MB2 3.1.1) of the file. */
#define MB1_HEADER_MAGIC      0x1badb002
#define MB1_HEADER_ALIGN      0x1 /* modules at page boundaries */
#define MB1_HEADER_MEMORY     0x2 /* pass a memory map */
#define MB2_HEADER_MAGIC      0xe85250d6
#define MB2_ARCHITECTURE_I386 0 /* entered in 32-bit protected mode */
#define MB2_HEADER_END        0
#define MB2_HEADER_REQUEST    1 /* u32 types of information that must be passed */
#define MB2_HEADER_ALIGN      6

/* EAX on entry; EBX is the physical address of the information (MB1 3.2, MB2 3.3). */
#define MB1_LOADER_MAGIC 0x2badb002
#define MB2_LOADER_MAGIC 0x36d76289

/* struct mb1_information.flags (MB1 3.3) */
#define MB1_HAS_COMMAND_LINE 0x04
#define MB1_HAS_MODULES      0x08
#define MB1_HAS_MEMORY_MAP   0x40

/* Tags of the information (MB2 3.6) */
#define MB2_TAG_END          0
#define MB2_TAG_COMMAND_LINE 1
#define MB2_TAG_MODULE       3
#define MB2_TAG_MEMORY_MAP   6
#define MB2_TAG_ALIGN        8

#define MULTIBOOT_MEMORY_AVAILABLE 1 /* in both formats; every other type is not ours */

#ifndef __ASSEMBLER__
#include <stdint.h>

struct mb1_information {
    uint32_t flags;
    uint32_t memory_lower, memory_upper;
    uint32_t boot_device;
    uint32_t command_line; /* physical address of a string */
    uint32_t modules_count, modules;
    uint32_t symbols[4];
    uint32_t memory_map_length, memory_map;
};

struct mb1_module {
    uint32_t start, end; /* physical */
    uint32_t string;     /* physical address, or 0 */
    uint32_t reserved;
};

struct mb1_memory_entry { /* as two 32-bit halves: the 64-bit fields are not aligned */
    uint32_t size;        /* of what follows; the next entry is `size` bytes on */
    uint32_t base_low, base_high;
    uint32_t length_low, length_high;
    uint32_t type;
};

struct mb2_information {
    uint32_t total_size;
    uint32_t reserved;
};

struct mb2_tag {
    uint32_t type;
    uint32_t size; /* this header included, padding to the next tag not */
};

struct mb2_module { /* then the string */
    struct mb2_tag tag;
    uint32_t start, end; /* physical */
};

struct mb2_memory_map { /* then the entries */
    struct mb2_tag tag;
    uint32_t entry_size;
    uint32_t entry_version;
};

struct mb2_memory_entry {
    uint64_t base;
    uint64_t length;
    uint32_t type;
    uint32_t reserved;
};
#endif
