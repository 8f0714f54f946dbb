"""The words of a console line: how each argument of an operation is written and read.

What an argument is, its name says: whatever is called `flags` is page flags. Those without an entry
here are numbers. The grammar is the console's own (kernel/console/README.md), so that what a person
may type is what is read: numbers decimal or hexadecimal.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from ringbench.arch.x86_64.address import SIZE_1G, SIZE_2M, SIZE_4K
from ringbench.subjects.reference.vocabulary.constants import BYTES_MAX, AccessMode, VmKind
from ringbench.subjects.reference.vocabulary.flags import flags_text, parse_flags

HANDLES: Final = ("root", "space", "to", "source", "task")
"""The arguments that are handles."""

PAGE_SIZE_WORDS: Final = {SIZE_4K: "4k", SIZE_2M: "2m", SIZE_1G: "1g"}


class Word(NamedTuple):
    """A kind of argument.

    Attributes:
        write: returns the word for a value; raises ValueError where the console has none.
        read: the inverse; raises ValueError with what it expected instead.
    """

    write: Callable[[Any], str]
    read: Callable[[str], Any]


def word_of(argument: str) -> Word:
    """Return how an argument is written and read, by its name."""
    return _WORDS.get(argument, _NUMBER)


LONGEST: Final = 100
"""Characters of a number, zeros in front included."""


def read_number(word: str) -> int:
    """Return an unsigned number of 64 bits, decimal or hexadecimal.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch("0x[0-9a-fA-F]+|[0-9]+", word):
        raise ValueError("expected a number, decimal or 0x and hexadecimal")
    value = int(word, 16 if word.startswith("0x") else 10) if len(word) <= LONGEST else None
    if value is None or value >> 64:
        raise ValueError("expected a number below 2^64")
    return value


def _matching(pattern: str, what: str) -> Word:
    """Return a kind of argument that is the word itself."""

    def read(word: str) -> str:
        if not re.fullmatch(pattern, word):
            raise ValueError(f"expected {what}")
        return word

    return Word(str, read)


def _one_of(words: Iterable[str]) -> Word:
    words = tuple(words)
    return _matching("|".join(words), f"one of {', '.join(words)}")


def _write_page_size(size: int) -> str:
    if size not in PAGE_SIZE_WORDS:
        raise ValueError(f"the console has no word for a page size of {size}")
    return PAGE_SIZE_WORDS[size]


def _read_page_size(word: str) -> int:
    sizes = {word: size for size, word in PAGE_SIZE_WORDS.items()}
    if word not in sizes:
        raise ValueError(f"expected one of {', '.join(sizes)}")
    return sizes[word]


def _read_bytes(word: str) -> bytes:
    if not re.fullmatch(f"([0-9a-fA-F]{{2}}){{1,{BYTES_MAX}}}", word):
        raise ValueError(f"expected 1 to {BYTES_MAX} bytes, two hexadecimal digits each")
    return bytes.fromhex(word)


_NUMBER: Final = Word(hex, read_number)
_ROOT: Final = _matching("kernel|[tr][0-9]{1,18}", "`kernel`, a task like t1 or a root like r0")
_OBJECT: Final = _matching("o[0-9]{1,18}", "an object like o0")


def _write_place(place: int | str) -> str:
    return _OBJECT.write(place) if isinstance(place, str) else hex(place)


def _read_place(word: str) -> int | str:
    """Read a physical address, or an object's handle."""
    found: int | str = _OBJECT.read(word) if word.startswith("o") else read_number(word)
    return found


_WORDS: Final[dict[str, Word]] = {
    **dict.fromkeys(HANDLES, _ROOT),
    "cache": Word(str, read_number),
    "count": Word(str, read_number),
    "disk": _matching("d[0-9]{1,18}", "a disk like d0"),
    "file": _matching("f[0-9]{1,18}", "an open file like f0"),
    "name": _matching(f"[!-~]{{1,{BYTES_MAX}}}", f"1 to {BYTES_MAX} printable characters"),
    "data": Word(bytes.hex, _read_bytes),
    "flags": Word(flags_text, parse_flags),
    "kind": _one_of(VmKind.texts()),
    "mode": _one_of(mode.value for mode in AccessMode),
    "object": _OBJECT,
    "place": Word(_write_place, _read_place),
    "page_size": Word(_write_page_size, _read_page_size),
    "task": _matching("t[0-9]{1,18}", "a task like t1"),
}
