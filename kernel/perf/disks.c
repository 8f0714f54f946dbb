/* Writing a file's pages back, beside the bare disk driver: the same request, and a flush. */
#include "cpu/panic.h"
#include "file/file.h"
#include "perf/benchmarks.h"
#include "perf/measure.h"

#define NAME   "perf.bin" /* a member of the archive, of as many pages as are asked for */
#define ROUNDS 40         /* the quickest counts */

static int write_bare(struct file *file, const paddr_t *frames) {
    int status = disk_write(file->disk, file->sector, file->size / SECTOR_SIZE, frames);
    return status < 0 ? status : disk_flush(file->disk);
}

void perf_write_back(uint64_t pages) {
    struct file *file;
    paddr_t frames[VIRTIO_BLK_FRAMES];
    uint64_t bare = UINT64_MAX, cached = UINT64_MAX;
    int status = file_open(NAME, &file);
    ASSERT(status == STATUS_OK && file->size == pages * FRAME_SIZE);
    ASSERT(pages <= VIRTIO_BLK_FRAMES);
    for (uint64_t i = 0; i < pages; i++) {
        frames[i] = frame_take();
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct measured call = MEASURE(write_bare, (uint64_t)file, (uint64_t)frames);
        ASSERT((int)call.result == STATUS_OK);
        bare = min_u64(bare, call.ticks);
        for (uint64_t page = 0; page < pages; page++) {
            status = file_write(file, page * FRAME_SIZE, &round, 1);
            ASSERT(status == STATUS_OK);
        }
        call = MEASURE(file_sync, (uint64_t)file);
        ASSERT((int)call.result == STATUS_OK);
        cached = min_u64(cached, call.ticks);
    }
    for (uint64_t i = 0; i < pages; i++) {
        frame_give(frames[i]);
    }
    status = file_close(file);
    ASSERT(status == STATUS_OK);
    value_print("write_back", pages, "bare", bare);
    value_print("write_back", pages, "file", cached);
}
