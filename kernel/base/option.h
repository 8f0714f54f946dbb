/* Words of the kernel's command line, `key=value` with spaces between them. */
#pragma once

#include "base/types.h"

/* What follows the word beginning with `key`, which ends in '='; NULL if there is none. */
const char *option_find(const char *command_line, const char *key);

/* How many characters the value at `text` has: it ends with the word. */
size_t option_length(const char *text);
