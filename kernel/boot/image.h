/*
 * Where the linker script put the image's parts. Only the addresses of these symbols mean anything.
 *
 *   physical         virtual                     permissions   what
 *   1 MiB            = physical                  (boot only)   headers, 32-bit code
 *   directly above   = physical                  (boot only)   boot tables
 *                    IMAGE_BASE + physical       RW-           boot stack
 *                                                R-X           text
 *                                                R--           read-only data, symbol table
 *                                                RW-           data, zeroed data
 *
 * The page below the boot stack is its guard: nothing is mapped there once the kernel is up.
 * Every part begins and ends at a page boundary.
 */
#pragma once

extern const char image_text_start[], image_text_end[];
extern const char image_rodata_start[], image_rodata_end[];
extern const char image_data_start[], image_data_end[];
extern const char image_stack_bottom[], image_stack_top[];

/* Physical addresses, whole frames: all of the above. */
extern const char image_physical_start[], image_physical_end[];
