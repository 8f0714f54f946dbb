"""What a batch is made of: steps, as frozen values.

A step may use what an earlier one of its batch returned, so that a batch can be written before its
addresses are known. If that one failed, which is what its `none` says, the step is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ringbench.arch.x86_64.access import AccessKind

SKIPPED: Final = -1
"""In place of the result of a step that was skipped; results are never negative."""

_EACH_BYTE: Final = 0x0101_0101_0101_0101
_NUMBERS: Final = {AccessKind.READ: 0, AccessKind.WRITE: 1, AccessKind.EXECUTE: 2}
_AS_PROGRAM: Final = 4


@dataclass(frozen=True, slots=True)
class Result:
    """What step number `step` of the same batch returned, and `plus` added to it."""

    step: int
    plus: int = 0


Operand = int | Result


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the function at an address, with at most six integers or pointers.

    The calling convention is that of C on x86-64 (System V ABI). The result is all of RAX: of a
    function that returns less than 64 bits, what is above is of no meaning. A result that is in
    `none`, which has at most two numbers, means that the function failed.
    """

    kind: ClassVar[int] = 0
    function: Operand
    arguments: tuple[Operand, ...] = ()
    none: tuple[int, ...] = (0,)

    def operands(self) -> tuple[Operand, ...]:
        """Return function and arguments."""
        return (self.function, *self.arguments)


@dataclass(frozen=True, slots=True)
class _Bytes:
    """`length` bytes from an address on, all of them the same `byte`."""

    none: ClassVar[tuple[int, ...]] = ()
    address: Operand
    length: int
    byte: int

    def __post_init__(self) -> None:
        """Refuse what is no length, or no byte."""
        if self.length < 0 or not 0 <= self.byte <= 0xFF:
            raise ValueError(f"{self}: a length is not below 0, and a byte is 0 to 255")

    def operands(self) -> tuple[Operand, ...]:
        """Return address, length, and the byte eight times."""
        return (self.address, self.length, self.byte * _EACH_BYTE)


@dataclass(frozen=True, slots=True)
class Fill(_Bytes):
    """Writes `length` times `byte` from an address on; the result is the length."""

    kind: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Check(_Bytes):
    """Reads `length` bytes from an address on; the result is the offset of the first other `byte`.

    If all of them are that byte, it is the length.
    """

    kind: ClassVar[int] = 2


@dataclass(frozen=True, slots=True)
class Load:
    """Reads the 64-bit word at an address; the result is the word."""

    kind: ClassVar[int] = 3
    none: ClassVar[tuple[int, ...]] = ()
    address: Operand

    def operands(self) -> tuple[Operand, ...]:
        """Return the address."""
        return (self.address,)


@dataclass(frozen=True, slots=True)
class Store:
    """Writes a 64-bit word to an address; the result is 0."""

    kind: ClassVar[int] = 4
    none: ClassVar[tuple[int, ...]] = ()
    address: Operand
    value: Operand

    def operands(self) -> tuple[Operand, ...]:
        """Return address and word."""
        return (self.address, self.value)


@dataclass(frozen=True, slots=True)
class Probe:
    """Makes one access that may fault, by the kernel or as a `program` would; changes nothing.

    The result is 0 if it went through, else the exception, for `ringbench.drive.guest_calls.raised`
    to read. A write leaves the byte as it is: it reads first, and QEMU may name that as what was
    refused. Where an execution is probed, INT3 has to be there.
    """

    kind: ClassVar[int] = 6
    none: ClassVar[tuple[int, ...]] = ()
    address: Operand
    access: AccessKind
    program: bool = False

    def operands(self) -> tuple[Operand, ...]:
        """Return the address, and what is done as a number."""
        return (self.address, _NUMBERS[self.access] | (_AS_PROGRAM if self.program else 0))


@dataclass(frozen=True, slots=True)
class Leave:
    """Ends the serving of batches; `GuestCalls` alone performs it, when its block is left."""

    kind: ClassVar[int] = 5
    none: ClassVar[tuple[int, ...]] = ()

    def operands(self) -> tuple[Operand, ...]:
        """Return nothing."""
        return ()


Step = Call | Fill | Check | Load | Store | Probe
