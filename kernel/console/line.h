/* The console's line editor. */
#pragma once

#include "base/status.h"
#include "base/types.h"

/*
 * Read from COM1 up to CR or LF into `line`, which holds `size` bytes, the final NUL included.
 * Backspace and DEL erase; a tab is a space; all else that is no printable ASCII is dropped.
 * Errors: TOO_LONG (more than size - 1 characters were typed; the line is consumed to its end).
 */
int line_read(char *line, size_t size, bool echo);
