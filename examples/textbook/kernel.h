/*
 * The textbook kernel: frames from a bitmap, pages by a walk over a direct map, regions, a
 * first-fit heap. Each layer uses only those above it here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096ull

/* --- the address space (boot.S makes it) ------------------------------------------------------ */

#define DIRECT_MAP      0xffff800000000000ull /* the first 4 GiB of physical memory */
#define DIRECT_MAP_SIZE 0x100000000ull
#define IMAGE_BASE      0xffffffff80000000ull /* the first GiB of physical memory */
#define HEAP_START      0xffffffffc0000000ull
#define HEAP_END        (HEAP_START + (1ull << 20))
#define REGIONS_START   0xffffc00000000000ull
#define REGIONS_END     (REGIONS_START + (1ull << 26))

static inline void *at_physical(uint64_t physical) {
    return (void *)(DIRECT_MAP + physical);
}

static inline uint64_t round_up(uint64_t value, uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

/* --- console.c -------------------------------------------------------------------------------- */

void console_init(void);
char read_key(void); /* sleeps until there is one */
void print(const char *text);
void print_number(uint64_t number);                     /* in hexadecimal */
_Noreturn void panic(const char *text, uint64_t value); /* says both, and stops for good */

void *memset(void *to, int byte, size_t length);
void *memcpy(void *to, const void *from, size_t length);

/* --- frames.c: physical memory, by physical address ------------------------------------------- */

extern size_t free_frames;

struct multiboot_info;
void frames_init(const struct multiboot_info *info);

/* Take one frame, not cleared; 0 if none is left. */
uint64_t frame_alloc(void);

/* Take `count` frames in a row, the first at a multiple of `align` bytes; 0 if there are none. */
uint64_t frames_alloc(size_t count, uint64_t align);

/* Give back what was taken; a part of a run may be given back as well. */
void frame_free(uint64_t frame);
void frames_free(uint64_t first, size_t count);

/* --- pages.c: 4 KiB pages of the space whose PML4 is at physical address `root` --------------- */

#define PAGE_PRESENT    (1ull << 0)
#define PAGE_WRITE      (1ull << 1)
#define PAGE_USER       (1ull << 2)
#define PAGE_LARGE      (1ull << 7)
#define PAGE_NO_EXECUTE (1ull << 63)
#define PAGE_RIGHTS     (PAGE_WRITE | PAGE_USER | PAGE_NO_EXECUTE)

#define PAGE_OK         0
#define PAGE_BAD        (-1) /* an address or a flag that cannot be */
#define PAGE_MAPPED     (-2) /* something is there already */
#define PAGE_NOT_MAPPED (-3) /* nothing is there */
#define PAGE_NO_MEMORY  (-4)

#define NOT_MAPPED (~0ull)

/* Physical address of the kernel's own PML4, which is also the one in CR3. */
uint64_t kernel_root(void);

/* Each of these succeeds, or changes nothing. The frame that is mapped is the caller's business. */
int map_page(uint64_t root, uint64_t virtual, uint64_t physical, uint64_t flags);
int unmap_page(uint64_t root, uint64_t virtual);
int protect_page(uint64_t root, uint64_t virtual, uint64_t flags);

/* Where an address leads to, or NOT_MAPPED. */
uint64_t translate(uint64_t root, uint64_t virtual);

/* --- regions.c: memory of whole pages, with rights as for map_page ---------------------------- */

void *region_alloc(size_t size, uint64_t rights); /* all zeros; NULL says that there is no memory */
void region_free(void *address);

/* --- heap.c: addresses are multiples of 16; NULL says that there is no memory ----------------- */

void *kmalloc(size_t size);
void *kzalloc(size_t size);
void *kmemalign(size_t align, size_t size); /* `align` is a power of two */
void *krealloc(void *old, size_t size);
void kfree(void *address); /* NULL is nothing to do */
size_t kusable(const void *address);
