"""What a function's debug information says that it takes, in so many words as a call needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ringbench.debuginfo.demangle import demangled
from ringbench.debuginfo.elf import damage, open_elf
from ringbench.debuginfo.entry import name_of, number, refers
from ringbench.debuginfo.lookup import Lookup
from ringbench.debuginfo.names import ANONYMOUS
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

    def signature(self, name: str, address: int | None = None) -> Signature | None:
        """Return what is known of a function of this name in the source; None if nothing is.

        Of several functions of the name it is that at `address`, to which it was linked.

        Raises:
            ImageError: the debug information is damaged.
        """
        with damage(self._where):
            name = demangled((name,)).get(name, name).replace(f"{ANONYMOUS}::", "")
            die = self._lookup.function(name.partition("(")[0], address)
            if die is None:
                return None
            children = list(die.iter_children())
            parameters = tuple(
                Parameter(_name(each), _kind(each))
                for each in children
                if each.tag == "DW_TAG_formal_parameter"
            )
            return Signature(
                parameters,
                any(each.tag == "DW_TAG_unspecified_parameters" for each in children),
                number(die, "DW_AT_inline") in (1, 3),
                _returns(die),
            )


def _name(die: DIE) -> str:
    """Return a parameter's name, which may stand where its function was written, not compiled."""
    origin = refers(die, "DW_AT_abstract_origin")
    return name_of(die) or (name_of(origin) if origin is not None else None) or "?"


def _returns(die: DIE) -> bool:
    """Whether a function returns anything, as its definition or what that refers to says."""
    of: DIE | None = die
    for _ in range(_DEEPEST):
        if of is None:
            break
        if "DW_AT_type" in of.attributes:
            return True
        of = refers(of, "DW_AT_specification") or refers(of, "DW_AT_abstract_origin")
    return False


def _kind(die: DIE) -> str:
    of: DIE | None = refers(die, "DW_AT_abstract_origin") or die
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
