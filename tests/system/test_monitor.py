"""The console: its grammar, its own errors, its line editor.

What the layers below answer is tested with those layers. Here every command is typed once, and
every way to type one wrongly is refused.
"""

import re
from collections.abc import Iterator
from string import Template

import pytest

from ringbench.config import Config, override
from ringbench.drive.gdb import GdbChannel
from ringbench.errors import Ended
from ringbench.machine import EndKind, Machine

LINE_MAX = 255
STATUSES = (
    "invalid|misaligned|non_canonical|out_of_range|no_memory|no_space|not_allocated|foreign|"
    "mapped|not_mapped|unsupported|denied|guard|double_free|interior|corrupt|not_found|busy|"
    "fault|syntax|too_long"
)
REPLY = re.compile(rf"(?:  .*\n)*(?:ok(?: \S+)*|err (?:{STATUSES}) \S.*)")
HEX = r"0x[0-9a-f]+"


@pytest.fixture(scope="module")
def shared(ringbench_config: Config) -> Iterator[Machine]:
    """One machine for most of this file."""
    with Machine.start(ringbench_config) as machine:
        assert machine.command("echo off") == "ok"
        yield machine


@pytest.fixture
def console(shared: Machine) -> Iterator[Machine]:
    """The shared machine; a test leaves it as it found it, and that is checked."""
    before = shared.command("info"), shared.command("heap info")
    yield shared
    assert (shared.command("info"), shared.command("heap info")) == before


def status(reply: str) -> str:
    """Return `ok` or the error's name, of a reply that keeps to the grammar."""
    assert REPLY.fullmatch(reply), reply
    words = reply.splitlines()[-1].split()
    return words[0] if words[0] == "ok" else words[1]


# Typed in this order into a kernel that has no task and no heap yet. $name is a value that an
# earlier reply had; what is expected is a regular expression for the whole reply.
SESSION = (
    (
        "info",
        r"ok loader=multiboot1 physical_bits=\d+ gib_pages=[01] managed=\d+ free=\d+ tasks=1 "
        r"current=t0",
    ),
    ("echo off", "ok"),
    ("pmm info", r"ok \d+ \d+"),
    ("pmm alloc", rf"ok (?P<frame>{HEX})"),
    ("pmm alloc 3", rf"ok (?P<run>{HEX})"),
    ("pmm alloc 2 0x10000", r"ok (?P<aligned>0x[0-9a-f]+0000)"),
    ("pmm alloc2m", rf"ok (?P<block>{HEX})"),
    ("page new", "ok r0"),
    ("page map r0 0x400000 $frame 4096 4k rwu", "ok"),
    ("page query r0 0x400123", "ok 0x400000 $frame 0x1000 rwu"),
    ("page protect r0 0x400000 0x1000 rxg:wc", "ok"),
    ("page query r0 0x400000", "ok 0x400000 $frame 0x1000 rxg:wc"),
    ("touch r0 0x400000 r", "ok"),
    ("touch r0 0x400000 w", "err fault page_fault error=0x3 cause=not_mapped"),
    ("page unmap r0 0x400000 0x1000", "ok"),
    ("touch r0 0x400000 w", "err fault page_fault error=0x2 cause=not_mapped"),
    ("touch r0 0x800000000000 r", "err fault general_protection error=0x0 cause=non_canonical"),
    ("page delete r0", "ok"),
    ("pmm free $frame", "ok"),
    ("pmm free $run 3", "ok"),
    ("pmm free $aligned 2", "ok"),
    ("pmm free $block 512", "ok"),
    ("task new", "ok t1"),
    ("task list", r"  t0 .* current\n  t1 .*\nok 2"),
    ("vm alloc t1 0x2000 anonymous rwu", rf"ok (?P<region>{HEX})"),
    ("vm at t1 0x100000 8192 demand rw", "ok"),
    ("vm query t1 0x101fff", "ok 0x100000 0x2000 demand rw"),
    ("vm write t1 $region c3a0FF", "ok"),
    ("vm read t1 $region 4", "ok c3a0ff00"),
    ("vm copy t1 0x100000 t1 $region 3", "ok"),
    ("vm read t1 0x100000 3", "ok c3a0ff"),
    ("touch t1 0x101000 w", "ok"),
    ("vm protect t1 $region rx", "ok"),
    ("touch t1 $region x", "ok"),
    ("touch t1 0x100000 x", "err fault page_fault error=0x11 cause=denied"),
    ("vm resize t1 $region 4096", "ok"),
    ("vm at t1 0x200000 0x1000 guard r", "ok"),
    ("touch t1 0x200000 r", "err fault page_fault error=0x0 cause=guard"),
    ("vm at t1 0x300000 0x1000 physical r:uc 0xfee00000", "ok"),
    ("vm query t1 0x300000", "ok 0x300000 0x1000 physical r:uc 0xfee00000"),
    ("vm list t1", r"(?:  0x.*\n){4}ok 4"),
    ("vm free t1 0x100000", "ok"),
    ("task switch t1", "ok"),
    ("info", r"ok .* tasks=2 current=t1"),
    ("task switch t0", "ok"),
    ("task delete t1", "ok"),
    ("heap alloc 100", rf"ok (?P<a>{HEX})"),
    ("heap zalloc 0x64", rf"ok (?P<b>{HEX})"),
    ("heap align 4096 100", r"ok (?P<c>0x[0-9a-f]+000)"),
    ("heap realloc $a 5000", rf"ok (?P<a>{HEX})"),
    ("heap info", rf"ok {HEX} \d+ \d+ \d+ \d+"),
    ("heap check", "ok"),
    ("heap list", r"(?:  0x\S+ 0x\S+ (?:used|free)\n)+ok \d+"),
    ("heap free $b", "ok"),
    ("heap free $b", "err double_free .*"),
    ("heap free $a", "ok"),
    ("heap free $c", "ok"),
)


