"""The kernel's functions by name, as a test wants them: `calls.kmalloc(64)`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ringbench.debuginfo.ctype import Boolean, Enum, Integer, Pointer
from ringbench.debuginfo.dwarf import Types
from ringbench.debuginfo.near import near
from ringbench.debuginfo.symbols import Symbols
from ringbench.drive.guest_calls.calls import GuestCalls
from ringbench.drive.guest_calls.steps import Call
from ringbench.errors import ImageError
from ringbench.explain.names import Names

WORD = 8


def function_address(elf: Path, name: str, slide: int = 0) -> int:
    """Return the address of a function of a kernel that runs `slide` higher than it was linked.

    Raises:
        ImageError: there is none of that name, or several; it is no code; or the ELF file cannot
            be read.
    """
    symbols = Symbols.load(elf)
    if not symbols.addresses(name):
        raise ImageError(f"{elf}: no function {name!r}{near(name, symbols.names)}")
    address = symbols.address(name)
    if not Names(elf).is_code(address):
        raise ImageError(f"{elf}: {name!r}, at {address:#x}, is no function")
    return address + slide


class KernelFunctions:
    """Each function of the kernel as an attribute, or in brackets if its name cannot be one.

    A call takes up to six integers, and returns what the function returns as the debug information
    has its type: `calls.kfree(block) == -1`. Without that it is all 64 bits, unsigned.

    Raises of a call:
        CallError: the function ended the guest, or did not return.
    """

    def __init__(self, calls: GuestCalls, elf: Path, slide: int = 0) -> None:
        self._calls = calls
        self._elf = elf
        self._slide = slide
        self._functions: dict[str, Callable[..., int]] = {}

    def __getattr__(self, name: str) -> Callable[..., int]:
        """Return a function.

        Raises:
            AttributeError: the kernel has none of that name; near ones are named.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except ImageError as error:
            raise AttributeError(str(error)) from None

    def __getitem__(self, name: str) -> Callable[..., int]:
        """Return a function.

        Raises:
            ImageError: the kernel has none of that name, or several.
        """
        if name not in self._functions:
            self._functions[name] = self._function(name)
        return self._functions[name]

    def _function(self, name: str) -> Callable[..., int]:
        address = function_address(self._elf, name, self._slide)
        try:
            returned = Types.load(self._elf).returned(name)
        except ImageError:  # no debug information
            returned = None

        def call(*arguments: int) -> int:
            [result] = self._calls.perform([Call(address, arguments, none=())])
            if isinstance(returned, Integer | Enum | Boolean | Pointer):
                return returned.decode(result.to_bytes(WORD, "little"), 0, 0)
            return result

        return call
