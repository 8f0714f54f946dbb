"""The ELF file of a kernel: symbols, and types and variables out of its DWARF."""
