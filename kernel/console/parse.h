/*
 * What commands are given, as words of a console line (grammar: README.md) or as the numbers of a
 * request in the ring. No state and no output, so it runs on any machine.
 *
 * What a command takes is written as people read it, "ROOT VA LENGTH [FLAGS]", and read as that
 * here, for both: SPACE ROOT TASK DISK FILE OBJECT PLACE FLAGS KIND SIZE MODE HEX NAME are words of
 * those kinds, any other name is a number, and from the first bracket on words may be absent. A
 * number that no word stands for is refused like a word without a meaning, so that a command is
 * given the same either way.
 */
#pragma once

#include "vmm/vmm.h"

#define WORDS_MAX     10 /* the longest command has 9: a tenth is one too many */
#define ARGUMENTS_MAX 7
#define BYTES_MAX     64 /* of a HEX or a NAME word */

enum handle {
    HANDLE_KERNEL,
    HANDLE_TASK,
    HANDLE_ROOT,
    HANDLE_OBJECT,
    HANDLE_BITS = 2, /* of a number that holds one of these */
};

struct argument {
    enum handle handle; /* SPACE, ROOT, TASK; the number follows for the latter two. PLACE: OBJECT
                           if it was written as one */
    uint64_t number;    /* FLAGS: enum page_flags; KIND: enum vm_kind; SIZE: bytes; MODE: enum
                           access; HEX, NAME: how many bytes */
    uint8_t bytes[BYTES_MAX];
    char end; /* a NUL, so that the bytes of a NAME are a string */
};

struct arguments {
    unsigned count; /* of words given */
    struct argument at[ARGUMENTS_MAX];
};

extern const char *const vm_kind_names[VM_KIND_COUNT];

#define CACHE_MODES 5
extern const char *const cache_mode_names[CACHE_MODES]; /* [flags / PAGE_CACHE_WT] */

/*
 * Cut `line` into words in place; pointers to the first WORDS_MAX of them go to `words`.
 * Returns their number, at most WORDS_MAX.
 */
unsigned parse_words(char *line, const char *words[WORDS_MAX]);

/*
 * Read `count` words as `pattern` says. Errors: SYNTAX (a word is not of its kind, or there are
 * too few or too many).
 */
int parse_arguments(const char *pattern, const char *const *words, unsigned count,
                    struct arguments *arguments);

/*
 * Read `count` numbers as `pattern` says. A handle is HANDLE_KERNEL, HANDLE_TASK or HANDLE_ROOT in
 * the lowest HANDLE_BITS bits and its number above; the number of a HEX word is how many of `bytes`
 * it has, and so is a NAME's. Errors: SYNTAX.
 */
int take_arguments(const char *pattern, const uint64_t *numbers, const uint8_t bytes[BYTES_MAX],
                   unsigned count, struct arguments *arguments);
