#include "disk/virtio_blk.h"

#include "base/direct_map.h"
#include "base/x86.h"
#include "cpu/instructions.h"

/* --- Registers (VIO 4.1.4.3) ------------------------------------------------------------------ */

struct virtio_common {
    uint32_t device_feature_select; /* which 32 features are seen next to it */
    uint32_t device_feature;
    uint32_t driver_feature_select;
    uint32_t driver_feature;
    uint16_t msix_config;
    uint16_t num_queues;
    uint8_t device_status;
    uint8_t config_generation;
    uint16_t queue_select; /* whose facts those below are */
    uint16_t queue_size;
    uint16_t queue_msix_vector;
    uint16_t queue_enable;
    uint16_t queue_notify_off;
    uint32_t queue_descriptors[2]; /* physical addresses, low half first */
    uint32_t queue_driver[2];
    uint32_t queue_device[2];
};
_Static_assert(sizeof(struct virtio_common) == 0x38, "as the specification has it");

#define STATUS_ACKNOWLEDGE BIT(0)
#define STATUS_DRIVER      BIT(1)
#define STATUS_DRIVER_OK   BIT(2)
#define STATUS_FEATURES_OK BIT(3)

#define FEATURE_READ_ONLY BIT(5) /* VIO 5.2.3 */
#define FEATURE_FLUSH     BIT(9)
#define FEATURE_VERSION_1 BIT(32) /* VIO 6: the modern interface */

/* A vendor-specific capability of PCI that says where registers are (VIO 4.1.4). */
#define CAPABILITY_VENDOR     0x09
#define CAPABILITY_TYPE       3
#define CAPABILITY_BAR        4
#define CAPABILITY_OFFSET     8
#define CAPABILITY_LENGTH     12
#define CAPABILITY_MULTIPLIER 16
#define TYPE_COMMON           1
#define TYPE_NOTIFY           2
#define TYPE_DEVICE           4

#define NOTIFY_BYTES 2 /* a queue's number */
#define DEVICE_BYTES 8 /* the capacity, which is first */

/* --- The queue (VIO 2.6) ---------------------------------------------------------------------- */

#define QUEUE_LENGTH 128 /* descriptors; more than a request has */

#define DESCRIPTOR_NEXT  1 /* the chain goes on */
#define DESCRIPTOR_WRITE 2 /* the device writes */

#define DRIVER_NO_INTERRUPT 1 /* whoever made the request looks by itself */

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct request_header {
    uint32_t type; /* enum virtio_blk_type */
    uint32_t reserved;
    uint64_t sector;
};

struct virtio_queue {
    struct descriptor descriptors[QUEUE_LENGTH];
    struct {
        uint16_t flags;
        uint16_t index; /* requests so far; number n is in ring[n % QUEUE_LENGTH] */
        uint16_t ring[QUEUE_LENGTH];
        uint16_t used_event;
    } driver;
    uint8_t padding[2];
    struct {
        uint16_t flags;
        uint16_t index; /* requests done so far */
        struct {
            uint32_t descriptor;
            uint32_t written;
        } ring[QUEUE_LENGTH];
        uint16_t driver_event;
    } device;
    uint8_t padding_2[2];
    /* The one request under way. */
    struct request_header header;
    uint8_t outcome; /* VIO 5.2.6: 0 done, 1 failed, 2 unknown */
    uint8_t padding_3[7];
};
_Static_assert(sizeof(struct virtio_queue) <= FRAME_SIZE, "a queue is a frame");
_Static_assert(VIRTIO_BLK_FRAMES + 2 <= QUEUE_LENGTH, "a request fits");
_Static_assert(offsetof(struct virtio_queue, device) % 4 == 0, "VIO 2.6: aligned to 4");

/* --- Finding it ------------------------------------------------------------------------------- */

static bool is_virtio_blk(pci_function function) {
    uint16_t device = pci_read16(function, PCI_DEVICE);
    return pci_read16(function, PCI_VENDOR) == VIRTIO_VENDOR &&
           (device == VIRTIO_BLK_MODERN || device == VIRTIO_BLK_TRANSITIONAL);
}

/* How many bytes the registers of a type have at least; 0 for a type that is of no use here. */
static uint64_t bytes_needed(uint8_t type) {
    return type == TYPE_COMMON   ? sizeof(struct virtio_common)
           : type == TYPE_NOTIFY ? NOTIFY_BYTES
           : type == TYPE_DEVICE ? DEVICE_BYTES
                                 : 0;
}

int virtio_blk_find(pci_function function, struct virtio_place *place) {
    if (!is_virtio_blk(function)) {
        return STATUS_UNSUPPORTED;
    }
    uint64_t offsets[TYPE_DEVICE + 1] = {0};
    unsigned found = 0; /* bit n: there is type n */
    unsigned bar = 0;
    uint64_t end = 0;
    *place = (struct virtio_place){0};
    unsigned steps = 0;
    for (uint8_t at = pci_capability(function, 0, &steps); at != 0;
         at = pci_capability(function, at, &steps)) {
        uint8_t type = pci_read8(function, at + CAPABILITY_TYPE);
        uint64_t needed = bytes_needed(type);
        if (pci_read8(function, at) != CAPABILITY_VENDOR || needed == 0 || found & BIT(type)) {
            continue; /* VIO 4.1.4.1: of several, the first is used */
        }
        uint8_t in_bar = pci_read8(function, at + CAPABILITY_BAR);
        uint64_t length = pci_read32(function, at + CAPABILITY_LENGTH);
        if ((found != 0 && in_bar != bar) || length < needed) {
            return STATUS_UNSUPPORTED;
        }
        bar = in_bar;
        found |= BIT(type);
        offsets[type] = pci_read32(function, at + CAPABILITY_OFFSET);
        end = max_u64(end, offsets[type] + length);
        if (type == TYPE_NOTIFY) {
            place->notify_multiplier = pci_read32(function, at + CAPABILITY_MULTIPLIER);
        }
    }
    if (found != (BIT(TYPE_COMMON) | BIT(TYPE_NOTIFY) | BIT(TYPE_DEVICE))) {
        return STATUS_UNSUPPORTED;
    }
    place->common = offsets[TYPE_COMMON];
    place->notify = offsets[TYPE_NOTIFY];
    place->device = offsets[TYPE_DEVICE];
    place->length = align_up(end, PAGE_SIZE_4K);
    int status = pci_memory_bar(function, bar, &place->base);
    return is_aligned(place->base, PAGE_SIZE_4K) ? status : STATUS_UNSUPPORTED;
}

