"""Turns the output of `nm --print-size` into the symbol table that the kernel carries.

    nm --print-size kernel.elf | python3 tools/symbols.py > symbols.S

The kernel names the functions of a backtrace itself, so that an exception on a machine without a
debugger still reads well. The table is assembly for section .ksyms, all of it read-only:

    ksyms_count      u64      how many entries
    ksyms_addresses  u64[]    ascending, one entry an address
    ksyms_names      u32[]    offset of each entry's name in ksyms_strings
    ksyms_strings    char[]   the names, each ended by NUL

Only text symbols of the higher half are in it: nothing runs below once the kernel is up. Where
several names share an address, one that has a size (a function) is preferred to one that has none
(a label of the linker script); among equals the first by name, so that the output is reproducible.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

KERNEL_BASE = 0xFFFFFFFF80000000


class Symbol(NamedTuple):
    """A text symbol; sorts by address, then functions first, then name."""

    address: int
    has_no_size: bool
    name: str


def text_symbols(nm_lines: Iterable[str]) -> Iterator[Symbol]:
    """The text symbols of the higher half, from lines `address [size] type name`."""
    for line in nm_lines:
        *numbers, kind, name = line.split()
        if kind in ("t", "T") and numbers and int(numbers[0], 16) >= KERNEL_BASE:
            yield Symbol(int(numbers[0], 16), len(numbers) == 1, name)


def one_per_address(symbols: Iterable[Symbol]) -> list[Symbol]:
    """The symbols in ascending order, the preferred one of each address only."""
    preferred: dict[int, Symbol] = {}
    for symbol in sorted(symbols):
        preferred.setdefault(symbol.address, symbol)
    return list(preferred.values())


def assembly(symbols: list[Symbol]) -> Iterator[str]:
    """The lines of the assembly file."""
    yield "/* Made by tools/symbols.py. */"
    yield '    .section .ksyms, "a"'
    yield "    .balign 8"
    yield "    .globl ksyms_count, ksyms_addresses, ksyms_names, ksyms_strings"
    yield "ksyms_count:"
    yield f"    .quad {len(symbols)}"
    yield "ksyms_addresses:"
    yield from (f"    .quad {symbol.address:#x}" for symbol in symbols)
    yield "ksyms_names:"
    offset = 0
    for symbol in symbols:
        yield f"    .long {offset}"
        offset += len(symbol.name) + 1
    yield "ksyms_strings:"
    yield from (f'    .asciz "{symbol.name}"' for symbol in symbols)
    yield '    .section .note.GNU-stack, ""'


def main() -> None:
    """Standard input to standard output."""
    for line in assembly(one_per_address(text_symbols(sys.stdin))):
        print(line)


if __name__ == "__main__":
    main()
