/*
 * Formatted output to COM1. printf's conversions %s %c %d %u %x with l (64-bit: %lu %lx), %p
 * (0x and 16 digits), a width with leading 0 or spaces, and %%; 0x is written out by the caller.
 * "\n" goes out as "\r\n".
 */
#pragma once

#include <stdarg.h>

#include "base/types.h"

__attribute__((format(printf, 1, 2))) void print(const char *format, ...);
__attribute__((format(printf, 1, 0))) void print_arguments(const char *format, va_list arguments);
