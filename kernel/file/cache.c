#include "file/cache.h"

#include "base/direct_map.h"
#include "base/string.h"

uint64_t *cache_entries(const struct file *file) {
    return direct_map(file->index);
}

/* How many pages from `first` on, before `end`, have `flag`: at most as many as one request
 * takes. */
static uint64_t run_length(const struct file *file, uint64_t first, uint64_t end, uint64_t flag) {
    const uint64_t *entries = cache_entries(file);
    uint64_t count = 0;
    while (first + count < end && count < VIRTIO_BLK_FRAMES && entries[first + count] & flag) {
        count++;
    }
    return count;
}

/* The one request that reads or writes `count` adjacent pages which are in memory. */
static int transfer(struct file *file, uint64_t first, uint64_t count, bool write) {
    const uint64_t *entries = cache_entries(file);
    paddr_t frames[VIRTIO_BLK_FRAMES];
    for (uint64_t i = 0; i < count; i++) {
        frames[i] = entries[first + i] & FILE_FRAME;
    }
    uint64_t left = (file->size + SECTOR_SIZE - 1) / SECTOR_SIZE - first * FRAME_SECTORS;
    uint64_t sectors = min_u64(count * FRAME_SECTORS, left);
    uint64_t sector = file->sector + first * FRAME_SECTORS;
    return write ? disk_write(file->disk, sector, sectors, frames)
                 : disk_read(file->disk, sector, sectors, frames);
}

/* What the disk has behind the file's last byte is none of the file's. */
static void clear_tail(struct file *file, uint64_t page) {
    uint64_t used = file->size - page * FRAME_SIZE;
    if (used < FRAME_SIZE) {
        uint8_t *bytes = direct_map(cache_entries(file)[page] & FILE_FRAME);
        memset(bytes + used, 0, FRAME_SIZE - used);
    }
}

/* End what cache_fill began: its pages stay, or go. */
static void settle(struct file *file, uint64_t first, uint64_t end, bool stay) {
    uint64_t *entries = cache_entries(file);
    for (uint64_t page = first; page < end; page++) {
        if (entries[page] & FILE_FRESH) {
            entries[page] &= ~FILE_FRESH;
            if (!stay) {
                cache_drop(file, page);
            }
        }
    }
}

int cache_fill(struct file *file, uint64_t first, uint64_t end) {
    uint64_t *entries = cache_entries(file);
    uint64_t missing = 0;
    for (uint64_t page = first; page < end; page++) {
        missing += entries[page] == 0;
    }
    if (pmm_free_count() < missing) {
        return STATUS_NO_MEMORY;
    }
    for (uint64_t page = first; page < end; page++) {
        if (entries[page] == 0) {
            entries[page] = frame_take() | FILE_CACHED | FILE_FRESH;
        }
    }
    for (uint64_t page = first; page < end;) {
        uint64_t count = run_length(file, page, end, FILE_FRESH);
        if (count == 0) {
            page++;
            continue;
        }
        int status = transfer(file, page, count, false);
        if (status < 0) {
            settle(file, first, end, false);
            return status;
        }
        clear_tail(file, page + count - 1);
        page += count;
    }
    settle(file, first, end, true);
    return STATUS_OK;
}

int cache_write_back(struct file *file) {
    uint64_t *entries = cache_entries(file);
    uint64_t end = cache_pages(file);
    for (uint64_t page = 0; page < end;) {
        uint64_t count = run_length(file, page, end, FILE_DIRTY);
        if (count == 0) {
            page++;
            continue;
        }
        int status = transfer(file, page, count, true);
        if (status < 0) {
            return status;
        }
        for (; count > 0; count--) {
            entries[page++] &= ~FILE_DIRTY;
        }
    }
    return STATUS_OK;
}

void cache_drop(struct file *file, uint64_t page) {
    uint64_t *entry = &cache_entries(file)[page];
    ASSERT((*entry & (FILE_CACHED | FILE_DIRTY)) == FILE_CACHED);
    frame_give(*entry & FILE_FRAME);
    *entry = 0;
}
