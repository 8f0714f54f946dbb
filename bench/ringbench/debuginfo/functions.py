"""What a function's debug information says that it takes, in so many words as a call needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ringbench.debuginfo.elf import damage, open_elf
from ringbench.debuginfo.entry import name_of, number, refers
from ringbench.debuginfo.lookup import Lookup
from ringbench.debuginfo.separate import debug_file
from ringbench.debuginfo.symbols import Symbols

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE

PLAIN: Final = {
    "DW_TAG_base_type": "integer",
    "DW_TAG_enumeration_type": "integer",
    "DW_TAG_pointer_type": "pointer",
    "DW_TAG_reference_type": "pointer",
}
"""Kinds of types that are passed in one integer register (System V ABI for AMD64, 3.2.3)."""

_FLOATS: Final = (3, 4)  # DW_ATE_complex_float, DW_ATE_float
_DEEPEST: Final = 64


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its name, and "integer", "pointer", or what else it is."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes.

    Attributes:
        parameters: in order.
        variadic: whether any number may follow.
        inlined: whether the compiler has put it into its callers; there may be no code of its own.
        returns: whether it returns anything.
    """

    parameters: tuple[Parameter, ...]
    variadic: bool
    inlined: bool
    returns: bool = True


class Functions:
    """The functions of an ELF file that has debug information."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            ImageError: not a 64-bit x86 ELF file, or without DWARF.
        """
        elf = open_elf(path)
        self._where, dwarf = debug_file(path, elf)
        with damage(self._where):
            symbols = Symbols.of(elf, path, debug=dwarf)
            self._lookup = Lookup(path, dwarf, self._where, symbols)

    def signature(self, name: str) -> Signature | None:
        """Return what is known of a function of this name in the source; None if nothing is.

        Raises:
            ImageError: the debug information is damaged.
        """
        with damage(self._where):
            die = self._lookup.function(name)
            if die is None:
                return None
            children = list(die.iter_children())
            parameters = tuple(
                Parameter(name_of(each) or "?", _kind(each))
                for each in children
                if each.tag == "DW_TAG_formal_parameter"
            )
            return Signature(
                parameters,
                any(each.tag == "DW_TAG_unspecified_parameters" for each in children),
                number(die, "DW_AT_inline") in (1, 3),
                refers(die, "DW_AT_type") is not None,
            )


def _kind(die: DIE) -> str:
    of: DIE | None = die
    for _ in range(_DEEPEST):
        of = refers(of, "DW_AT_type") if of is not None else None
        if of is None:
            break
        if number(of, "DW_AT_encoding") in _FLOATS:
            return "floating-point number"
        if of.tag in PLAIN:
            return PLAIN[of.tag]
        if of.tag in ("DW_TAG_structure_type", "DW_TAG_union_type", "DW_TAG_class_type"):
            return "structure"
    return "something"