def test_every_command(console: Machine) -> None:
    known: dict[str, str] = {}
    for line, expected in SESSION:
        typed = Template(line).substitute(known)
        reply = console.command(typed)
        match = re.fullmatch(Template(expected).safe_substitute(known), reply)
        assert match, f"{typed!r} -> {reply!r}, expected {expected!r}"
        assert REPLY.fullmatch(reply), reply
        known.update(match.groupdict())


def test_help_lists_every_command_that_was_typed(console: Machine) -> None:
    *lines, last = console.command("help").splitlines()
    assert last == "ok"
    listed = {re.sub(r" ?[A-Z[].*", "", line.strip().partition(":")[0]) for line in lines}
    typed = {line for line, _ in SESSION} | {"help", "echo on", "poweroff", "ring"}
    unlisted = {
        line
        for line in typed
        if " ".join(line.split()[:2]) not in listed and line.split()[0] not in listed
    }
    untyped = {
        name for name in listed if not any(re.match(rf"{re.escape(name)}(?: |$)", t) for t in typed)
    }
    assert (unlisted, untyped) == (set(), set())


# --- syntax --------------------------------------------------------------------------------------

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
    ("task switch t9", 1), ("task delete t9", 1), ("task list", 0), ("touch r9 0 r", 3),
    ("help", 0), ("info", 0), ("echo on", 0), ("echo off", 0), ("poweroff", 0), ("ring", 0),
]  # fmt: skip


@pytest.mark.parametrize("line", NOT_COMMANDS + BAD_WORDS)
def test_bad_words_are_refused(console: Machine, line: str) -> None:
    assert status(console.command(line)) == "syntax"


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_bad_numbers_are_refused(console: Machine, number: str) -> None:
    for line in ("pmm alloc {}", "pmm free 4096 {}", "heap alloc {}", "touch kernel {} r"):
        assert status(console.command(line.format(number))) == "syntax"


@pytest.mark.parametrize(("line", "fewest"), LONGEST)
def test_too_many_and_too_few_words_are_refused(console: Machine, line: str, fewest: int) -> None:
    name = 1 if line in ("help", "info", "poweroff", "ring") or line.startswith("touch") else 2
    assert status(console.command(f"{line} 1")) == "syntax"
    words = line.split()
    for count in range(name, name + fewest):
        assert status(console.command(" ".join(words[:count]))) == "syntax", words[:count]


def test_numbers_in_both_bases_up_to_the_largest(console: Machine) -> None:
    for number in ("18446744073709551615", "0xffffffffffffffff", "0xFFFFFFFFFFFFFFFF",
                   "00018446744073709551615", "0x000ffffffffffffffff"):  # fmt: skip
        assert status(console.command(f"pmm alloc {number}")) == "no_memory"
    assert console.command("page query kernel 0xFFFF800000200000") == console.command(
        f"page query kernel {0xFFFF800000200000}"
    )


