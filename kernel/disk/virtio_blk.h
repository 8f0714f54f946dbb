/*
 * A virtio block device on PCI, modern and polled: one queue, one request at a time (Virtual I/O
 * Device Version 1.1, "VIO": 2.6 split virtqueues, 4.1 over PCI, 5.2 block device).
 *
 * A request is a chain of descriptors: what is wanted, the frames, where the outcome goes. The
 * kernel tells the device of it, and looks at memory until the device has done it.
 *
 * Shortcoming: it looks for as long as that takes; a device that never answers hangs the kernel.
 */
#pragma once

#include "pmm/pmm.h"
#include "disk/pci.h"

#define VIRTIO_VENDOR           0x1af4
#define VIRTIO_BLK_MODERN       0x1042 /* VIO 4.1.2: 0x1040 and the device type */
#define VIRTIO_BLK_TRANSITIONAL 0x1001 /* has the modern interface as well */

#define SECTOR_SIZE          512 /* a block device counts in these, whatever its blocks are */
#define VIRTIO_BLK_FRAMES    64  /* the most of one request */
#define VIRTIO_BLK_ID_LENGTH 20  /* characters of a serial string; shorter ones end with a NUL */

/* What a request asks for (VIO 5.2.6). */
enum virtio_blk_type {
    VIRTIO_BLK_IN = 0,  /* device to memory */
    VIRTIO_BLK_OUT = 1, /* memory to device */
    VIRTIO_BLK_FLUSH = 4,
    VIRTIO_BLK_GET_ID = 8, /* its serial string */
};

struct virtio_queue;
struct virtio_common;

struct virtio_blk {
    volatile struct virtio_common *common; /* registers */
    volatile uint16_t *notify;             /* writing the queue's number tells the device */
    struct virtio_queue *queue;            /* a frame, in the direct map */
    uint64_t requests;                     /* made so far */
    uint64_t sectors;                      /* what the device holds */
    bool read_only;
    bool can_flush;
    uint8_t padding[6];
};

/* Where the registers are: those of one device, all in one range of physical memory. */
struct virtio_place {
    paddr_t base;    /* of the range, a whole page */
    uint64_t length; /* whole pages */
    uint64_t common; /* offsets in the range */
    uint64_t device;
    uint64_t notify;
    uint32_t notify_multiplier; /* bytes from a queue's notification to the next one's */
    uint32_t padding;
};

/*
 * Find the registers of a PCI function. Errors: UNSUPPORTED (it is no virtio block device, or has
 * no modern interface, or that is spread over several BARs, is too short, or has no address at a
 * page of its own).
 */
int virtio_blk_find(pci_function function, struct virtio_place *place);

/* Have the device forget all that it was told, its queue above all, which it does not touch again.
 */
void virtio_blk_reset(const struct virtio_place *place, vaddr_t registers);

/*
 * Set the device up: `registers` is where `place` is mapped, `frame` becomes its queue. Errors: IO
 * (the device refuses what it is told, or has no queue of that length, or wants to be notified
 * outside of its registers).
 */
int virtio_blk_init(struct virtio_blk *device, pci_function function,
                    const struct virtio_place *place, vaddr_t registers, paddr_t frame);

/*
 * One request, from start to end: `length` bytes from `sector` on, to or from `frames`, which are
 * filled one after another. The caller has seen to it that the device has these sectors, and that
 * there are no more frames than one request takes. Errors: IO (the device says so; frames that
 * were to be read into hold anything).
 */
int virtio_blk_request(struct virtio_blk *device, enum virtio_blk_type type, uint64_t sector,
                       const paddr_t *frames, uint64_t length);
