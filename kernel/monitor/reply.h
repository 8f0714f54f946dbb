/* The parts that replies are made of. A reply ends in exactly one status line. */
#pragma once

#include "base/status.h"
#include "base/types.h"

/* The name of a status, as the grammar spells it; "?" for what is none. */
const char *status_name(int status);

/* The status line of a failure: the name, and what it means for people. */
void reply_error(int status);

/* The status line of a success without values, if `status` is one. Returns `status`. */
int reply_ok(int status);

/* The same with one address as its value. */
int reply_address(int status, uint64_t address);

/* Part of a line: enum page_flags as FLAGS, without the cache mode if that is write-back. */
void print_flags(uint32_t flags);
