"""The names that compilers give to the linker, as the programmer wrote them."""

import re
from collections.abc import Iterable
from typing import Final

import pydemumble

from ringbench.debuginfo.names import ANONYMOUS

MOST: Final = 1 << 25
"""Characters of all names of a file together; what is more, stays as the linker has it."""

_MANGLED: Final = ("_Z", "_R", "__R", "__Z")
_METHOD: Final = re.compile(r"^<([^<> ]+)>::")
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


def spellings(text: str) -> set[str]:
    """Return the ways in which a person may write a name that stands for a mangled one.

    With a function's types or without, without an anonymous namespace, and a method of Rust's by
    its type: `<heap::Heap>::alloc` is `heap::Heap::alloc`.
    """
    plain = _METHOD.sub(r"\1::", text.replace(ANONYMOUS + "::", ""))
    is_function = plain.removesuffix(" const").endswith(")")
    return {text, plain, plain.partition("(")[0] if is_function else plain}


def _longest(name: str) -> int:
    """Return more characters than a name can stand for.

    A piece of a name can be two references to the piece before it, and so be twice as long as that.
    """
    return len(name) << len(_REFERENCE.findall(name)) // 2
