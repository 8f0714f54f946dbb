/*
 * The memory map that a loader passes, of both Multiboot formats (boot/multiboot.h): its entries
 * become claims of a struct memory_map. Pure, as that is.
 */
#pragma once

#include "memmap/memory_map.h"

/*
 * Claim every entry of a Multiboot 1 memory map: entries of {u32 size; u64 base; u64 length;
 * u32 type}, unaligned, `size` not counting itself and possibly larger than the struct.
 * Type 1 is AVAILABLE, every other RESERVED. (Multiboot 0.6.96, section 3.3.)
 * Errors: INVALID if an entry's size is below 20 or it passes the end of the buffer; NO_SPACE.
 * Entries before the bad one have been claimed: the caller gives up on the map.
 */
int memory_map_multiboot1(struct memory_map *map, const void *bytes, size_t length);

/*
 * Claim every entry of a Multiboot 2 memory map tag: {u64 base; u64 length; u32 type;
 * u32 reserved}, `entry_size` bytes apart. Type 1 is AVAILABLE, every other RESERVED.
 * (Multiboot 2.0, section 3.6.8.)
 * Errors: INVALID if entry_size is below 24 or no multiple of 8, or `length` no multiple of it;
 * NO_SPACE.
 */
int memory_map_multiboot2(struct memory_map *map, const void *bytes, size_t length,
                          uint32_t entry_size);
