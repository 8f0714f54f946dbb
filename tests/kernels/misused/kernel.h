/* What a kernel has that does many things wrong with memory, and some right that look alike. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PAGE   4096ull
#define DIRECT 0xffff800000000000ull
#define IMAGE  0xffffffff80000000ull

/* frames.c: free frames are a list, each with the address of the next in it. */
void frames_init(void);
uint64_t frame_alloc(void);
void frame_free(uint64_t frame);
uint64_t frames_free_count(void);

/* heap.c: blocks one behind the other, each behind a header; freed ones are filled with 0xdd. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void *krealloc(void *block, size_t size);
void kfree(void *block);
size_t kusable(const void *block);
size_t heap_walk(void);

void *memcpy(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
