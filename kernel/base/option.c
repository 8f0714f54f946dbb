#include "base/option.h"

const char *option_find(const char *command_line, const char *key) {
    bool at_word = true;
    for (const char *at = command_line; *at != '\0'; at++) {
        size_t i = 0;
        while (at_word && key[i] != '\0' && at[i] == key[i]) {
            i++;
        }
        if (at_word && key[i] == '\0') {
            return at + i;
        }
        at_word = *at == ' ';
    }
    return NULL;
}

size_t option_length(const char *text) {
    size_t length = 0;
    while (text[length] != '\0' && text[length] != ' ') {
        length++;
    }
    return length;
}
