#include "disk/pci.h"

#include "base/status.h"
#include "base/x86.h"
#include "cpu/instructions.h"

#define ADDRESS_PORT 0xcf8
#define DATA_PORT    0xcfc

#define ENABLED        BIT(31)
#define FUNCTION_SHIFT 8
#define FUNCTIONS      8
#define SLOTS          32

#define BAR_IO        0x1 /* an I/O address */
#define BAR_TYPE      0x6
#define BAR_64        0x4
#define BAR_BASE_MASK 0xfffffff0U
#define BAR_COUNT     6

#define CAPABILITY_NEXT 1  /* offset in a capability: where the next one is */
#define CAPABILITIES    48 /* that find room behind the header, 4 bytes each */

/* The 32 bits that contain `offset` are now at the data port. */
static void select(pci_function function, uint8_t offset) {
    outl(ADDRESS_PORT, function | (offset & ~3U));
}

uint32_t pci_read32(pci_function function, uint8_t offset) {
    select(function, offset);
    return inl(DATA_PORT);
}

uint16_t pci_read16(pci_function function, uint8_t offset) {
    return pci_read32(function, offset) >> (offset & 2) * 8;
}

uint8_t pci_read8(pci_function function, uint8_t offset) {
    return pci_read32(function, offset) >> (offset & 3) * 8;
}

void pci_write16(pci_function function, uint8_t offset, uint16_t value) {
    select(function, offset);
    outw(DATA_PORT + (offset & 2), value);
}

static bool is_there(pci_function function) {
    return pci_read16(function, PCI_VENDOR) != 0xffff;
}

static bool has_functions(pci_function function) {
    return pci_read8(function, PCI_HEADER) & PCI_HEADER_FUNCTIONS;
}

pci_function pci_next(pci_function previous) {
    unsigned number = 0; /* slot * FUNCTIONS + function */
    if (previous != PCI_NONE) {
        number = (previous & ~ENABLED) >> FUNCTION_SHIFT;
        bool whole_slot = number % FUNCTIONS == 0 && !has_functions(previous);
        number += whole_slot ? FUNCTIONS : 1;
    }
    while (number < SLOTS * FUNCTIONS) {
        pci_function function = ENABLED | number << FUNCTION_SHIFT;
        if (is_there(function)) {
            return function;
        }
        number += number % FUNCTIONS == 0 ? FUNCTIONS : 1; /* without function 0 there is none */
    }
    return PCI_NONE;
}

uint8_t pci_capability(pci_function function, uint8_t previous, unsigned *steps) {
    if (*steps == 0 && !(pci_read16(function, PCI_STATUS) & PCI_STATUS_CAPABILITIES)) {
        return 0;
    }
    if ((*steps)++ == CAPABILITIES) {
        return 0;
    }
    uint8_t holder = previous == 0 ? PCI_CAPABILITIES : previous + CAPABILITY_NEXT;
    return pci_read8(function, holder) & ~3U;
}

int pci_memory_bar(pci_function function, unsigned number, paddr_t *base) {
    if (number >= BAR_COUNT) {
        return STATUS_UNSUPPORTED;
    }
    uint32_t low = pci_read32(function, PCI_BAR + 4 * number);
    bool wide = (low & BAR_TYPE) == BAR_64;
    if (low & BAR_IO || (wide && number + 1 == BAR_COUNT)) {
        return STATUS_UNSUPPORTED;
    }
    uint64_t high = wide ? pci_read32(function, PCI_BAR + 4 * (number + 1)) : 0;
    *base = high << 32 | (low & BAR_BASE_MASK);
    return *base == 0 ? STATUS_UNSUPPORTED : STATUS_OK;
}
