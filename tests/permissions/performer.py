"""The guest that performs accesses: built, booted, and given batches of them through its memory."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ringbench.arch.x86_64.address import SIZE_1G, compose
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.leaves import Words
from ringbench.arch.x86_64.outcome import Controls
from ringbench.config import load
from ringbench.debuginfo.dwarf import Array, Integer, Struct, Type, Types
from ringbench.machine import Deadline, Machine
from ringbench.observe.processor import read_features, read_registers

SOURCES: Final = Path(__file__).parent / "guest"
CODEGEN: Final = (
    *("-std=gnu17", "-m64", "-g", "-O2", "-ffreestanding", "-fno-pic", "-mcmodel=small"),
    *("-mno-red-zone", "-mgeneral-regs-only", "-fno-stack-protector", "-fcf-protection=none"),
    *("-fno-asynchronous-unwind-tables", "-fno-eliminate-unused-debug-types"),
    *("-Wall", "-Wextra", "-Werror"),
)
LINK: Final = ("-z", "max-page-size=4096", "-z", "noexecstack", "--no-warn-rwx-segments")
MEMORY: Final = "1056M"  # the second target frame lies a GiB above the first
BATCH_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 500e-6
LOOKS_TO_ENDING: Final = 200

Results = NDArray[np.void]
"""One record for each request: the members of the guest's `struct result`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the test happens: physical addresses of what a walk goes through and leads to.

    Attributes:
        tables: the page tables below the PML4, in which the walk's entries lie: level 3 to 1.
        frames: the two target frames, a GiB apart.
        offsets: where in a frame a read, a write and a fetch go.
    """

    tables: tuple[int, int, int]
    frames: tuple[int, int]
    offsets: tuple[int, int, int]

    def page(self, slot: int) -> int:
        """Return the address in PML4 slot `slot` that leads to the frames with any page size."""
        return compose(slot) + self.frames[0]


@dataclass(frozen=True, slots=True)
class AccessBits:
    """What the guest's `enum access` calls things."""

    read: int
    write: int
    fetch: int
    user: int
    flush: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Accesses to one page, under the same control bits.

    Attributes:
        controls: the control bits.
        page: the virtual address that the entries lead to.
        entries: (n, 4) PML4E to PTE, written before each access.
        access: (n,) in terms of `AccessBits`.
    """

    controls: Controls
    page: int
    entries: Words
    access: Words

    def __len__(self) -> int:
        return len(self.entries)


AnyBatch = TypeVar("AnyBatch", bound=Batch)


class Performer:
    """The booted guest. `perform` keeps it busy with one batch while it is given the next."""

    def __init__(self, machine: Machine, types: Types) -> None:
        self.machine = machine
        self.features: Features = read_features(machine, read_registers(machine))
        self.place, self.bits = _place(types), _access_bits(types)
        batches = types.locate("mailbox.batches")
        assert isinstance(batches.type, Array)
        self._batches = batches.type.count or 0
        self._base, self._size = batches.address, batches.type.element.size
        self._members = types.struct("struct batch").flat
        requests = self._members["requests"].type
        assert isinstance(requests, Array)
        self.capacity = requests.count or 0
        self._request, self._result = (
            _dtype(types.struct(f"struct {name}")) for name in ("request", "result")
        )
        self._submitted = types.locate("mailbox.submitted").address
        self._served = types.locate("mailbox.served").address
        self._begun = 0

    @property
    def version(self) -> str:
        """QEMU's version, ``major.minor``."""
        found = self.machine.qmp.command("query-version")["qemu"]
        return f"{found['major']}.{found['minor']}"

    def perform(self, batches: Iterable[AnyBatch]) -> Iterator[tuple[AnyBatch, Results]]:
        """Yield every batch with its results, in order.

        Raises:
            ValueError: a batch has more requests than the guest has room for.
            Ended: the guest ended, or a batch took longer than a minute.
        """
        under_way: deque[AnyBatch] = deque()
        for batch in batches:
            if len(under_way) == self._batches:
                yield self._collect(under_way)
            self._submit(batch)
            under_way.append(batch)
        while under_way:
            yield self._collect(under_way)

    def _submit(self, batch: Batch) -> None:
        if len(batch) > self.capacity:
            raise ValueError(f"{len(batch)} requests: the guest takes {self.capacity}")
        slot, controls = self._begun % self._batches, batch.controls
        header = {
            "count": len(batch),
            "write_protect": controls.wp,
            "no_execute": controls.nxe,
            "smep": controls.smep,
            "smap": controls.smap,
            "ac": controls.ac,
        }
        for name, value in header.items():
            self._write(slot, name, np.uint32(value).tobytes())
        vaddr = [batch.page + offset for offset in self.place.offsets]
        self._write(slot, "virtual", np.array(vaddr, np.uint64).tobytes())
        requests = np.empty(len(batch), self._request)
        requests["entry"], requests["access"] = batch.entries, batch.access
        self._write(slot, "requests", requests.tobytes())
        self._begun += 1
        self.machine.memory.write(self._submitted, np.uint32(self._begun).tobytes())

    def _collect(self, under_way: deque[AnyBatch]) -> tuple[AnyBatch, Results]:
        """Wait for the oldest batch under way."""
        number = self._begun - len(under_way)
        deadline, looks = Deadline(BATCH_SECONDS), 0
        while int.from_bytes(self.machine.memory.read(self._served, 4), "little") <= number:
            looks += 1
            if looks % LOOKS_TO_ENDING == 0 and (self.machine.ending() or deadline.expired):
                raise self.machine.failure(
                    f"batch {number}: not within {BATCH_SECONDS:g} s", "performing accesses"
                )
            time.sleep(LOOK_SECONDS)
        batch = under_way.popleft()
        address = self._address(number % self._batches, "results")
        held = self.machine.memory.read(address, len(batch) * self._result.itemsize)
        return batch, np.frombuffer(held, self._result)

    def _address(self, slot: int, member: str) -> int:
        return self._base + slot * self._size + self._members[member].offset

    def _write(self, slot: int, member: str, data: bytes) -> None:
        self.machine.memory.write(self._address(slot, member), data)


