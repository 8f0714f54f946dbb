/*
 * Words of a console line and what they mean (grammar: README.md). No state and no output, so it
 * runs on any machine.
 *
 * What a command takes is written as people read it, "ROOT VA LENGTH [FLAGS]", and read as that
 * here: SPACE ROOT TASK FLAGS KIND SIZE MODE HEX are words of those kinds, any other name is a
 * number, and from the first bracket on words may be absent.
 */
#pragma once

#include "vmm/vmm.h"

#define WORDS_MAX     9 /* the longest command has 8: a ninth is one too many */
#define ARGUMENTS_MAX 6
#define BYTES_MAX     64 /* of a HEX word */

enum handle {
    HANDLE_KERNEL,
    HANDLE_TASK,
    HANDLE_ROOT
};

struct argument {
    enum handle handle; /* SPACE, ROOT, TASK; the number follows for the latter two */
    uint64_t number;    /* FLAGS: enum page_flags; KIND: enum vm_kind; SIZE: bytes; MODE: enum
                           access; HEX: how many bytes */
    uint8_t bytes[BYTES_MAX];
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
