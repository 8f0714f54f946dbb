/*
 * Static ELF64 programs as bytes: what a file must be so that it can be loaded. Sources: System V
 * ABI, chapters 4 and 5 of its generic part, and the AMD64 supplement.
 *
 * Pure: no hardware, no globals. It also compiles on the host, where unit tests drive it.
 */
#pragma once

#include "base/types.h"

#define ELF_SEGMENTS_MAX 8

/* What is wrong with a file, in the order in which it is looked for. */
enum elf_defect {
    ELF_GOOD = 0,
    ELF_TRUNCATED,          /* shorter than its header */
    ELF_NO_ELF,             /* another magic number */
    ELF_NOT_64_BIT,         /* of another class than ELFCLASS64 */
    ELF_NOT_LITTLE_ENDIAN,  /* of another order than ELFDATA2LSB */
    ELF_BAD_VERSION,        /* of another version than 1 */
    ELF_NOT_STATIC,         /* of another type than ET_EXEC, or it asks for a dynamic linker */
    ELF_WRONG_MACHINE,      /* of another machine than EM_X86_64 */
    ELF_BAD_HEADERS,        /* the table of segments is not in the file, or has odd entries */
    ELF_TOO_MANY_SEGMENTS,  /* more than ELF_SEGMENTS_MAX have memory */
    ELF_SEGMENT_TRUNCATED,  /* a segment's bytes are not all in the file */
    ELF_SEGMENT_SIZE,       /* a segment has more bytes in the file than in memory */
    ELF_SEGMENT_OUTSIDE,    /* a segment wraps, or leaves the part of the window for programs */
    ELF_SEGMENT_RIGHTS,     /* a segment is writable and executable, or not readable */
    ELF_SEGMENT_MISALIGNED, /* address and offset differ within a page */
    ELF_SEGMENTS_OVERLAP,   /* two segments have a page in common */
    ELF_NO_SEGMENTS,        /* none has memory */
    ELF_ENTRY_OUTSIDE,      /* the entry is not in an executable segment */
    ELF_DEFECT_COUNT,
};

struct elf_segment {
    vaddr_t address;      /* of its first byte; its pages are all that it touches */
    uint64_t length;      /* in memory, not 0; what the file does not have is zero */
    uint64_t offset;      /* in the file */
    uint64_t file_length; /* bytes from the file */
    bool writable, executable;
};

struct elf_program {
    vaddr_t entry;
    unsigned count;
    struct elf_segment segments[ELF_SEGMENTS_MAX]; /* in the file's order */
};

/*
 * Read and judge a program of `length` bytes at `bytes`, which need not be aligned; its segments
 * must lie in [base, limit), both multiples of 4 KiB. *program counts only if it is good.
 */
enum elf_defect elf_read(const void *bytes, uint64_t length, vaddr_t base, vaddr_t limit,
                         struct elf_program *program);

/* The defect's name, as the console prints it: "entry_outside"; "?" for what is none. */
const char *elf_defect_name(uint64_t defect);
