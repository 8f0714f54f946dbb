#include "file/ustar.h"

#include "base/status.h"
#include "base/string.h"

/* Where the fields of a header are, and how long. */
#define NAME            0
#define NAME_LENGTH     100
#define SIZE            124
#define SIZE_LENGTH     12
#define CHECKSUM        148
#define CHECKSUM_LENGTH 8
#define TYPE            156
#define MAGIC           257
#define MAGIC_LENGTH    5
#define PREFIX          345
#define PREFIX_LENGTH   155

_Static_assert(USTAR_NAME_MAX == PREFIX_LENGTH + 1 + NAME_LENGTH + 1, "the longest name has room");

bool ustar_is_end(const uint8_t header[USTAR_SECTOR]) {
    for (unsigned i = 0; i < USTAR_SECTOR; i++) {
        if (header[i] != 0) {
            return false;
        }
    }
    return true;
}

/* An octal number, spaces before it, a space or a NUL after it unless the field is full. */
static bool read_octal(const uint8_t *field, unsigned length, uint64_t *number) {
    unsigned at = 0;
    while (at < length && field[at] == ' ') {
        at++;
    }
    unsigned first = at;
    uint64_t value = 0;
    for (; at < length && field[at] >= '0' && field[at] <= '7'; at++) {
        value = value * 8 + field[at] - '0';
    }
    *number = value;
    return at > first && (at == length || field[at] == ' ' || field[at] == '\0');
}

/* The sum of all bytes, the checksum's own taken for spaces. */
static uint64_t sum_of(const uint8_t header[USTAR_SECTOR]) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < USTAR_SECTOR; i++) {
        bool own = i >= CHECKSUM && i < CHECKSUM + CHECKSUM_LENGTH;
        sum += own ? ' ' : header[i];
    }
    return sum;
}

/* Copy a text that ends with a NUL or its field; where the copy ends. */
static char *copy_text(char *to, const uint8_t *field, unsigned length) {
    for (unsigned i = 0; i < length && field[i] != '\0'; i++) {
        *to++ = (char)field[i];
    }
    return to;
}

int ustar_read(const uint8_t header[USTAR_SECTOR], struct ustar_member *member) {
    uint64_t checksum;
    if (memcmp(header + MAGIC, "ustar", MAGIC_LENGTH) != 0 ||
        !read_octal(header + CHECKSUM, CHECKSUM_LENGTH, &checksum) || checksum != sum_of(header) ||
        !read_octal(header + SIZE, SIZE_LENGTH, &member->size)) {
        return STATUS_CORRUPT;
    }
    uint8_t type = header[TYPE];
    member->regular = type == '0' || type == '\0' || type == '7';
    char *at = copy_text(member->name, header + PREFIX, PREFIX_LENGTH);
    if (at > member->name) {
        *at++ = '/';
    }
    at = copy_text(at, header + NAME, NAME_LENGTH);
    *at = '\0';
    return STATUS_OK;
}