# --- the console's own errors --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # syntax before everything, in any word
        ("page map r9 0 0 4096 4k z", "syntax"),
        ("vm alloc t9 0 physical r", "syntax"),
        # then handles, then what they permit, then the layer's own errors
        ("page delete r0", "not_found"),
        ("page delete r16", "not_found"),
        ("page delete t9", "not_found"),
        ("page delete kernel", "denied"),
        ("page delete t0", "denied"),
        ("page map kernel 0 0 0 4k r", "denied"),
        ("page unmap t0 0 0", "denied"),
        ("page protect kernel 1 0 r", "denied"),
        ("page query t9 0", "not_found"),
        ("page query kernel 0x800000000000", "non_canonical"),
        ("vm alloc t0 0 guard r", "denied"),
        ("vm alloc t9 0 guard r", "not_found"),
        ("vm read kernel 0 0", "invalid"),
        ("vm read kernel 0 65", "invalid"),
        ("vm read t0 0 0", "denied"),
        ("vm copy t0 0 t9 0 0", "denied"),
        ("vm copy t9 0 t0 0 0", "not_found"),
        ("vm copy kernel 0 t0 0 0", "denied"),
        ("touch r3 0 r", "not_found"),
        ("task switch t1", "not_found"),
        ("task switch t18446744073709551615", "not_found"),
        ("task delete t0", "denied"),
        ("heap alloc 0", "invalid"),
        ("heap alloc 0x40000001", "invalid"),
        ("heap zalloc 0", "invalid"),
        ("heap align 0 1", "invalid"),
        ("heap align 24 1", "invalid"),
        ("heap align 0x400000 1", "invalid"),
        ("heap align 16 0", "invalid"),
        ("heap realloc 0 0", "invalid"),
        ("heap free 0", "ok"),
        ("heap free 1", "foreign"),
        ("heap free 0xffffffffffffffff", "foreign"),
        ("heap realloc 0xffffffff80200000 1", "foreign"),
        ("pmm free 0 0", "invalid"),
        ("pmm free 1 0", "invalid"),
        ("pmm free 1", "misaligned"),
        ("pmm free 0", "foreign"),
        ("pmm free 0xfffffffffffff000 2", "foreign"),
        ("pmm free 0x1000 0xffffffffffffffff", "foreign"),
        ("pmm free 0x3fff000 0x10000000000001", "foreign"),
    ],
)
def test_errors_of_its_own_come_first(console: Machine, line: str, expected: str) -> None:
    assert status(console.command(line)) == expected


def test_bare_roots_are_sixteen(console: Machine) -> None:
    assert [console.command("page new") for _ in range(16)] == [f"ok r{n}" for n in range(16)]
    assert status(console.command("page new")) == "no_space"
    assert console.command("page delete r7") == "ok"
    assert status(console.command("page query r7 0")) == "not_found"
    assert console.command("page new") == "ok r7"
    kernel_half = "0x8000000000000000"
    for line in (f"map r7 {kernel_half} 0 0 4k r", f"unmap r7 {kernel_half} 0",
                 f"protect r7 {kernel_half} 0 r"):  # fmt: skip
        assert status(console.command(f"page {line}")) == "denied"
    assert status(console.command("page map r7 0x7fffffffffff 0 0 4k r")) == "invalid"
    for n in range(16):
        assert console.command(f"page delete r{n}") == "ok"


def test_frames_that_were_not_lent_cannot_be_freed(console: Machine) -> None:
    """Root, tables, region and heap frames are allocated and managed, but the kernel's own."""
    root = console.command("page new")
    assert console.command("task new") == "ok t1"
    frame = int(console.command("pmm alloc").split()[1], 16)
    # Lowest first: the frames of r0 and of t1 are the ones just below.
    for below in (1, 2):
        assert status(console.command(f"pmm free {frame - below * 4096:#x}")) == "denied"
    assert status(console.command(f"pmm free {frame - 4096:#x} 2")) == "denied"
    assert status(console.command(f"pmm free {frame:#x} 2")) == "not_allocated"
    assert console.command(f"pmm free {frame:#x}") == "ok"
    assert status(console.command(f"pmm free {frame:#x}")) == "not_allocated"
    # Once given back it may become the kernel's: then it is not the console's any more.
    assert console.command("page new") == "ok r1"
    assert status(console.command(f"pmm free {frame:#x}")) == "denied"
    assert console.command("page delete r1") == "ok"
    assert console.command(f"page delete {root.split()[1]}") == "ok"
    assert console.command("task delete t1") == "ok"


