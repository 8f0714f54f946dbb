"""Names as people write them: of what language ever, whole or without their outer scopes."""

import re
from dataclasses import dataclass
from typing import Final

ANONYMOUS: Final = "(anonymous namespace)"

_FILE: Final = re.compile(r"'(?P<quoted>[^']+)'::(?P<a>.+)|(?P<plain>[^:<>'\[\]]+):(?!:)(?P<b>.+)")
_KIND: Final = re.compile(r"(struct|class|union|enum)\s+(.+)")
_TEMPLATE: Final = re.compile(r"[<>]|::|\.|[^<>:.]+|:")


@dataclass(frozen=True, slots=True)
class Name:
    """What is looked for.

    Attributes:
        parts: the scopes from the outermost on, as far as they are given, and the name itself.
        file: the end of the source file's path, or empty: `alloc.c:counter`, `'alloc.c'::counter`.
        kind: `struct`, `class`, `union` or `enum` if that was said, else empty.
    """

    parts: tuple[str, ...]
    file: str = ""
    kind: str = ""

    @property
    def last(self) -> str:
        """The name itself, without scopes."""
        return self.parts[-1]

    def fits(self, parts: tuple[str, ...], source: str) -> bool:
        """Say whether this can mean what is in the scopes `parts` of the file `source`."""
        if self.file and not ("/" + source).endswith("/" + self.file):
            return False
        return parts[-len(self.parts) :] == self.parts


def parse(text: str) -> Name:
    """Return what a text like `mem::Region`, `struct zone` or `alloc.c:counter` looks for."""
    file = kind = ""
    if found := _FILE.fullmatch(text):
        file = found["quoted"] or found["plain"]
        text = found["a"] or found["b"]
    if found := _KIND.fullmatch(text):
        kind, text = found[1], found[2]
    return Name(split(text), file, kind)


def split(text: str, dots: bool = True) -> tuple[str, ...]:
    """Return a qualified name's parts, anonymous namespaces left out; `<...>` stays whole."""
    parts, depth = [""], 0
    for token in _TEMPLATE.findall(text):
        depth += (token == "<") - (token == ">")
        if depth == 0 and (token == "::" or (dots and token == ".")):
            parts.append("")
        else:
            parts[-1] += token
    kept = tuple(part for part in parts if part and part != ANONYMOUS)
    return kept or (text,)
