"""What an operation of the reference kernel is: a plain value that says all about itself.

Its class states the layer, the console's command, what its replies are made of; its fields are the
arguments, in the order of the console's line. The model, the codecs of the channels and the parser
of lines work from that. A reply that does not fit its operation's shapes is malformed: nothing is
guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import ClassVar

from ringbench.subjects.reference.vocabulary.values import Shape
from ringbench.subjects.reference.vocabulary.words import word_of


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation; `str` gives the console's line for it: `vm alloc t1 0x3000 demand rwu`.

    Attributes:
        layer: which layer of the kernel it is performed by, and counted with: `pmm`.
        command: the console's command, one or two words.
        values: the forms that the values of a success may have, each of another length.
        failures: status -> the values of that failure; any other failure has none.
    """

    layer: ClassVar[str]
    command: ClassVar[str]
    values: ClassVar[tuple[Shape, ...]] = ((),)
    failures: ClassVar[Mapping[str, Shape]] = MappingProxyType({})

    @classmethod
    def shapes(cls, status: str) -> tuple[Shape, ...]:
        """Return the forms that the values of a reply with this status may have."""
        return cls.values if status == "ok" else (cls.failures.get(status, ()),)

    def __str__(self) -> str:
        arguments = ((field.name, getattr(self, field.name)) for field in fields(self))
        written = (word_of(name).write(value) for name, value in arguments if value is not None)
        return " ".join((self.command, *written))
