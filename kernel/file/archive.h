/* Where a member of the archive on a disk is. */
#pragma once

#include "disk/disk.h"
#include "file/ustar.h"

/* What was found of a member. */
struct archive_place {
    uint64_t sector;
    uint64_t size;
};

/*
 * Look through all of the archive for the regular member `name`; headers are read into `frame`.
 * Errors: IO; CORRUPT (no archive, cut off, or two of that name); NOT_FOUND.
 */
int archive_find(struct disk *disk, const char *name, paddr_t frame, struct archive_place *place);
