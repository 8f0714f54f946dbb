"""What a GDB channel needs of the stopped kernel besides calls: handles, scratch space, names.

Everything is asked of gdb by the kernel's own names, so that hardly a number is copied.
"""

from struct import unpack
from typing import Final

from ringbench.errors import RingbenchError
from ringbench.machine import Gdb

PADDR_NONE: Final = (1 << 64) - 1
SCRATCH_BYTES: Final = 64
FRAME_SIZE: Final = 4096
_WORD_BITS: Final = 64


class Refused(RingbenchError):
    """The channel refuses an operation as the monitor would; `status` says how."""

    def __init__(self, status: str) -> None:
        super().__init__(f"refused: {status}")
        self.status = status


class GdbKernel:
    """The kernel in a stopped guest, through gdb."""

    def __init__(self, gdb: Gdb) -> None:
        self._gdb = gdb
        self.scratch = gdb.symbol("debug_scratch")
        self._names: dict[tuple[str, int], str] = {}

    def call(self, function: str, *arguments: int) -> str:
        """Call a function that returns a status, and return the status's name."""
        return self.status(self._gdb.call(function, *arguments))

    def status(self, value: int) -> str:
        """Return the name of a status: `ok`, `no_memory`."""
        return self.name("status", value)

    def name(self, enum: str, value: int) -> str:
        """Return the lower-case name of an enumerator, without its prefix.

        Raises:
            ValueError: the enumeration has no such value.
        """
        if (enum, value) not in self._names:
            said = self._gdb.evaluate(f"(enum {enum})({value})")
            prefix, _, rest = said.partition("_")
            if not prefix.isupper() or not rest.replace("_", "").isalnum():
                raise ValueError(f"enum {enum} has no value {value}: gdb says {said!r}")
            self._names[enum, value] = rest.lower()
        return self._names[enum, value]

    def value(self, expression: str) -> int:
        """Return the value of an expression."""
        return self._gdb.evaluate_int(expression)

    def assign(self, target: str, value: int) -> None:
        """Set a variable or register of 64 bits."""
        self._gdb.evaluate(f"{target} = (unsigned long){value:#x}")

    def words(self, count: int = 1) -> tuple[int, ...]:
        """Return the first words of the scratch space."""
        found: tuple[int, ...] = unpack(f"<{count}Q", self.read_scratch(8 * count))
        return found

    def read_scratch(self, length: int) -> bytes:
        """Return the first bytes of the scratch space."""
        return self._gdb.read_memory(self.scratch, length)

    def write_scratch(self, data: bytes) -> None:
        """Fill the scratch space from its start."""
        self._gdb.write_memory(self.scratch, data)

    def task(self, handle: str) -> int:
        """Return the address of a task's struct."""
        address = self._gdb.call("task_find", int(handle[1:]))
        if not address:
            raise Refused("not_found")
        return address

    def records(self) -> set[int]:
        """Return the addresses of all tasks' records in the heap."""
        found: set[int] = set()
        record = self.value("boot_task.next")
        while record and record not in found:
            found.add(record)
            record = self.value(f"((struct task *){record:#x})->next")
        return found

    def space(self, handle: str) -> int:
        """Return the address of the vm_space that a handle names."""
        if handle == "kernel":
            return self._gdb.symbol("kernel_space")
        task = self.task(handle)
        if handle == "t0":
            raise Refused("denied")
        return self.value(f"(unsigned long)&((struct task *){task:#x})->space")

    def root(self, handle: str) -> int:
        """Return the root that a handle names."""
        if handle.startswith("r"):
            root = self._bare(int(handle[1:]))
            if root == PADDR_NONE:
                raise Refused("not_found")
            return root
        if handle in ("kernel", "t0"):
            return self._gdb.call("paging_kernel_root")
        return self.value(f"((struct task *){self.task(handle):#x})->space.root")

    def bare_root(self, handle: str) -> int:
        """Return the bare root that a handle names; other roots are denied."""
        root = self.root(handle)
        if not handle.startswith("r"):
            raise Refused("denied")
        return root

    def unused_root(self) -> int:
        """Return the lowest number of a bare root that is not in use."""
        for number in range(self._root_count()):
            if self._bare(number) == PADDR_NONE:
                return number
        raise Refused("no_space")

    def _root_count(self) -> int:
        return self.value("sizeof(console.roots) / sizeof(console.roots[0])")

    def _bare(self, number: int) -> int:
        if number >= self._root_count():
            return PADDR_NONE
        return self.value(f"console.roots[{number}]")

    def may_free(self, base: int, count: int) -> bool:
        """Tell whether pmm_free would fail, or every frame of the run was lent."""
        first, end = base // FRAME_SIZE, base // FRAME_SIZE + count
        if count == 0 or base % FRAME_SIZE or end > self.value("pmm.frame_limit"):
            return True
        run = ((1 << count) - 1) << first % _WORD_BITS
        managed, free, lent = (
            self._bits(pointer, first, end)
            for pointer in ("pmm.managed_bits", "pmm.free_bits", "console.lent_bits")
        )
        return bool(run & ~managed or run & free) or not run & ~lent

    def _bits(self, pointer: str, first: int, end: int) -> int:
        """Return the words of a bitmap that hold bits [first, end), as one number."""
        word = first // _WORD_BITS
        count = (end - 1) // _WORD_BITS - word + 1
        address = self.value(pointer) + 8 * word
        return int.from_bytes(self._gdb.read_memory(address, 8 * count), "little")
