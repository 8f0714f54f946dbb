/*
 * What a command answers: a status and values. A command only fills it in; the console then prints
 * it as a line (grammar: README.md), and the ring leaves it in memory as it is.
 *
 * A failure may have values too: what faulted, which node is smashed.
 */
#pragma once

#include "base/status.h"
#include "console/parse.h"

#define REPLY_VALUES_MAX 8

/* How a value is spelled on a line. */
enum value_kind {
    VALUE_HEXADECIMAL,
    VALUE_DECIMAL,
    VALUE_FLAGS,   /* enum page_flags; the cache mode only if it is not write-back */
    VALUE_VM_KIND, /* enum vm_kind */
    VALUE_BYTES,   /* the number is how many of the reply's bytes there are */
    VALUE_VECTOR,  /* an exception's, by its name */
    VALUE_DEFECT,  /* enum elf_defect */
    VALUE_STATUS,  /* enum status, as a number of 64 bits */
};

struct value {
    uint64_t number;
    const char *prefix; /* what is printed before it: "r" of a handle, "key=" */
    enum value_kind kind;
};

struct reply {
    unsigned count; /* of values */
    struct value values[REPLY_VALUES_MAX];
    uint8_t bytes[BYTES_MAX];
};

/* The name of a status, as the grammar spells it; "?" for what is none. */
const char *status_name(int status);

/* Add a value, with or without what comes before it. There must be room for it. */
void reply_add(struct reply *reply, enum value_kind kind, const char *prefix, uint64_t number);
void reply_address(struct reply *reply, uint64_t address);

/* Print the reply's line: "ok" or "err" with the status's name, the values, and in a failure
 * without values, what the status means. */
void reply_print(int status, const struct reply *reply);

/* Part of a line: enum page_flags as FLAGS. */
void print_flags(uint32_t flags);
