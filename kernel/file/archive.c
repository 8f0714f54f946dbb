#include "file/archive.h"

#include "base/direct_map.h"
#include "base/string.h"

_Static_assert(USTAR_SECTOR == SECTOR_SIZE, "a header is a sector of the disk");

int archive_find(struct disk *disk, const char *name, paddr_t frame, struct archive_place *place) {
    const uint8_t *header = direct_map(frame);
    uint64_t sectors = disk->device.sectors;
    struct ustar_member member;
    bool found = false;
    for (uint64_t at = 0; at < sectors;) {
        int status = disk_read(disk, at, 1, &frame);
        if (status < 0) {
            return status;
        }
        if (ustar_is_end(header)) {
            return found ? STATUS_OK : at == 0 ? STATUS_CORRUPT : STATUS_NOT_FOUND;
        }
        status = ustar_read(header, &member);
        if (status < 0) {
            return status;
        }
        uint64_t start = at + 1;
        if (member.regular && strings_equal(member.name, name)) {
            if (found) {
                return STATUS_CORRUPT;
            }
            found = true;
            *place = (struct archive_place){.sector = start, .size = member.size};
        }
        at = start + (member.size + SECTOR_SIZE - 1) / SECTOR_SIZE;
    }
    return STATUS_CORRUPT; /* the disk ends before the archive does */
}
