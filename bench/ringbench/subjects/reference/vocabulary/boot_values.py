"""What the kernel keeps of its boot, as the model predicts it and as pictures show it."""

from typing import NamedTuple

from ringbench.subjects.reference.vocabulary.constants import MemoryKind


class MemoryRange(NamedTuple):
    """A range of physical memory of one kind: whole frames, in bytes.

    Attributes:
        kind: a `MemoryKind`; in a picture of a broken kernel any other number.
    """

    base: int
    length: int
    kind: int

    @property
    def end(self) -> int:
        """The first address after the range."""
        return self.base + self.length

    def __str__(self) -> str:
        texts = {int(kind): kind.text for kind in MemoryKind}
        kind = texts.get(self.kind, f"kind {self.kind}")
        return f"{self.base:#x} + {self.length:#x} {kind}"


class Module(NamedTuple):
    """A module that the loader brought: physical address, bytes, and the text given with it."""

    base: int
    length: int
    name: str
