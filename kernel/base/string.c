#include "base/string.h"

/* Eight bytes at any address, of any type. */
typedef uint64_t word __attribute__((may_alias, aligned(1)));

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
    char *t = to;
    const char *f = from;
    for (; length >= sizeof(word); length -= sizeof(word)) {
        *(word *)t = *(const word *)f;
        t += sizeof(word);
        f += sizeof(word);
    }
    while (length--) {
        *t++ = *f++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t length) {
    char *t = to;
    const char *f = from;
    uintptr_t distance = (uintptr_t)t - (uintptr_t)f;
    if (distance >= length && -distance >= length) {
        return memcpy(to, from, length);
    }
    if (distance >= length) { /* `to` is not inside `from` */
        for (size_t i = 0; i < length; i++) {
            t[i] = f[i];
        }
    } else {
        while (length--) {
            t[length] = f[length];
        }
    }
    return to;
}

void *memset(void *to, int byte, size_t length) {
    char *t = to;
    word pattern = (unsigned char)byte * 0x0101010101010101ULL;
    for (; length >= sizeof(word); length -= sizeof(word)) {
        *(word *)t = pattern;
        t += sizeof(word);
    }
    while (length--) {
        *t++ = (char)byte;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t length) {
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < length; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length]) {
        length++;
    }
    return length;
}

bool strings_equal(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}
