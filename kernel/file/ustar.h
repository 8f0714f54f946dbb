/*
 * USTAR archives, as `tar --format=ustar` makes them (POSIX.1-2017, pax, "ustar Interchange
 * Format"): a header of one sector before each member, whose bytes begin at the next sector; a
 * sector of zeros ends the archive.
 */
#pragma once

#include "base/types.h"

#define USTAR_SECTOR   512
#define USTAR_NAME_MAX 257 /* characters of a prefix, a slash, and a name, with a NUL */

struct ustar_member {
    uint64_t size; /* bytes */
    bool regular;  /* a file, and not a folder, a link, or an extension's header */
    char name[USTAR_NAME_MAX];
};

/* Whether a header is the sector of zeros that ends an archive. */
bool ustar_is_end(const uint8_t header[USTAR_SECTOR]);

/*
 * Read a header. Errors: CORRUPT (it is none: another magic word, a checksum that is wrong, a size
 * that is no octal number).
 */
int ustar_read(const uint8_t header[USTAR_SECTOR], struct ustar_member *member);
