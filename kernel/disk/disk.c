#include "disk/disk.h"

#include "base/direct_map.h"
#include "base/string.h"

struct disk disks[DISKS_MAX];
uint64_t disk_count;

/* Ask for the serial string, through a frame that is nobody's yet. */
static int read_serial(struct disk *disk) {
    paddr_t frame = frame_take();
    int status =
        virtio_blk_request(&disk->device, VIRTIO_BLK_GET_ID, 0, &frame, VIRTIO_BLK_ID_LENGTH);
    memcpy(disk->serial, direct_map(frame), VIRTIO_BLK_ID_LENGTH);
    frame_give(frame);
    return status;
}

static int set_up(struct disk *disk, pci_function function, const struct virtio_place *place,
                  paddr_t frame) {
    int status = virtio_blk_init(&disk->device, function, place, disk->registers, frame);
    return status < 0 ? status : read_serial(disk);
}

static void add(pci_function function, const struct virtio_place *place) {
    struct disk *disk = &disks[disk_count];
    struct vm_backing registers = {.kind = VM_PHYSICAL, .physical = place->base};
    int status = vm_alloc(&kernel_space, place->length, PAGE_WRITE | PAGE_CACHE_UC, registers,
                          &disk->registers);
    if (status < 0 || pmm_free_count() < 2) {
        panic("no memory for a disk");
    }
    paddr_t frame = frame_take();
    if (set_up(disk, function, place, frame) == STATUS_OK) {
        disk_count++;
        return;
    }
    virtio_blk_reset(place, disk->registers); /* or it would keep the frame for its queue */
    status = vm_free(&kernel_space, disk->registers);
    ASSERT(status == STATUS_OK);
    frame_give(frame);
    *disk = (struct disk){0};
}

void disk_init(void) {
    struct virtio_place place;
    for (pci_function function = pci_next(PCI_NONE); function != PCI_NONE && disk_count < DISKS_MAX;
         function = pci_next(function)) {
        if (virtio_blk_find(function, &place) == STATUS_OK) {
            add(function, &place);
        }
    }
}

int disk_find(const char *serial, struct disk **disk) {
    for (uint64_t i = 0; i < disk_count; i++) {
        if (strings_equal(disks[i].serial, serial)) {
            *disk = &disks[i];
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

bool disk_owns(vaddr_t address) {
    struct vm_region region;
    bool found = vm_query(&kernel_space, address, &region) == STATUS_OK;
    for (uint64_t i = 0; found && i < disk_count; i++) {
        if (region.base == disks[i].registers) {
            return true;
        }
    }
    return false;
}

static int check_range(const struct disk *disk, uint64_t sector, uint64_t sectors) {
    if (sectors == 0 || sectors > DISK_SECTORS_MAX) {
        return STATUS_INVALID;
    }
    uint64_t end = disk->device.sectors;
    return sector > end || sectors > end - sector ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

int disk_read(struct disk *disk, uint64_t sector, uint64_t sectors, const paddr_t *frames) {
    int status = check_range(disk, sector, sectors);
    if (status < 0) {
        return status;
    }
    return virtio_blk_request(&disk->device, VIRTIO_BLK_IN, sector, frames, sectors * SECTOR_SIZE);
}

int disk_write(struct disk *disk, uint64_t sector, uint64_t sectors, const paddr_t *frames) {
    int status = check_range(disk, sector, sectors);
    if (status < 0) {
        return status;
    }
    if (disk->device.read_only) {
        return STATUS_DENIED;
    }
    return virtio_blk_request(&disk->device, VIRTIO_BLK_OUT, sector, frames, sectors * SECTOR_SIZE);
}

int disk_flush(struct disk *disk) {
    if (!disk->device.can_flush) {
        return STATUS_OK;
    }
    return virtio_blk_request(&disk->device, VIRTIO_BLK_FLUSH, 0, NULL, 0);
}
