"""The console's own errors: handles, what it keeps to itself, and what comes before what."""

import pytest

from ringbench.machine import Machine
from ringbench.subjects.reference.drive.gdb import GdbChannel
from tests.system.replies import status


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
def test_errors_of_its_own_come_first(quiet_console: Machine, line: str, expected: str) -> None:
    assert status(quiet_console.command(line)) == expected


def test_bare_roots_are_sixteen(quiet_console: Machine) -> None:
    assert [quiet_console.command("page new") for _ in range(16)] == [f"ok r{n}" for n in range(16)]
    assert status(quiet_console.command("page new")) == "no_space"
    assert quiet_console.command("page delete r7") == "ok"
    assert status(quiet_console.command("page query r7 0")) == "not_found"
    assert quiet_console.command("page new") == "ok r7"
    kernel_half = "0x8000000000000000"
    for line in (f"map r7 {kernel_half} 0 0 4k r", f"unmap r7 {kernel_half} 0",
                 f"protect r7 {kernel_half} 0 r"):  # fmt: skip
        assert status(quiet_console.command(f"page {line}")) == "denied"
    assert status(quiet_console.command("page map r7 0x7fffffffffff 0 0 4k r")) == "invalid"
    for n in range(16):
        assert quiet_console.command(f"page delete r{n}") == "ok"


def test_frames_that_were_not_lent_cannot_be_freed(quiet_console: Machine) -> None:
    """Root, tables, region and heap frames are allocated and managed, but the kernel's own."""
    root = quiet_console.command("page new")
    assert quiet_console.command("task new") == "ok t1"
    frame = int(quiet_console.command("pmm alloc").split()[1], 16)
    # Lowest first: the frames of r0 and of t1 are the ones just below.
    for below in (1, 2):
        assert status(quiet_console.command(f"pmm free {frame - below * 4096:#x}")) == "denied"
    assert status(quiet_console.command(f"pmm free {frame - 4096:#x} 2")) == "denied"
    assert status(quiet_console.command(f"pmm free {frame:#x} 2")) == "not_allocated"
    assert quiet_console.command(f"pmm free {frame:#x}") == "ok"
    assert status(quiet_console.command(f"pmm free {frame:#x}")) == "not_allocated"
    # Once given back it may become the kernel's: then it is not the console's any more.
    assert quiet_console.command("page new") == "ok r1"
    assert status(quiet_console.command(f"pmm free {frame:#x}")) == "denied"
    assert quiet_console.command("page delete r1") == "ok"
    assert quiet_console.command(f"page delete {root.split()[1]}") == "ok"
    assert quiet_console.command("task delete t1") == "ok"


def test_a_touch_leaves_root_and_task_as_they_were(quiet_console: Machine) -> None:
    """After touches elsewhere, a fault is still resolved in the current task's space."""
    assert [quiet_console.command("task new") for _ in range(2)] == ["ok t1", "ok t2"]
    assert quiet_console.command("page new") == "ok r0"
    for task in ("t1", "t2"):
        assert quiet_console.command(f"vm at {task} 0x100000 0x4000 demand rw") == "ok"
    assert quiet_console.command("task switch t1") == "ok"
    for page, elsewhere in enumerate(("t2", "r0", "kernel", "t0")):
        address = 0x100000 + page * 4096
        reply = quiet_console.command(f"touch {elsewhere} {address:#x} w")
        assert (status(reply) == "ok") == (elsewhere == "t2"), reply
        assert quiet_console.command(f"page query t1 {address:#x}").startswith("err not_mapped ")
        GdbChannel.at_prompt(quiet_console)
        scratch = quiet_console.gdb.symbol("debug_scratch")
        write = quiet_console.gdb.evaluate_int("ACCESS_WRITE")
        assert quiet_console.gdb.call("cpu_access", address, write, scratch) == 0
        quiet_console.detach_gdb()
        assert quiet_console.command(f"page query t1 {address:#x}").startswith("ok ")
    for line in ("task switch t0", "task delete t1", "task delete t2", "page delete r0"):
        assert quiet_console.command(line) == "ok"