/* --- Setting it up (VIO 3.1.1) ---------------------------------------------------------------- */

void virtio_blk_reset(const struct virtio_place *place, vaddr_t registers) {
    volatile struct virtio_common *common = (void *)(registers + place->common);
    common->device_status = 0;
    while (common->device_status != 0) { /* VIO 4.1.4.3.2: until it has been reset */
        spin_wait();
    }
}

static uint64_t offered_features(volatile struct virtio_common *common) {
    common->device_feature_select = 0;
    uint64_t low = common->device_feature;
    common->device_feature_select = 1;
    return (uint64_t)common->device_feature << 32 | low;
}

static void accept_features(volatile struct virtio_common *common, uint64_t features) {
    common->driver_feature_select = 0;
    common->driver_feature = (uint32_t)features;
    common->driver_feature_select = 1;
    common->driver_feature = features >> 32;
}

static void write_address(volatile uint32_t *halves, const volatile void *pointer) {
    paddr_t address = direct_map_physical((const void *)pointer);
    halves[0] = (uint32_t)address;
    halves[1] = address >> 32;
}

int virtio_blk_init(struct virtio_blk *device, pci_function function,
                    const struct virtio_place *place, vaddr_t registers, paddr_t frame) {
    volatile struct virtio_common *common = (void *)(registers + place->common);
    uint16_t command = pci_read16(function, PCI_COMMAND);
    pci_write16(function, PCI_COMMAND,
                command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTERRUPT);
    virtio_blk_reset(place, registers);
    common->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
    uint64_t features = offered_features(common);
    accept_features(common, features & (FEATURE_READ_ONLY | FEATURE_FLUSH | FEATURE_VERSION_1));
    common->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
    common->queue_select = 0;
    uint64_t notify = place->notify + (uint64_t)common->queue_notify_off * place->notify_multiplier;
    if (!(features & FEATURE_VERSION_1) || !(common->device_status & STATUS_FEATURES_OK) ||
        common->queue_size < QUEUE_LENGTH || notify + NOTIFY_BYTES > place->length) {
        return STATUS_IO;
    }
    frame_zero(frame);
    struct virtio_queue *queue = direct_map(frame);
    queue->driver.flags = DRIVER_NO_INTERRUPT;
    common->queue_size = QUEUE_LENGTH;
    write_address(common->queue_descriptors, &queue->descriptors);
    write_address(common->queue_driver, &queue->driver);
    write_address(common->queue_device, &queue->device);
    common->queue_enable = 1;
    common->device_status |= STATUS_DRIVER_OK;
    const volatile uint32_t *capacity = (void *)(registers + place->device);
    *device = (struct virtio_blk){
        .common = common,
        .notify = (void *)(registers + notify),
        .queue = queue,
        .sectors = (uint64_t)capacity[1] << 32 | capacity[0],
        .read_only = features & FEATURE_READ_ONLY,
        .can_flush = features & FEATURE_FLUSH,
    };
    return STATUS_OK;
}

/* --- A request (VIO 2.6.13, 5.2.6) ------------------------------------------------------------ */

/* Describe the request; its chain begins with descriptor 0. */
static void describe(struct virtio_queue *queue, enum virtio_blk_type type, const paddr_t *frames,
                     uint64_t length) {
    struct descriptor *at = queue->descriptors;
    *at++ = (struct descriptor){direct_map_physical(&queue->header), sizeof queue->header,
                                DESCRIPTOR_NEXT, 1};
    uint16_t direction = type == VIRTIO_BLK_OUT ? 0 : DESCRIPTOR_WRITE;
    for (; length > 0; length -= at[-1].length) {
        uint16_t next = at - queue->descriptors + 1;
        uint32_t part = min_u64(length, FRAME_SIZE);
        *at++ = (struct descriptor){*frames++, part, direction | DESCRIPTOR_NEXT, next};
    }
    *at = (struct descriptor){direct_map_physical(&queue->outcome), sizeof queue->outcome,
                              DESCRIPTOR_WRITE, 0};
}

int virtio_blk_request(struct virtio_blk *device, enum virtio_blk_type type, uint64_t sector,
                       const paddr_t *frames, uint64_t length) {
    struct virtio_queue *queue = device->queue;
    ASSERT(length <= VIRTIO_BLK_FRAMES * FRAME_SIZE);
    queue->header = (struct request_header){.type = type, .sector = sector};
    describe(queue, type, frames, length);
    queue->driver.ring[device->requests % QUEUE_LENGTH] = 0;
    uint16_t number = ++device->requests;
    __atomic_store_n(&queue->driver.index, number, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the device sees the request before it is told */
    *device->notify = 0;
    while (__atomic_load_n(&queue->device.index, __ATOMIC_ACQUIRE) != number) {
        spin_wait();
    }
    return queue->outcome == 0 ? STATUS_OK : STATUS_IO;
}
