/* The four functions that the compiler may call, and the two string functions the kernel uses. */
#pragma once

#include "base/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *a, const void *b, size_t length);
size_t strlen(const char *text);
bool strings_equal(const char *a, const char *b);
