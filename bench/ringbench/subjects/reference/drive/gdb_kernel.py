"""What a GDB channel needs of the stopped kernel besides calls: handles, scratch space, names.

Everything is asked of gdb by the kernel's own names, so that hardly a number is copied.
"""

from struct import unpack
from typing import Final

from ringbench.drive.reply import Reply
from ringbench.machine import Gdb
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, PADDR_NONE
from ringbench.subjects.reference.vocabulary.handles import (
    BOOT_TASK,
    KERNEL,
    is_bare_root,
    number_of,
)
from ringbench.subjects.reference.vocabulary.status import Refused, Status

_WORD_BITS: Final = 64


class GdbKernel:
    """The kernel in a stopped guest, through gdb."""

    def __init__(self, gdb: Gdb) -> None:
        self._gdb = gdb
        self.scratch = gdb.symbol("debug_scratch")
        self._names: dict[tuple[str, int], str] = {}

    def call(self, function: str, *arguments: int) -> int:
        """Call a function, and return what it returns."""
        return self._gdb.call(function, *arguments)

    def reply(self, function: str, *arguments: int) -> Reply:
        """Call a function that returns a status, and return the reply with that, without values."""
        return Reply(self.status(self.call(function, *arguments)))

    def with_word(self, reply: Reply) -> Reply:
        """Return a reply; a success gets the first word of the scratch space for its value."""
        return Reply("ok", self.words()) if reply.ok else reply

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
        address = self.call("task_find", number_of(handle))
        if not address:
            raise Refused(Status.NOT_FOUND)
        return address

    def space(self, handle: str) -> int:
        """Return the address of the vm_space that a handle names."""
        if handle == KERNEL:
            return self._gdb.symbol("kernel_space")
        task = self.task(handle)
        if handle == BOOT_TASK:
            raise Refused(Status.DENIED)
        return self.value(f"(unsigned long)&((struct task *){task:#x})->space")

    def changeable(self, handle: str, vaddr: int) -> int:
        """Return the address of a vm_space whose region at an address is not a disk's registers."""
        space = self.space(handle)
        if handle == KERNEL and self.call("disk_owns", vaddr) & 0xFF:
            raise Refused(Status.DENIED)
        return space

    def disk(self, handle: str) -> int:
        """Return the address of a disk's struct."""
        if number_of(handle) >= self.value("disk_count"):
            raise Refused(Status.NOT_FOUND)
        return self.value(f"(unsigned long)&disks[{number_of(handle)}]")

    def file(self, handle: str) -> int:
        """Return the address of an open file's struct."""
        number = number_of(handle)
        count = self.value("sizeof(files) / sizeof(files[0])")
        if number >= count or not self.value(f"files[{number}].references"):
            raise Refused(Status.NOT_FOUND)
        return self.value(f"(unsigned long)&files[{number}]")

    def object(self, handle: str) -> int:
        """Return the address of a memory object's struct."""
        address = self.call("object_find", number_of(handle))
        if not address:
            raise Refused(Status.NOT_FOUND)
        return address

    def unused_cache(self) -> int:
        """Return the lowest number of a slab cache that is not in use."""
        for number in range(self._cache_count()):
            if self.value(f"console.caches[{number}].size") == 0:
                return number
        raise Refused(Status.NO_SPACE)

    def cache(self, number: int) -> int:
        """Return the address of the console's slab cache of a number."""
        if number >= self._cache_count() or not self.value(f"console.caches[{number}].size"):
            raise Refused(Status.NOT_FOUND)
        return self.value(f"(unsigned long)&console.caches[{number}]")

    def _cache_count(self) -> int:
        return self.value("sizeof(console.caches) / sizeof(console.caches[0])")

    def root(self, handle: str) -> int:
        """Return the root that a handle names."""
        if is_bare_root(handle):
            root = self._bare(number_of(handle))
            if root == PADDR_NONE:
                raise Refused(Status.NOT_FOUND)
            return root
        if handle in (KERNEL, BOOT_TASK):
            return self.call("paging_kernel_root")
        return self.value(f"((struct task *){self.task(handle):#x})->space.root")

    def bare_root(self, handle: str) -> int:
        """Return the bare root that a handle names; other roots are denied."""
        root = self.root(handle)
        if not is_bare_root(handle):
            raise Refused(Status.DENIED)
        return root

    def unused_root(self) -> int:
        """Return the lowest number of a bare root that is not in use."""
        for number in range(self._root_count()):
            if self._bare(number) == PADDR_NONE:
                return number
        raise Refused(Status.NO_SPACE)

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
