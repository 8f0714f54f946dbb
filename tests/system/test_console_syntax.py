"""The console's grammar: every way to type a command wrongly is refused."""

import pytest

from ringbench.machine import Machine
from tests.system.replies import status

NOT_COMMANDS = [
    "x",
    "pmm",
    "pmm freee 0",
    "pmmalloc",
    "PMM alloc",
    "vm",
    "echo",
    "echo o",
    "?",
    "0",
]

BAD_NUMBERS = ["0x", "-1", "+1", "1k", "0b1", "0X10", "x10", "0xg", "1.0", "18446744073709551616",
               "0x10000000000000000", "99999999999999999999999", "t1", "''"]  # fmt: skip

BAD_WORDS = [
    *(f"page query {root} 0" for root in ("k", "kernel0", "r", "t", "r-1", "r0x1", "R0", "0")),
    *(f"vm list {space}" for space in ("r0", "kern", "t", "tt", "T0", "0")),
    *(f"task {verb} {task}" for verb in ("switch", "delete") for task in ("kernel", "r0", "0")),
    *(
        f"page map r0 0 0 4096 4k {flags}"
        for flags in ("w", "rr", "rxw", "ruw", "rww", "rw:", "rw:xx", ":wb", "r:WB", "rwz", "0x1")
    ),
    *(f"page map r0 0 0 4096 {size} r" for size in ("4K", "4096", "2M", "4", "1t", "0x1000")),
    *(f"vm alloc kernel 4096 {kind} r" for kind in ("Anonymous", "anon", "none", "0", "physicals")),
    *(f"touch kernel 0 {mode}" for mode in ("rw", "R", "0", "e")),
    *(f"vm write kernel 0 {data}" for data in ("0", "0x00", "123", "0g", "00" * 65, "-1")),
    "vm alloc kernel 4096 physical rw",
    "vm alloc kernel 4096 anonymous rw 0x1000",
    "vm at kernel 0xffffd00000000000 4096 guard r 0",
    "vm at kernel 0xffffd00000000000 4096 physical r",
]


# Each command with its longest list of words: one fewer is too few for those marked.
LONGEST = [
    ("pmm alloc 1 4096", 0), ("pmm alloc2m", 0), ("pmm free 0x1000 1", 1), ("pmm info", 0),
    ("page new", 0), ("page delete r9", 1), ("page map r9 0 0 4096 4k r", 6),
    ("page unmap r9 0 4096", 3), ("page protect r9 0 4096 r", 4), ("page query r9 0", 2),
    ("vm alloc t9 4096 physical r 0", 4), ("vm at t9 0 4096 physical r 0", 5), ("vm free t9 0", 2),
    ("vm protect t9 0 r", 3), ("vm resize t9 0 4096", 3), ("vm query t9 0", 2), ("vm list t9", 1),
    ("vm read t9 0 1", 3), ("vm write t9 0 00", 3), ("vm copy t9 0 t9 0 1", 5),
    ("heap alloc 1", 1), ("heap zalloc 1", 1), ("heap align 16 1", 2), ("heap realloc 0 1", 2),
    ("heap free 0", 1), ("heap info", 0), ("heap check", 0), ("heap list", 0), ("task new", 0),
    ("task switch t9", 1), ("task delete t9", 1), ("task list", 0),
    ("disk list", 0), ("disk find x", 1), ("disk info d9", 1), ("disk read d9 0 1", 3),
    ("disk write d9 0 1 00", 4), ("disk flush d9", 1), ("file list", 0),
    ("file open x", 1), ("file close f9", 1), ("file read f9 0 1", 3), ("file write f9 0 00", 3),
    ("file sync f9", 1), ("file evict 0", 1), ("touch r9 0 r", 3),
    ("help", 0), ("info", 0), ("echo on", 0), ("echo off", 0), ("poweroff", 0), ("ring", 0),
]  # fmt: skip


@pytest.mark.parametrize("line", NOT_COMMANDS + BAD_WORDS)
def test_bad_words_are_refused(quiet_console: Machine, line: str) -> None:
    assert status(quiet_console.command(line)) == "syntax"


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_bad_numbers_are_refused(quiet_console: Machine, number: str) -> None:
    for line in ("pmm alloc {}", "pmm free 4096 {}", "heap alloc {}", "touch kernel {} r"):
        assert status(quiet_console.command(line.format(number))) == "syntax"


@pytest.mark.parametrize(("line", "fewest"), LONGEST)
def test_too_many_and_too_few_words_are_refused(
    quiet_console: Machine, line: str, fewest: int
) -> None:
    name = 1 if line in ("help", "info", "poweroff", "ring") or line.startswith("touch") else 2
    assert status(quiet_console.command(f"{line} 1")) == "syntax"
    words = line.split()
    for count in range(name, name + fewest):
        assert status(quiet_console.command(" ".join(words[:count]))) == "syntax", words[:count]


def test_numbers_in_both_bases_up_to_the_largest(quiet_console: Machine) -> None:
    for number in ("18446744073709551615", "0xffffffffffffffff", "0xFFFFFFFFFFFFFFFF",
                   "00018446744073709551615", "0x000ffffffffffffffff"):  # fmt: skip
        assert status(quiet_console.command(f"pmm alloc {number}")) == "no_memory"
    assert quiet_console.command("page query kernel 0xFFFF800000200000") == quiet_console.command(
        f"page query kernel {0xFFFF800000200000}"
    )
