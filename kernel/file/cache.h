/* An open file, and its pages that are in memory. A range of pages is [first, end). */
#pragma once

#include "disk/disk.h"

#define FILE_NAME_MAX  65  /* with the NUL */
#define FILE_PAGES_MAX 512 /* 2 MiB */

/* An entry of an index: a frame and these; 0: the page is not in memory. */
#define FILE_FRAME  (~(FRAME_SIZE - 1))
#define FILE_CACHED 1ULL
#define FILE_DIRTY  2ULL
#define FILE_FRESH  4ULL /* read by the operation under way, which may have to take it back */

struct file {
    uint64_t references; /* how often it is open; 0: this record is free */
    uint64_t size;       /* bytes */
    uint64_t sector;     /* of the disk, where it begins */
    struct disk *disk;
    paddr_t index;
    char name[FILE_NAME_MAX];
    uint8_t padding[7];
};

/* How many pages a file has; the last may be part of one. */
static inline uint64_t cache_pages(const struct file *file) {
    return (file->size + FRAME_SIZE - 1) / FRAME_SIZE;
}

/* The entries of a file's index. */
uint64_t *cache_entries(const struct file *file);

/*
 * Have all pages of a range in memory. Errors, nothing changed: NO_MEMORY; IO.
 */
int cache_fill(struct file *file, uint64_t first, uint64_t end);

/* Write the dirty pages of a file. Errors: IO (what was written until then is clean). */
int cache_write_back(struct file *file);

/* Give a clean page's frame back. */
void cache_drop(struct file *file, uint64_t page);
