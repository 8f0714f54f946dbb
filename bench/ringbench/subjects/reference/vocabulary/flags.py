"""Page flags: the caller's intent, with the kernel's values and the console's words.

A test holds the values equal to enum page_flags of kernel/paging/paging.h.
"""

from functools import lru_cache
from typing import Final

WRITE: Final = 1 << 0
USER: Final = 1 << 1
EXEC: Final = 1 << 2
GLOBAL: Final = 1 << 3
CACHE_WB: Final = 0 << 4
CACHE_WT: Final = 1 << 4
CACHE_UC_MINUS: Final = 2 << 4
CACHE_UC: Final = 3 << 4
CACHE_WC: Final = 4 << 4
CACHE_MASK: Final = 7 << 4
FLAGS_ALL: Final = 0x7F

CACHES: Final = (CACHE_WB, CACHE_WT, CACHE_UC_MINUS, CACHE_UC, CACHE_WC)
"""Every cache mode, in the order of the PAT."""

_LETTERS: Final = ((WRITE, "w"), (EXEC, "x"), (USER, "u"), (GLOBAL, "g"))
_CACHE_WORDS: Final = {
    CACHE_WB: "wb",
    CACHE_WT: "wt",
    CACHE_UC_MINUS: "uc-",
    CACHE_UC: "uc",
    CACHE_WC: "wc",
}


@lru_cache(maxsize=256)
def flags_text(flags: int) -> str:
    """Return flags as the console writes them: `r`, `rwg`, `rx`, `rw:uc-`.

    Raises:
        ValueError: a bit without a meaning, or no such cache mode; the grammar has no word for it.
    """
    if flags & ~FLAGS_ALL or flags & CACHE_MASK not in _CACHE_WORDS:
        raise ValueError(f"page flags {flags:#x} have no text")
    letters = "".join(letter for bit, letter in _LETTERS if flags & bit)
    cache = flags & CACHE_MASK
    return f"r{letters}:{_CACHE_WORDS[cache]}" if cache else f"r{letters}"


@lru_cache(maxsize=256)
def parse_flags(text: str) -> int:
    """Return the value of flags in the console's words: the inverse of `flags_text`.

    Raises:
        ValueError: not of that form.
    """
    letters, colon, cache_word = text.partition(":")
    modes = {word: mode for mode, word in _CACHE_WORDS.items()}
    flags = modes.get(cache_word if colon else "wb", -1)
    rest = letters.removeprefix("r")
    for bit, letter in _LETTERS:
        if rest.startswith(letter):
            rest = rest[1:]
            flags |= bit
    if flags < 0 or rest or not letters.startswith("r"):
        raise ValueError(f"{text!r} is not a set of page flags")
    return flags
