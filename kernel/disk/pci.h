/*
 * PCI: the devices of bus 0, and their configuration space, through two I/O ports (PCI Local Bus
 * Specification 3.0, 3.2.2.3.2, "configuration mechanism #1", and 6.1 for the header).
 *
 * Shortcoming: what is behind a bridge is not found.
 */
#pragma once

#include "base/types.h"

#define PCI_VENDOR       0x00 /* 16 bits; 0xffff: nobody is there */
#define PCI_DEVICE       0x02 /* 16 bits */
#define PCI_COMMAND      0x04
#define PCI_STATUS       0x06
#define PCI_HEADER       0x0e /* 8 bits: layout of the header */
#define PCI_BAR          0x10 /* six of 32 bits; a 64-bit address takes two */
#define PCI_CAPABILITIES 0x34 /* 8 bits: offset of the first capability */

#define PCI_COMMAND_MEMORY       0x0002 /* answers at its memory addresses */
#define PCI_COMMAND_MASTER       0x0004 /* may read and write memory itself */
#define PCI_COMMAND_NO_INTERRUPT 0x0400 /* never raises its interrupt line */
#define PCI_STATUS_CAPABILITIES  0x0010 /* there is a list of capabilities */
#define PCI_HEADER_FUNCTIONS     0x80   /* there may be functions other than 0 */

/* A function of a device, as the address port wants it: BIT(31) | slot << 11 | function << 8. */
typedef uint32_t pci_function;

#define PCI_NONE UINT32_MAX

/*
 * The first function after `previous` (PCI_NONE: the first of all) that is there, in the order of
 * slots, then functions; PCI_NONE when there is no other.
 */
pci_function pci_next(pci_function previous);

/* The configuration space of a function; `offset` is a multiple of the width. */
uint8_t pci_read8(pci_function function, uint8_t offset);
uint16_t pci_read16(pci_function function, uint8_t offset);
uint32_t pci_read32(pci_function function, uint8_t offset);
void pci_write16(pci_function function, uint8_t offset, uint16_t value);

/*
 * The next capability after the one at offset `previous` (0: the first); 0 when there is no other.
 * A list is followed for as many steps as can be in it, so one that runs in a circle ends as well:
 * `*steps` counts them, from 0.
 */
uint8_t pci_capability(pci_function function, uint8_t previous, unsigned *steps);

/* The memory address in BAR `number`. Errors: UNSUPPORTED (no memory, or none was assigned). */
int pci_memory_bar(pci_function function, unsigned number, paddr_t *base);
