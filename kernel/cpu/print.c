#include "base/string.h"
#include "cpu/print.h"
#include "cpu/serial.h"

#define DIGITS_MAX 20 /* of 2^64 - 1 */

struct conversion {
    char kind; /* s c d u x p % */
    bool is_long;
    char pad;
    unsigned width;
};

static void put(char c) {
    if (c == '\n') {
        serial_put('\r');
    }
    serial_put(c);
}

static void put_text(const char *text, size_t length, const struct conversion *c) {
    for (size_t i = length; i < c->width; i++) {
        put(c->pad);
    }
    for (size_t i = 0; i < length; i++) {
        put(text[i]);
    }
}

static void put_number(uint64_t value, bool negative, unsigned base, const struct conversion *c) {
    char text[DIGITS_MAX + 1];
    size_t start = sizeof(text);
    do {
        text[--start] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative) {
        text[--start] = '-';
    }
    put_text(text + start, sizeof(text) - start, c);
}

/* Reads what follows a '%'; returns the place after it. */
static const char *parse(const char *format, struct conversion *c) {
    *c = (struct conversion){.pad = ' '};
    if (*format == '0') {
        c->pad = '0';
    }
    while (*format >= '0' && *format <= '9') {
        c->width = c->width * 10 + (unsigned)(*format++ - '0');
    }
    while (*format == 'l') {
        c->is_long = true;
        format++;
    }
    c->kind = *format;
    return *format ? format + 1 : format;
}

void print_arguments(const char *format, va_list arguments) {
    while (*format) {
        if (*format != '%') {
            put(*format++);
            continue;
        }
        struct conversion c;
        format = parse(format + 1, &c);
        if (c.kind == 's') {
            const char *text = va_arg(arguments, const char *);
            put_text(text, strlen(text), &c);
        } else if (c.kind == 'c') {
            char character = (char)va_arg(arguments, int);
            put_text(&character, 1, &c);
        } else if (c.kind == 'd') {
            int64_t value = c.is_long ? va_arg(arguments, long) : va_arg(arguments, int);
            put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 10, &c);
        } else if (c.kind == 'u' || c.kind == 'x') {
            uint64_t value =
                c.is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned);
            put_number(value, false, c.kind == 'u' ? 10 : 16, &c);
        } else if (c.kind == 'p') {
            print("0x%016lx", (uint64_t)va_arg(arguments, void *));
        } else {
            put(c.kind);
        }
    }
}

void print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
}
