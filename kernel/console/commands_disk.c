#include "base/direct_map.h"
#include "base/string.h"
#include "cpu/print.h"
#include "disk/disk.h"
#include "console/commands.h"
#include "console/reply.h"

#define FRAME_SECTORS (FRAME_SIZE / SECTOR_SIZE)

/* The disk that the word DISK names. Errors: NOT_FOUND. */
static int disk_named(const struct argument *argument, struct disk **disk) {
    if (argument->number >= disk_count) {
        return STATUS_NOT_FOUND;
    }
    *disk = &disks[argument->number];
    return STATUS_OK;
}

int command_disk_list(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    for (uint64_t i = 0; i < disk_count; i++) {
        print("  d%lu serial=%s sectors=%lu%s\n", i, disks[i].serial, disks[i].device.sectors,
              disks[i].device.read_only ? " read-only" : "");
    }
    reply_add(reply, VALUE_DECIMAL, "", disk_count);
    return STATUS_OK;
}

int command_disk_find(const struct arguments *arguments, struct reply *reply) {
    struct disk *disk;
    int status = disk_find((const char *)arguments->at[0].bytes, &disk);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_DECIMAL, "d", disk - disks);
    return STATUS_OK;
}

int command_disk_info(const struct arguments *arguments, struct reply *reply) {
    struct disk *disk;
    int status = disk_named(&arguments->at[0], &disk);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_DECIMAL, "", disk->device.sectors);
    return STATUS_OK;
}

/* --- Frames for a transfer ------------------------------------------------------------------- */

/* Where a command's sectors are, and the frames that it borrows for them. */
struct transfer {
    struct disk *disk;
    uint64_t sector;
    uint64_t sectors;
    paddr_t frames[VIRTIO_BLK_FRAMES];
};

static uint64_t frame_count(const struct transfer *transfer) {
    return (transfer->sectors + FRAME_SECTORS - 1) / FRAME_SECTORS;
}

/* Of the words DISK SECTOR COUNT. Errors: NOT_FOUND; INVALID (too many); NO_MEMORY. */
static int begin(const struct arguments *arguments, struct transfer *transfer) {
    int status = disk_named(&arguments->at[0], &transfer->disk);
    if (status < 0) {
        return status;
    }
    transfer->sector = arguments->at[1].number;
    transfer->sectors = arguments->at[2].number;
    if (transfer->sectors > DISK_SECTORS_MAX) {
        return STATUS_INVALID;
    }
    if (pmm_free_count() < frame_count(transfer)) {
        return STATUS_NO_MEMORY;
    }
    for (uint64_t i = 0; i < frame_count(transfer); i++) {
        transfer->frames[i] = frame_take();
    }
    return STATUS_OK;
}

static void end(const struct transfer *transfer) {
    for (uint64_t i = 0; i < frame_count(transfer); i++) {
        frame_give(transfer->frames[i]);
    }
}

static uint8_t *sector_bytes(const struct transfer *transfer, uint64_t number) {
    uint8_t *frame = direct_map(transfer->frames[number / FRAME_SECTORS]);
    return frame + number % FRAME_SECTORS * SECTOR_SIZE;
}

/* --- What is transferred --------------------------------------------------------------------- */

#define CRC_POLYNOMIAL 0xedb88320U /* ISO-HDLC: the one of zip and Ethernet, reflected */

static uint32_t crc32(uint32_t crc, const uint8_t *bytes, uint64_t length) {
    for (uint64_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
        }
    }
    return crc;
}

int command_disk_read(const struct arguments *arguments, struct reply *reply) {
    struct transfer transfer;
    int status = begin(arguments, &transfer);
    if (status < 0) {
        return status;
    }
    status = disk_read(transfer.disk, transfer.sector, transfer.sectors, transfer.frames);
    uint32_t crc = UINT32_MAX;
    for (uint64_t i = 0; i < transfer.sectors; i++) {
        crc = crc32(crc, sector_bytes(&transfer, i), SECTOR_SIZE);
    }
    end(&transfer);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_HEXADECIMAL, "", ~crc);
    return STATUS_OK;
}

/* A sector's own number, so that no two are alike, then the bytes over and over. */
static void fill_sector(uint8_t *sector, uint64_t number, const struct argument *data) {
    memcpy(sector, &number, sizeof number);
    for (uint64_t i = sizeof number; i < SECTOR_SIZE; i++) {
        sector[i] = data->bytes[(i - sizeof number) % data->number];
    }
}

int command_disk_write(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct transfer transfer;
    int status = begin(arguments, &transfer);
    if (status < 0) {
        return status;
    }
    for (uint64_t i = 0; i < transfer.sectors; i++) {
        fill_sector(sector_bytes(&transfer, i), transfer.sector + i, &arguments->at[3]);
    }
    status = disk_write(transfer.disk, transfer.sector, transfer.sectors, transfer.frames);
    end(&transfer);
    return status;
}

int command_disk_flush(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct disk *disk;
    int status = disk_named(&arguments->at[0], &disk);
    return status < 0 ? status : disk_flush(disk);
}
