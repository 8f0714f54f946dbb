"""A stopped guest of any kernel, to be read by the names of its variables and types.

Whatever the guest's memory holds, reading it ends: a pointer that leads nowhere, a list that bites
its tail, a count that cannot be are each noted as a `Broken` and the reader goes on with what it
has; what is more than any kernel's is left out (`notebook`). The notebook lives only as long as one
picture is being taken.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ringbench.arch.x86_64.address import ADDRESS_END
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.virtual import VirtualMemory, VirtualUnreadable
from ringbench.arch.x86_64.walk import translate
from ringbench.debuginfo.dwarf import Record, Struct, Types, read_value
from ringbench.errors import MemoryUnreadable
from ringbench.observe.notebook import RECORD, RUNS, Broken, Notebook

__all__ = ["UNREADABLE", "Broken", "GuestReader", "c_string", "member"]


UNREADABLE = (VirtualUnreadable, MemoryUnreadable)
"""What a read through a bad pointer raises."""


class GuestReader:
    """Reads one stopped guest: its variables and records by type, and notes what is broken.

    Virtual addresses are those under `root`, the kernel half's at least.

    Attributes:
        memory: the guest's physical memory.
        types: names and types out of the kernel's DWARF.
        root: physical address of a PML4 that maps the kernel, or a CR3 value.
        features: the processor's, as far as the tables mean something by them.
        virtual: memory by virtual addresses.
        notebook: what is broken, and the budget; further readers of the same picture share it.
    """

    def __init__(
        self,
        memory: PhysicalMemory,
        types: Types,
        root: int,
        features: Features,
        notebook: Notebook | None = None,
    ) -> None:
        self.memory = memory
        self.types = types
        self.root = root
        self.features = features
        self.virtual = VirtualMemory(memory, root, features)
        self.notebook = notebook if notebook is not None else Notebook()

    def note(self, layer: str, what: str, where: str) -> None:
        """Write down something broken."""
        self.notebook.note(layer, what, where)

    def struct(self, name: str) -> Struct:
        """Return a struct by its C name."""
        return self.types.struct(name)

    def integer(self, path: str) -> int:
        """Return the integer, pointer or enumeration at a dotted path from a global variable."""
        return int(self.types.value(self.virtual, path))

    def boolean(self, layer: str, path: str) -> bool:
        """Return the boolean at a dotted path; it is noted if its byte is neither 0 nor 1."""
        found = self.types.locate(path)
        number = int.from_bytes(self.virtual.read(found.address, found.type.size), "little")
        if number > 1:
            self.note(layer, f"a boolean is {number}", path)
        return bool(number)

    def integers(self, path: str) -> tuple[int, ...]:
        """Return the global array of integers at a dotted path."""
        return tuple(int(each) for each in self.types.value(self.virtual, path))

    def record(self, address: int, type_name: str) -> Record | None:
        """Return the struct at an address, or None if that is not memory."""
        try:
            record = read_value(self.virtual, address, self.struct(type_name))
        except UNREADABLE:
            return None
        assert isinstance(record, Record)
        return record

    def bytes(self, address: int, length: int) -> bytes | None:
        """Return memory at a virtual address, or None if some of it is not readable."""
        if address + length > ADDRESS_END:
            return None
        try:
            return self.virtual.read(address, length)
        except UNREADABLE:
            return None

    def paddr_of(self, address: int) -> int | None:
        """Return the physical address of a virtual one, or None if it is not mapped."""
        return translate(self.memory, self.root, address, self.features).paddr

    def text(self, path: str) -> str:
        """Return the NUL-ended text in the global array of characters at a dotted path."""
        return c_string(self.types.value(self.virtual, path))

    def bitmap(self, layer: str, path: str, bits: int) -> int:
        """Return a bitmap of `bits` bits, in 64-bit words, that the pointer at `path` leads to.

        Bits past the end of the bitmap in its last word are part of the result. Of one with more
        runs of set bits than the budget has, there are as many as it has, the lowest.
        """
        address = self.integer(path)
        data = self.bytes(address, (bits + 63) // 64 * 8)
        if data is None:
            self.note(layer, f"the bitmap at {address:#x} is not readable", path)
            return 0
        found = int.from_bytes(data, "little")
        left = self.notebook.records * RUNS
        if self.notebook.spend(layer, path, count_runs(found) // RUNS):
            return found
        return lowest_runs(found, left)

    def chain(
        self,
        layer: str,
        start: int,
        type_name: str,
        next_name: str,
        holder: Callable[[int], str],
        cost: int = RECORD,
        end: int = 0,
    ) -> Iterator[Record]:
        """Yield the records of a linked list, which ends at `end`, at a bad pointer or at a loop.

        `end` is NULL, or the address of a ring's head. `holder(n)` is where the pointer to record n
        is, to be told of a bad one. Each record takes `cost` out of the picture's budget.
        """
        seen: set[int] = set()
        address = start
        while address != end:
            where = holder(len(seen))
            if address in seen:
                self.note(layer, f"the list of {type_name} returns to {address:#x}", where)
                return
            if not self.notebook.spend(layer, where, cost):
                return
            seen.add(address)
            record = self.record(address, type_name)
            if record is None:
                self.note(layer, f"the list of {type_name} leads to {address:#x}", where)
                return
            yield record
            address = member(record, next_name)


def count_runs(bits: int) -> int:
    """Return how many runs of set bits there are."""
    return (bits & ~(bits << 1)).bit_count()


def lowest_runs(bits: int, count: int) -> int:
    """Return a bitmap's lowest `count` runs of set bits, with nothing above them."""
    if count_runs(bits) <= count:
        return bits
    low, high = 0, bits.bit_length()
    while high - low > 1:
        middle = (low + high) // 2
        if count_runs(bits & (1 << middle) - 1) <= count:
            low = middle
        else:
            high = middle
    return bits & (1 << low) - 1


def member(record: Record, name: str) -> int:
    """Return an integer, pointer or enumeration member of a record."""
    return int(record[name])


def c_string(value: Any) -> str:
    """Return the text of an array of characters up to its NUL; what is no UTF-8 is escaped."""
    data = value if isinstance(value, bytes) else bytes(int(each) & 0xFF for each in value)
    return data.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