@contextmanager
def booted(elf: Path, cpu: str = "max") -> Iterator[Performer]:
    """Boot the guest that `build` made, on some CPU of QEMU's.

    Raises:
        StartError, BootTimeout, Ended: as for `Machine.start`.
    """
    settings: dict[str, object] = {
        "kernel.elf": elf,
        "kernel.image": elf.with_name("accesses32.elf"),
        "kernel.prompt": "ready> ",
        "kernel.prompt_rest": 0,
        "machine.display": "none",
        "machine.memory": MEMORY,
        "machine.cpu": cpu,
        "machine.log_exceptions": False,  # a log of millions of faults takes longer than they do
    }
    with Machine.start(load(elf.with_name("ringbench.toml"), settings)) as machine:
        yield Performer(machine, Types.load(elf))


def build(folder: Path) -> Path:
    """Build the guest from its sources; return its ELF, beside which lies what QEMU boots."""
    objects = []
    for source in sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.S")]):
        objects.append(folder / f"{source.name}.o")
        subprocess.run(["gcc", *CODEGEN, "-c", source, "-o", objects[-1]], check=True)
    elf = folder / "accesses.elf"
    subprocess.run(["ld", "-T", SOURCES / "guest.ld", *LINK, "-o", elf, *objects], check=True)
    image = folder / "accesses32.elf"
    subprocess.run(["objcopy", "-O", "elf32-i386", elf, image], check=True)
    (folder / "ringbench.toml").write_text("")
    return elf


def _place(types: Types) -> Place:
    offsets = types.enum("enum target_offset").values
    first = types.variable("target").address
    pdpt, pd, pt = (types.variable(f"test_{name}").address for name in ("pdpt", "pd", "pt"))
    return Place(
        tables=(pdpt, pd, pt),
        frames=(first, first + SIZE_1G),
        offsets=(offsets["TARGET_READ"], offsets["TARGET_WRITE"], offsets["TARGET_FETCH"]),
    )


def _access_bits(types: Types) -> AccessBits:
    values = types.enum("enum access").values
    return AccessBits(
        read=values["ACCESS_READ"],
        write=values["ACCESS_WRITE"],
        fetch=values["ACCESS_FETCH"],
        user=values["ACCESS_USER"],
        flush=values["ACCESS_FLUSH"],
    )


def _dtype(type_: Type) -> np.dtype[Any]:
    """Return numpy's type for a struct of integers and arrays of them."""
    if isinstance(type_, Integer):
        return np.dtype(f"<{'i' if type_.signed else 'u'}{type_.size}")
    if isinstance(type_, Array):
        return np.dtype((_dtype(type_.element), (type_.count or 0,)))
    assert isinstance(type_, Struct), type_
    members = type_.flat
    return np.dtype(
        {
            "names": list(members),
            "formats": [_dtype(member.type) for member in members.values()],
            "offsets": [member.offset for member in members.values()],
            "itemsize": type_.size,
        }
    )
