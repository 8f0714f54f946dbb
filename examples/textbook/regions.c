/*
 * Regions: parts of the kernel's space that are mapped to frames of their own, for whoever asks.
 *
 * They are kept in a table, by address, and the lowest gap that is large enough is taken. Behind
 * each region at least one page stays unmapped, so that who runs over its end is seen.
 */
#include "kernel.h"

#define MOST_REGIONS 64

static struct region {
    uint64_t start, end;
} regions[MOST_REGIONS];
static size_t count;

/* Unmap the pages from `start` to `end`, and give their frames back. */
static void unmap(uint64_t start, uint64_t end) {
    for (uint64_t at = start; at < end; at += PAGE_SIZE) {
        uint64_t frame = translate(kernel_root(), at);
        unmap_page(kernel_root(), at);
        frame_free(frame);
    }
}

/* Map frames that are all zeros. Either all pages are mapped, or none. */
static bool map(uint64_t start, uint64_t end, uint64_t rights) {
    for (uint64_t at = start; at < end; at += PAGE_SIZE) {
        uint64_t frame = frame_alloc();
        if (frame == 0 || map_page(kernel_root(), at, frame, rights) != PAGE_OK) {
            if (frame != 0) {
                frame_free(frame);
            }
            unmap(start, at);
            return false;
        }
        memset(at_physical(frame), 0, PAGE_SIZE);
    }
    return true;
}

void *region_alloc(size_t size, uint64_t rights) {
    if (size == 0 || size > REGIONS_END - REGIONS_START || count == MOST_REGIONS ||
        (rights & ~PAGE_RIGHTS) != 0) {
        return NULL;
    }
    size = round_up(size, PAGE_SIZE);
    uint64_t start = REGIONS_START;
    size_t place = 0;
    while (place < count && regions[place].start < start + size + PAGE_SIZE) {
        start = regions[place].end + PAGE_SIZE;
        place++;
    }
    if (start + size > REGIONS_END || !map(start, start + size, rights)) {
        return NULL;
    }
    for (size_t moved = count; moved > place; moved--) {
        regions[moved] = regions[moved - 1];
    }
    regions[place] = (struct region){start, start + size};
    count++;
    return (void *)start;
}

void region_free(void *address) {
    size_t place = 0;
    while (place < count && regions[place].start != (uint64_t)address) {
        place++;
    }
    if (place == count) {
        panic("no region begins at", (uint64_t)address);
    }
    unmap(regions[place].start, regions[place].end);
    count--;
    for (; place < count; place++) {
        regions[place] = regions[place + 1];
    }
}
