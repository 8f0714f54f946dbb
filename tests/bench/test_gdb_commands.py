"""The project's own GDB commands, in GDB's own Python, say what the bench says of a guest."""

import subprocess
import sys
from pathlib import Path

import pytest

from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.walk import translate
from ringbench.errors import GdbError
from ringbench.machine import Machine
from ringbench.observe.processor import read_registers

COMMANDS = Path(__file__).parents[2] / "bench/ringbench/gdb_commands.py"
ABSENT = 0x5000_0000_0000
WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
import ringbench.arch.x86_64.plain_scan
"""


def test_every_range_and_a_walk(machine: Machine) -> None:
    gdb = machine.gdb
    gdb.console(f"source {COMMANDS}")
    root = read_registers(machine).cr3
    leaves = decode(machine.memory, root).leaves
    expected = [
        f"{each.vaddr:#018x} -> {each.paddr:#014x}  length {each.length:#12x}  "
        f"pages of {each.page_size:#10x}  {each.permissions} {each.cache}"
        for each in leaves.merged()
    ]
    assert len(expected) > 4
    assert gdb.console("rb-pages").splitlines() == expected
    leaf = next(iter(leaves))
    walked = gdb.console(f"rb-translate {leaf.vaddr + 0x123:#x}").splitlines()
    steps = translate(machine.memory, root, leaf.vaddr).steps
    assert walked[:-1] == [str(step) for step in steps]
    assert walked[-1].startswith(f"{leaf.vaddr + 0x123:#x} -> {leaf.paddr + 0x123:#x} ")
    missing = gdb.console(f"rb-translate {ABSENT:#x}").splitlines()
    assert missing[-1] == f"{ABSENT:#x}: not present at level 4 (PML4)"


def test_what_is_no_address_is_said_in_one_line(machine: Machine) -> None:
    gdb = machine.gdb
    gdb.console(f"source {COMMANDS}")
    with pytest.raises(GdbError, match="no_such: No symbol") as refused:
        gdb.console("rb-translate no_such")
    assert "Python" not in str(refused.value)


def test_an_entry_that_cannot_be_is_a_problem(machine: Machine) -> None:
    gdb = machine.gdb
    gdb.console(f"source {COMMANDS}")
    root = read_registers(machine).cr3
    before = machine.memory.read(root, 8)
    machine.memory.write(root, (1 | 1 << 7).to_bytes(8, "little"))
    try:
        text = gdb.console(f"rb-pages {root:#x}")
    finally:
        machine.memory.write(root, before)
    [line] = [line for line in text.splitlines() if line.startswith("problem")]
    assert line.startswith(f"problem: 0x0 + 0x8000000000: reserved bit set: PML4 {root:#x} entry 0")


def test_the_plain_scan_needs_no_numpy() -> None:
    """GDB's Python has what the system has, which may not be the bench's packages."""
    subprocess.run([sys.executable, "-c", WITHOUT_NUMPY], check=True, timeout=30)
