/* The kernel's own symbol table, linked in by the second link pass (tools/symbols.py). */
#pragma once

#include "base/types.h"

/* Name of the function that contains `address`, its offset in *offset; "?" and 0 if none does. */
const char *symbol_find(vaddr_t address, uint64_t *offset);
