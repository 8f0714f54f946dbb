#include "file/file.h"

#include "base/direct_map.h"
#include "base/string.h"
#include "file/archive.h"
#include "file/cache.h"

#define ARCHIVE_DISK "data"

struct file files[FILES_MAX];

static struct file *find_open(const char *name) {
    for (unsigned i = 0; i < FILES_MAX; i++) {
        if (files[i].references > 0 && strings_equal(files[i].name, name)) {
            return &files[i];
        }
    }
    return NULL;
}

static struct file *find_unused(void) {
    for (unsigned i = 0; i < FILES_MAX; i++) {
        if (files[i].references == 0) {
            return &files[i];
        }
    }
    return NULL;
}

/* Fill in an unused record. What was read into `index` last is the end of the archive, so all of it
 * is zeros as it was. Errors: those of archive_find; OUT_OF_RANGE. */
static int look_up(struct file *file, struct disk *disk, const char *name, paddr_t index) {
    struct archive_place place;
    int status = archive_find(disk, name, index, &place);
    if (status < 0) {
        return status;
    }
    if (place.size > FILE_PAGES_MAX * FRAME_SIZE) {
        return STATUS_OUT_OF_RANGE;
    }
    *file = (struct file){
        .references = 1, .size = place.size, .sector = place.sector, .disk = disk, .index = index};
    memcpy(file->name, name, strlen(name));
    return STATUS_OK;
}

int file_open(const char *name, struct file **file) {
    struct disk *disk;
    int status = disk_find(ARCHIVE_DISK, &disk);
    if (status < 0 || strlen(name) >= FILE_NAME_MAX) {
        return STATUS_NOT_FOUND;
    }
    *file = find_open(name);
    if (*file != NULL) {
        (*file)->references++;
        return STATUS_OK;
    }
    *file = find_unused();
    if (*file == NULL) {
        return STATUS_NO_SPACE;
    }
    if (pmm_free_count() == 0) {
        return STATUS_NO_MEMORY;
    }
    paddr_t index = frame_take();
    status = look_up(*file, disk, name, index);
    if (status < 0) {
        frame_give(index);
    }
    return status;
}

bool file_on_disk(const struct disk *disk) {
    for (unsigned i = 0; i < FILES_MAX; i++) {
        if (files[i].references > 0 && files[i].disk == disk) {
            return true;
        }
    }
    return false;
}

int file_close(struct file *file) {
    if (file->references > 1) {
        file->references--;
        return STATUS_OK;
    }
    int status = file_sync(file);
    if (status < 0) {
        return status;
    }
    for (uint64_t page = 0; page < cache_pages(file); page++) {
        if (cache_entries(file)[page] != 0) {
            cache_drop(file, page);
        }
    }
    frame_give(file->index);
    *file = (struct file){0};
    return STATUS_OK;
}

/* Have the pages of a range of bytes in memory. Errors: as for file_read. */
static int prepare(struct file *file, uint64_t offset, uint64_t length, bool write) {
    if (length == 0) {
        return STATUS_INVALID;
    }
    if (offset > file->size || length > file->size - offset) {
        return STATUS_OUT_OF_RANGE;
    }
    if (write && file->disk->device.read_only) {
        return STATUS_DENIED;
    }
    return cache_fill(file, offset / FRAME_SIZE, (offset + length - 1) / FRAME_SIZE + 1);
}

/* Copy bytes out of pages that are in memory, or into them, which are dirty then. */
static void copy(struct file *file, uint64_t offset, uint8_t *buffer, uint64_t length, bool write) {
    uint64_t *entries = cache_entries(file);
    while (length > 0) {
        uint64_t *entry = &entries[offset / FRAME_SIZE];
        uint64_t at = offset % FRAME_SIZE;
        uint64_t part = min_u64(length, FRAME_SIZE - at);
        uint8_t *bytes = (uint8_t *)direct_map(*entry & FILE_FRAME) + at;
        memcpy(write ? bytes : buffer, write ? buffer : bytes, part);
        *entry |= write ? FILE_DIRTY : 0;
        buffer += part;
        offset += part;
        length -= part;
    }
}

int file_read(struct file *file, uint64_t offset, void *buffer, uint64_t length) {
    int status = prepare(file, offset, length, false);
    if (status == STATUS_OK) {
        copy(file, offset, buffer, length, false);
    }
    return status;
}

int file_write(struct file *file, uint64_t offset, const void *buffer, uint64_t length) {
    int status = prepare(file, offset, length, true);
    if (status == STATUS_OK) {
        copy(file, offset, (uint8_t *)buffer, length, true);
    }
    return status;
}

int file_sync(struct file *file) {
    int status = cache_write_back(file);
    return status < 0 ? status : disk_flush(file->disk);
}

int file_evict(uint64_t count, uint64_t *gone) {
    *gone = 0;
    for (struct file *file = files; file < files + FILES_MAX; file++) {
        uint64_t pages = file->references > 0 ? cache_pages(file) : 0;
        for (uint64_t page = 0; page < pages && *gone < count; page++) {
            uint64_t entry = cache_entries(file)[page];
            if (entry & FILE_DIRTY) {
                int status = file_sync(file);
                if (status < 0) {
                    return status;
                }
            }
            if (entry != 0) {
                cache_drop(file, page);
                ++*gone;
            }
        }
    }
    return STATUS_OK;
}
