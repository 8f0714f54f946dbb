#include "boot/image.h"
#include "cpu/symbols.h"

/* Made by tools/symbols.py, which describes the format. Addresses ascend. */
extern const uint64_t ksyms_count;
extern const uint64_t ksyms_addresses[];
extern const uint32_t ksyms_names[];
extern const char ksyms_strings[];

const char *symbol_find(vaddr_t address, uint64_t *offset) {
    *offset = 0;
    if (address < (vaddr_t)image_text_start || address >= (vaddr_t)image_text_end) {
        return "?";
    }
    uint64_t low = 0, high = ksyms_count; /* the first symbol above `address` is in [low, high] */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (ksyms_addresses[middle] <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return "?";
    }
    *offset = address - ksyms_addresses[low - 1];
    return ksyms_strings + ksyms_names[low - 1];
}
