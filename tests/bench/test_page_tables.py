"""The page tables of the real kernel, as every witness sees them, and from a dump of it."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ringbench.arch.x86_64.address import is_canonical
from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.records import Leaf
from ringbench.arch.x86_64.virtual import VirtualMemory
from ringbench.arch.x86_64.walk import root_table, translate
from ringbench.check import witnesses
from ringbench.debuginfo.dwarf import Types
from ringbench.machine import FileMemory, Machine
from ringbench.observe.processor import Registers, read_features, read_registers
from ringbench.subjects.reference.check.page_query import KernelMapping, compare_query
from tests.plain_views import leaves, problems

START = "from ringbench.cli.main import main; main()"


def look(machine: Machine) -> tuple[Registers, Features, list[Leaf]]:
    """Return registers, features and every leaf of a stopped machine."""
    registers = read_registers(machine)
    features = read_features(machine, registers)
    found = list(leaves(machine.memory, registers.cr3, features))
    assert not list(problems(machine.memory, registers.cr3, features))
    return registers, features, found


def qemus_mismatches(machine: Machine, found: list[Leaf]) -> list[Any]:
    tlb = witnesses.parse_info_tlb(machine.qmp.hmp("info tlb"))
    mem = witnesses.parse_info_mem(machine.qmp.hmp("info mem"))
    assert len(tlb) >= len(found) > 0
    return witnesses.compare_info_tlb(found, [], tlb) + witnesses.compare_info_mem(found, mem)


def edges(found: list[Leaf]) -> list[int]:
    """Return first and last byte of every tenth page, and the bytes around every gap."""
    picked = {0, 0x7FFF_FFFF_FFFF, 0xFFFF_8000_0000_0000, 2**64 - 1}
    for leaf in [*found[::10], found[-1]]:
        picked |= {leaf.vaddr, leaf.vaddr + leaf.size - 1}
    for left, right in pairwise(found):
        if left.vaddr + left.size != right.vaddr:
            picked |= {left.vaddr + left.size, right.vaddr - 1}
    return sorted(address for address in picked if is_canonical(address))


@pytest.mark.parametrize(
    "cpu",
    [
        pytest.param("max", marks=pytest.mark.ringbench(cpu="max")),
        pytest.param("qemu64", marks=pytest.mark.ringbench(cpu="qemu64")),
    ],
)
def test_qemu_and_the_bench_see_the_same_tables(machine: Machine, cpu: str) -> None:
    with machine.stopped():
        registers, features, found = look(machine)
        assert features.gib_pages is (cpu == "max")
        assert qemus_mismatches(machine, found) == []
        for address in edges(found):
            walk = translate(machine.memory, registers.cr3, address, features)
            answer = witnesses.parse_gva2gpa(machine.qmp.hmp(f"gva2gpa {address:#x}"))
            assert witnesses.compare_gva2gpa(walk, answer) == []


def test_tables_decoded_through_any_reader_are_those_of_the_scan(
    machine: Machine, tmp_path: Path
) -> None:
    with machine.stopped():
        registers, features, found = look(machine)
        machine.save_dump(tmp_path / "dump")
        with FileMemory(tmp_path / "dump") as dump:
            for reader in (machine.memory, machine.reader("qmp"), machine.reader("gdb"), dump):
                space = decode(reader, root_table(registers.cr3, features), features)
                assert list(space.leaves) == found, type(reader)
                assert space.problems == ()
    machine.detach_gdb()


def test_the_kernels_own_query_agrees(machine: Machine) -> None:
    with machine.stopped():
        registers, features, found = look(machine)
    walks = [translate(machine.memory, registers.cr3, a, features) for a in edges(found)]
    assert any(walk.leaf for walk in walks)
    assert any(walk.leaf is None for walk in walks)
    for walk in walks:
        reply = machine.command(f"page query kernel {walk.vaddr:#x}")
        assert compare_query(walk, query_reply(reply)) == [], reply


def query_reply(reply: str) -> KernelMapping | None:
    """Read `ok VIRTUAL PHYSICAL SIZE FLAGS` or `err not_mapped ...`."""
    words = reply.split()
    if words[0] == "err":
        assert words[1] == "not_mapped", reply
        return None
    vaddr, paddr, size = (int(word, 16) for word in words[1:4])
    rights, _, cache = words[4].partition(":")
    return KernelMapping(
        vaddr,
        paddr,
        size,
        "w" in rights,
        "u" in rights,
        "x" in rights,
        "g" in rights,
        cache or "wb",
    )


def test_an_entry_changed_behind_every_back_is_seen(machine: Machine) -> None:
    """The two readers look at the same memory; what one has read before is then a mismatch."""
    with machine.stopped():
        registers, features, before = look(machine)
        victim = before[len(before) // 2]
        steps = translate(machine.memory, registers.cr3, victim.vaddr, features).steps
        place = steps[-1].entry_paddr
        machine.memory.write(place, (victim.raw ^ 2).to_bytes(8, "little"))
        try:
            tlb = witnesses.parse_info_tlb(machine.qmp.hmp("info tlb"))
            (mismatch,) = witnesses.compare_info_tlb(before, [], tlb)
            assert mismatch.where == f"virtual {victim.vaddr:#x}"
            assert mismatch.expected.replace("W", "-") == mismatch.seen.replace("W", "-")
            assert mismatch.expected != mismatch.seen
            after = list(leaves(machine.memory, registers.cr3, features))
            assert qemus_mismatches(machine, after) == []
        finally:
            machine.memory.write(place, victim.raw.to_bytes(8, "little"))


def test_variables_read_through_the_tables_are_those_that_gdb_reads(machine: Machine) -> None:
    types = Types.load(machine.config.kernel.elf)
    gdb = machine.gdb  # stops the guest
    registers, features, _ = look(machine)
    reader = VirtualMemory(machine.memory, registers.cr3, features)
    for path in ("pmm.free_count", "pmm.managed_count", "pmm.metadata_base", "pmm.free_bits"):
        assert types.value(reader, path) == gdb.evaluate_int(f"(unsigned long){path}"), path
    assert types.variable("pmm").address == gdb.symbol("pmm")
    struct = types.struct("struct pmm")
    assert struct.size == gdb.evaluate_int("sizeof(struct pmm)")
    for name, member in struct.flat.items():
        offset = gdb.evaluate_int(f"(unsigned long)&((struct pmm *)0)->{name}")
        assert member.offset == offset, name


def ringbench(*arguments: object) -> Any:
    command = [sys.executable, "-c", START, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("view", [[], ["--leaves"]])
def test_a_dump_has_the_pages_of_the_machine_it_was_saved_from(
    tmp_path: Path, view: list[str]
) -> None:
    dump = tmp_path / "memory.bin"
    live = ringbench("pages", "--json", "--save-dump", dump, *view)
    saved = ringbench("pages", "--json", "--dump", dump, "--root", live["root"], *view)
    assert saved == live
    rows = live["leaves" if view else "ranges"]
    address = rows[-1]["virtual"] + 0x123
    walk = ringbench("translate", "--json", hex(address), "--dump", dump, "--root", live["root"])
    assert walk["physical"] == rows[-1]["physical"] + 0x123
