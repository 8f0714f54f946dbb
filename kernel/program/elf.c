#include "program/elf.h"

#include "base/string.h"

struct header {
    uint8_t magic[4];
    uint8_t class, order, version, abi;
    uint8_t padding[8];
    uint16_t type, machine;
    uint32_t version_again;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t size, segment_size, segment_count, section_size, section_count, names;
};
_Static_assert(sizeof(struct header) == 64, "as the ABI draws it");

struct segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_length, length, alignment;
};
_Static_assert(sizeof(struct segment) == 56, "as the ABI draws it");

#define CLASS_64            2
#define ORDER_LITTLE_ENDIAN 1
#define VERSION             1
#define TYPE_STATIC         2
#define MACHINE_X86_64      62
#define SEGMENT_LOAD        1
#define SEGMENT_DYNAMIC     2
#define SEGMENT_INTERPRETER 3
#define FLAG_EXECUTE        1
#define FLAG_WRITE          2
#define FLAG_READ           4

static const char *const names[ELF_DEFECT_COUNT] = {
    [ELF_GOOD] = "good",
    [ELF_TRUNCATED] = "truncated",
    [ELF_NO_ELF] = "no_elf",
    [ELF_NOT_64_BIT] = "not_64_bit",
    [ELF_NOT_LITTLE_ENDIAN] = "not_little_endian",
    [ELF_BAD_VERSION] = "bad_version",
    [ELF_NOT_STATIC] = "not_static",
    [ELF_WRONG_MACHINE] = "wrong_machine",
    [ELF_BAD_HEADERS] = "bad_headers",
    [ELF_TOO_MANY_SEGMENTS] = "too_many_segments",
    [ELF_SEGMENT_TRUNCATED] = "segment_truncated",
    [ELF_SEGMENT_SIZE] = "segment_size",
    [ELF_SEGMENT_OUTSIDE] = "segment_outside",
    [ELF_SEGMENT_RIGHTS] = "segment_rights",
    [ELF_SEGMENT_MISALIGNED] = "segment_misaligned",
    [ELF_SEGMENTS_OVERLAP] = "segments_overlap",
    [ELF_NO_SEGMENTS] = "no_segments",
    [ELF_ENTRY_OUTSIDE] = "entry_outside",
};

const char *elf_defect_name(uint64_t defect) {
    return defect < ELF_DEFECT_COUNT ? names[defect] : "?";
}

static enum elf_defect check_header(const struct header *h, uint64_t length) {
    if (memcmp(h->magic, "\177ELF", sizeof h->magic) != 0) {
        return ELF_NO_ELF;
    }
    if (h->class != CLASS_64) {
        return ELF_NOT_64_BIT;
    }
    if (h->order != ORDER_LITTLE_ENDIAN) {
        return ELF_NOT_LITTLE_ENDIAN;
    }
    if (h->version != VERSION || h->version_again != VERSION) {
        return ELF_BAD_VERSION;
    }
    if (h->type != TYPE_STATIC) {
        return ELF_NOT_STATIC;
    }
    if (h->machine != MACHINE_X86_64) {
        return ELF_WRONG_MACHINE;
    }
    uint64_t table = (uint64_t)h->segment_count * sizeof(struct segment);
    if (h->segment_size != sizeof(struct segment) || h->segments > length ||
        table > length - h->segments) {
        return ELF_BAD_HEADERS;
    }
    return ELF_GOOD;
}

static vaddr_t first_page(const struct elf_segment *segment) {
    return align_down(segment->address, PAGE_SIZE_4K);
}
static vaddr_t last_page(const struct elf_segment *segment) {
    return align_down(segment->address + segment->length - 1, PAGE_SIZE_4K);
}

/* Judge a segment that has memory. */
static enum elf_defect check_segment(const struct segment *s, uint64_t length, vaddr_t base,
                                     vaddr_t limit) {
    if (s->offset > length || s->file_length > length - s->offset) {
        return ELF_SEGMENT_TRUNCATED;
    }
    if (s->file_length > s->length) {
        return ELF_SEGMENT_SIZE;
    }
    if (s->address < base || s->address >= limit || s->length > limit - s->address) {
        return ELF_SEGMENT_OUTSIDE;
    }
    if (!(s->flags & FLAG_READ) || (s->flags & FLAG_WRITE && s->flags & FLAG_EXECUTE)) {
        return ELF_SEGMENT_RIGHTS;
    }
    if ((s->address - s->offset) % PAGE_SIZE_4K != 0) {
        return ELF_SEGMENT_MISALIGNED;
    }
    return ELF_GOOD;
}

static bool overlaps_any(const struct elf_program *program, const struct elf_segment *segment) {
    for (unsigned i = 0; i < program->count; i++) {
        const struct elf_segment *other = &program->segments[i];
        if (first_page(segment) <= last_page(other) && first_page(other) <= last_page(segment)) {
            return true;
        }
    }
    return false;
}

/* Add a segment of the file to the program, if it has memory. */
static enum elf_defect add_segment(struct elf_program *program, const struct segment *s,
                                   uint64_t length, vaddr_t base, vaddr_t limit) {
    if (s->type == SEGMENT_DYNAMIC || s->type == SEGMENT_INTERPRETER) {
        return ELF_NOT_STATIC;
    }
    if (s->type != SEGMENT_LOAD || (s->length == 0 && s->file_length == 0)) {
        return ELF_GOOD;
    }
    if (program->count == ELF_SEGMENTS_MAX) {
        return ELF_TOO_MANY_SEGMENTS;
    }
    enum elf_defect defect = check_segment(s, length, base, limit);
    if (defect != ELF_GOOD) {
        return defect;
    }
    struct elf_segment segment = {
        .address = s->address,
        .length = s->length,
        .offset = s->offset,
        .file_length = s->file_length,
        .writable = s->flags & FLAG_WRITE,
        .executable = s->flags & FLAG_EXECUTE,
    };
    if (overlaps_any(program, &segment)) {
        return ELF_SEGMENTS_OVERLAP;
    }
    program->segments[program->count++] = segment;
    return ELF_GOOD;
}

static bool entry_is_executable(const struct elf_program *program) {
    for (unsigned i = 0; i < program->count; i++) {
        const struct elf_segment *segment = &program->segments[i];
        if (segment->executable && program->entry >= segment->address &&
            program->entry - segment->address < segment->length) {
            return true;
        }
    }
    return false;
}

enum elf_defect elf_read(const void *bytes, uint64_t length, vaddr_t base, vaddr_t limit,
                         struct elf_program *program) {
    struct header header;
    if (length < sizeof header) {
        return ELF_TRUNCATED;
    }
    memcpy(&header, bytes, sizeof header);
    enum elf_defect defect = check_header(&header, length);
    if (defect != ELF_GOOD) {
        return defect;
    }
    program->entry = header.entry;
    program->count = 0;
    const uint8_t *table = (const uint8_t *)bytes + header.segments;
    for (unsigned i = 0; i < header.segment_count; i++) {
        struct segment segment;
        memcpy(&segment, table + i * sizeof segment, sizeof segment);
        defect = add_segment(program, &segment, length, base, limit);
        if (defect != ELF_GOOD) {
            return defect;
        }
    }
    if (program->count == 0) {
        return ELF_NO_SEGMENTS;
    }
    return entry_is_executable(program) ? ELF_GOOD : ELF_ENTRY_OUTSIDE;
}
