"""All readers of guest memory agree, byte for byte, where RAM has holes too."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.config import Config
from ringbench.errors import MachineError, MemoryUnreadable
from ringbench.machine import FileMemory, Machine

KernelConfigs = Callable[..., Config]


@pytest.fixture(scope="module", params=["64M", "3584M", "6G"])
def machine(request: pytest.FixtureRequest, kernels: KernelConfigs) -> Iterator[Machine]:
    with Machine.start(kernels("echo", {"machine.memory": request.param})) as machine:
        yield machine


def test_ram_is_as_large_as_asked_for(machine: Machine) -> None:
    assert sum(r.length for r in machine.ram.ranges) == machine.config.machine.memory
    assert machine.ram.ranges[0].base == 0
    if machine.config.machine.memory > 4 << 30:
        assert machine.ram.end > 6 << 30
        assert machine.ram.ranges[-1].base == 4 << 30


def test_readers_agree(machine: Machine, tmp_path: Path) -> None:
    chance = random.Random(1)
    with machine.stopped():
        for piece in machine.ram.ranges:
            for at in (piece.base + 0x200000, piece.end - 4096):
                machine.memory.write(at, chance.randbytes(4096))
        machine.save_dump(tmp_path / "dump")
        with FileMemory(tmp_path / "dump") as dump:
            readers: list[PhysicalMemory] = [machine.reader("gdb"), machine.reader("qmp"), dump]
            for paddr, length in places(machine, chance):
                expected = machine.memory.read(paddr, length)
                assert len(expected) == length
                for reader in readers:
                    assert reader.read(paddr, length) == expected
    machine.detach_gdb()


def places(machine: Machine, chance: random.Random) -> Iterator[tuple[int, int]]:
    """Ranges worth reading: page-sized and odd ones, at the edges of each piece and inside."""
    for piece in machine.ram.ranges:
        yield piece.base, 4096
        yield piece.end - 4096, 4096
        yield piece.end - 1, 1
        yield piece.base + 0x200000, 4096
        for _ in range(5):
            length = chance.randrange(1, 9000)
            yield piece.base + chance.randrange(piece.length - length), length
    yield 0xC3000 - 7, 20  # from RAM into what the firmware made read-only
    yield 0x100000, 70000  # the kernel itself


def test_what_is_not_ram_is_refused_by_all(machine: Machine) -> None:
    last = machine.ram.ranges[0].end
    with machine.stopped():
        readers = [machine.memory, machine.reader("qmp"), machine.reader("gdb")]
        for paddr, length in ((last, 1), (last - 1, 2), (machine.ram.end, 8), (1 << 60, 8)):
            for reader in readers:
                with pytest.raises(MemoryUnreadable):
                    reader.read(paddr, length)
    machine.detach_gdb()


def test_the_guest_sees_what_the_bench_writes(machine: Machine) -> None:
    with machine.stopped():
        counter = machine.gdb.symbol("counter") - 0xFFFFFFFF80000000
        machine.memory.write(counter, (1000).to_bytes(8, "little"))
        assert machine.gdb.call("add", 1, 2) == 3
        assert machine.gdb.evaluate_int("counter") == 1000
    machine.detach_gdb()
    assert machine.command("tick") == "ok"
    assert machine.memory.read(counter, 8) == (1001).to_bytes(8, "little")


def test_dump_that_cannot_be_written(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="memory cannot be saved there"):
        machine.save_dump(tmp_path / "absent" / "dump")
    assert machine.command("tick") == "ok"


def test_dump_of_a_large_guest_is_small_on_disk(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    machine.save_dump(path)
    assert path.stat().st_size == machine.ram.end
    assert path.stat().st_blocks * 512 < 64 << 20


def test_64_gib_guest(kernels: KernelConfigs) -> None:
    config = kernels("echo", {"machine.memory": "64G", "machine.cpu": "max"})
    with Machine.start(config) as machine:
        assert machine.command("tick") == "ok"
        assert machine.ram.end > 64 << 30
        assert machine.memory.read(machine.ram.end - 8, 8) == bytes(8)
