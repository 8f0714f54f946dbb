/*
 * Disks: the virtio block devices that were there at boot, in the order of their PCI slots.
 *
 * They are told apart by their serial strings. A disk's registers are a PHYSICAL region of
 * kernel_space; its queue is one frame.
 */
#pragma once

#include "vmm/vmm.h"
#include "disk/virtio_blk.h"

#define DISKS_MAX        4 /* further ones are left alone */
#define FRAME_SECTORS    (FRAME_SIZE / SECTOR_SIZE)
#define DISK_SECTORS_MAX (VIRTIO_BLK_FRAMES * FRAME_SECTORS) /* of a request */
#define DISK_SERIAL_MAX  VIRTIO_BLK_ID_LENGTH

struct disk {
    struct virtio_blk device;
    vaddr_t registers;                /* the region in kernel_space */
    char serial[DISK_SERIAL_MAX + 4]; /* NUL-terminated */
};

extern struct disk disks[DISKS_MAX];
extern uint64_t disk_count;

/*
 * Find the disks. Each takes a region of kernel_space for its registers (uncached), then a frame;
 * one that does not work has both taken back, and is left out. Panics when there is no memory.
 */
void disk_init(void);

/* The disk with that serial string. Errors: NOT_FOUND. Of two with the same, the first. */
int disk_find(const char *serial, struct disk **disk);

/* Whether an address is in the registers of a disk, which nobody else may touch. */
bool disk_owns(vaddr_t address);

/*
 * Read `sectors` sectors from `sector` on into frames, which are filled one after another; the rest
 * of the last one stays as it was.
 * Errors: INVALID (none, or more than DISK_SECTORS_MAX); OUT_OF_RANGE (beyond the disk's end); IO
 * (the device failed: the frames hold anything).
 */
int disk_read(struct disk *disk, uint64_t sector, uint64_t sectors, const paddr_t *frames);

/*
 * The other way. Errors, in this order: INVALID; OUT_OF_RANGE; DENIED (the disk is read-only); IO
 * (the sectors hold anything).
 */
int disk_write(struct disk *disk, uint64_t sector, uint64_t sectors, const paddr_t *frames);

/* Have what was written reach what keeps it; nothing to do for a device without a cache.
 * Errors: IO. */
int disk_flush(struct disk *disk);
