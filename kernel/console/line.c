#include "console/line.h"

#include "cpu/print.h"
#include "cpu/serial.h"

#define DEL '\x7f'

int line_read(char *line, size_t size, bool echo) {
    size_t length = 0;
    bool too_long = false;
    for (;;) {
        char c = serial_get();
        if (c == '\r' || c == '\n') {
            break;
        }
        if (c == '\b' || c == DEL) {
            if (length > 0) {
                length--;
                print("%s", echo ? "\b \b" : "");
            }
            continue;
        }
        if (c == '\t') {
            c = ' ';
        }
        if (c < ' ' || c > '~') {
            continue;
        }
        if (length == size - 1) {
            too_long = true;
            continue;
        }
        line[length++] = c;
        if (echo) {
            serial_put(c);
        }
    }
    line[length] = '\0';
    print("%s", echo ? "\n" : "");
    return too_long ? STATUS_TOO_LONG : STATUS_OK;
}