def test_task_records_are_out_of_reach_of_the_heap_commands(console: Machine) -> None:
    assert console.command("task new") == "ok t1"
    payload = int(console.command("heap list").split()[0], 16) + 16
    assert status(console.command(f"heap free {payload:#x}")) == "denied"
    assert status(console.command(f"heap realloc {payload:#x} 0")) == "denied"
    assert status(console.command(f"heap free {payload + 16:#x}")) == "interior"
    assert console.command("task delete t1") == "ok"


def test_a_touch_leaves_root_and_task_as_they_were(console: Machine) -> None:
    """After touches elsewhere, a fault is still resolved in the current task's space."""
    assert [console.command("task new") for _ in range(2)] == ["ok t1", "ok t2"]
    assert console.command("page new") == "ok r0"
    for task in ("t1", "t2"):
        assert console.command(f"vm at {task} 0x100000 0x4000 demand rw") == "ok"
    assert console.command("task switch t1") == "ok"
    for page, elsewhere in enumerate(("t2", "r0", "kernel", "t0")):
        address = 0x100000 + page * 4096
        reply = console.command(f"touch {elsewhere} {address:#x} w")
        assert (status(reply) == "ok") == (elsewhere == "t2"), reply
        assert console.command(f"page query t1 {address:#x}").startswith("err not_mapped ")
        GdbChannel.at_prompt(console)
        scratch = console.gdb.symbol("debug_scratch")
        write = console.gdb.evaluate_int("ACCESS_WRITE")
        assert console.gdb.call("cpu_access", address, write, scratch) == 0
        console.detach_gdb()
        assert console.command(f"page query t1 {address:#x}").startswith("ok ")
    for line in ("task switch t0", "task delete t1", "task delete t2", "page delete r0"):
        assert console.command(line) == "ok"


# --- the line editor -----------------------------------------------------------------------------


def padded(length: int) -> str:
    """Return a line of that many characters that is a right command."""
    return "pmm" + " " * (length - 7) + "info"


def test_longest_line_and_one_more(console: Machine) -> None:
    assert status(console.command(padded(LINE_MAX))) == "ok"
    assert status(console.command(padded(LINE_MAX + 1))) == "too_long"
    assert status(console.command("x" * 5000)) == "too_long"
    assert status(console.command(" " * (LINE_MAX + 1))) == "too_long"
    assert status(console.command("\b" * 300 + padded(LINE_MAX))) == "ok"


@pytest.mark.parametrize(
    "typed",
    [
        "pmm infx\bo",
        "pmm infx\x7fo",
        "zz\b\b\b\b\bpmm info",
        "pmmm info\b\b\b\b\b\b info",
        "  pmm \t info  ",
        "\tpmm\tinfo\t",
        "pmm\x00 in\x1bfo\x01",
        "pmm info\x80\xff\xc3",
    ],
)
def test_editing(console: Machine, typed: str) -> None:
    assert console.command(typed) == console.command("pmm info")


@pytest.mark.parametrize("typed", ["", "   ", "\t", "\b", "x\b", "\x00\x01\x1b"])
def test_an_empty_line_gets_a_prompt_and_no_reply(console: Machine, typed: str) -> None:
    assert console.command(typed) == ""


def test_echo(console: Machine) -> None:
    """With echo the console shows what is typed, erased characters blanked; without it nothing."""
    assert console.command("echo on") == "ok"
    assert console.command("heap check") == "ok"
    before = console.serial.transcript.read_bytes()
    console.command("heap chex\bck")
    shown = console.serial.transcript.read_bytes().removeprefix(before)
    assert shown == b"heap chex\b \bck\r\nok\r\nring> "
    assert console.command("echo off") == "ok"
    before = console.serial.transcript.read_bytes()
    assert console.command("heap check") == "ok"
    shown = console.serial.transcript.read_bytes().removeprefix(before)
    assert shown == b"ok\r\nring> "


def test_a_carriage_return_ends_a_line_too_and_poweroff_ends_all(ringbench_config: Config) -> None:
    exit_device = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    changes = {"kernel.line_end": "\r", "machine.arguments": exit_device}
    with Machine.start(override(ringbench_config, changes)) as machine:
        assert re.fullmatch(r"ok \d+ \d+", machine.command("pmm info"))
        with pytest.raises(Ended) as caught:
            machine.command("poweroff")
        ending = caught.value.ending
        assert ending is not None
        assert ending.kind is EndKind.FINISHED
        assert "ok" in machine.serial.tail().splitlines()
