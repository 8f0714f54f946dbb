"""The names that compilers give to the linker, as the programmer wrote them."""

import re
from collections.abc import Iterable
from typing import Final

import pydemumble

MOST: Final = 1 << 25
"""Characters of all names of a file together; what is more, stays as the linker has it."""

_MANGLED: Final = ("_Z", "_R", "__R", "__Z")
_REFERENCE: Final = re.compile("[STB][0-9A-Za-z]*_")  # to an earlier piece, however long that is


def demangled(names: Iterable[str]) -> dict[str, str]:
    """Return what each mangled name (C++, Rust) stands for, of those that stand for another."""
    result: dict[str, str] = {}
    left = MOST
    for name in names:
        if name.startswith(_MANGLED) and _longest(name) <= left:
            found: str = pydemumble.demangle(name)
            left -= len(found)
            if found and found != name:
                result[name] = found
    return result


def _longest(name: str) -> int:
    """Return more characters than a name can stand for.

    A piece of a name can be two references to the piece before it, and so be twice as long as that.
    """
    return len(name) << len(_REFERENCE.findall(name)) // 2
