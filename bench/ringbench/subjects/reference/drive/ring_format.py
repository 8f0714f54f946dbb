"""Operations as requests of the kernel's ring, its replies as values (kernel/console/ring.h).

Pure. A `RingFormat` has everything that depends on the kernel's build: `observe.ring`
finds it in the debug information and in the kernel's own table of commands. A request has the same
arguments in the same order as the console's line, as numbers; a reply has the same values.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ringbench.drive.reply import Reply
from ringbench.errors import MalformedReply
from ringbench.subjects.reference.vocabulary.constants import BYTES_MAX, AccessMode
from ringbench.subjects.reference.vocabulary.flags import flags_text
from ringbench.subjects.reference.vocabulary.handles import (
    KERNEL,
    disk_handle,
    file_handle,
    is_bare_root,
    is_task,
    number_of,
    object_handle,
    root_handle,
    task_handle,
)
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.table import OPERATIONS
from ringbench.subjects.reference.vocabulary.values import ValueKind
from ringbench.subjects.reference.vocabulary.words import HANDLES

_PLAIN: Final = frozenset((ValueKind.ADDRESS, ValueKind.COUNT, ValueKind.ERROR))
_WORD: Final = 1 << 64

Number = Callable[[Any], int]
"""Makes the number of an argument out of an operation's field."""

Text = Callable[[int, bytes], int | str]
"""Makes a value of a reply out of its number and the reply's bytes."""


@dataclass(frozen=True)
class RingFormat:
    """The ring of one build of the kernel.

    Attributes:
        slots: how many requests may be under way.
        request: command, count, `arguments` numbers, bytes.
        reply: status, count, `values` numbers, bytes.
        commands: number of each command, by the console's name of it.
        handles, kinds, accesses, statuses, vectors: enumerators by their lower-case names.
        handle_bits: a handle is its kind, and its number shifted left by this.
    """

    slots: int
    request: struct.Struct
    arguments: int
    reply: struct.Struct
    values: int
    commands: Mapping[str, int]
    handles: Mapping[str, int]
    handle_bits: int
    kinds: Mapping[str, int]
    accesses: Mapping[str, int]
    statuses: Mapping[str, int]
    vectors: Mapping[str, int]


class RingCodec:
    """Encodes operations and decodes replies."""

    def __init__(self, ring: RingFormat) -> None:
        self._format = ring
        accesses = {mode.value: ring.accesses[mode.name.lower()] for mode in AccessMode}
        self._no_bytes = bytes(BYTES_MAX)
        self._statuses = {number: name for name, number in ring.statuses.items()}
        special: dict[str, Number] = {
            "kind": ring.kinds.__getitem__,
            "mode": accesses.__getitem__,
            "data": len,
            "name": len,
            "disk": number_of,
            "file": number_of,
            "object": number_of,
            "place": lambda place: number_of(place) if isinstance(place, str) else place,
        } | dict.fromkeys(HANDLES, self._handle)
        self._plans = {
            operation: (
                ring.commands[operation.command],
                tuple((field.name, special.get(field.name)) for field in fields(operation)),
            )
            for operation in OPERATIONS
        }
        kinds = {number: name for name, number in ring.kinds.items()}
        vectors = {number: name for name, number in ring.vectors.items()}
        self._texts: dict[ValueKind, Text] = {
            ValueKind.ROOT: lambda number, _: root_handle(number),
            ValueKind.TASK: lambda number, _: task_handle(number),
            ValueKind.DISK: lambda number, _: disk_handle(number),
            ValueKind.FILE: lambda number, _: file_handle(number),
            ValueKind.OBJECT: lambda number, _: object_handle(number),
            ValueKind.FLAGS: lambda number, _: flags_text(number),
            ValueKind.BACKING: lambda number, _: kinds[number],
            ValueKind.BYTES: _hex,
            ValueKind.VECTOR: lambda number, _: vectors[number],
            ValueKind.CAUSE: lambda number, _: self._statuses[number - _WORD],
        } | dict.fromkeys(_PLAIN, lambda number, _: number)
        self._forms: dict[
            tuple[type[Operation], int, int], tuple[str, tuple[Text, ...] | None]
        ] = {}

    def encode(self, operation: Operation) -> bytes:
        """Return the request for an operation.

        Raises:
            ValueError: a number of more than 64 bits, or a handle, kind or mode that is none.
        """
        command, plan = self._plans[type(operation)]
        numbers, data = [], b""
        try:
            for name, number in plan:
                value = getattr(operation, name)
                if value is None:
                    continue
                if name == "data":
                    data = value
                elif name == "name":
                    data = value.encode()
                numbers.append(value if number is None else number(value))
            absent = self._format.arguments - len(numbers)
            return self._format.request.pack(command, len(numbers), *numbers, *(0,) * absent, data)
        except (struct.error, KeyError) as error:
            raise ValueError(f"`{operation}` cannot be asked for: {error}") from None

    def decode(self, operation: Operation, reply: bytes, offset: int = 0) -> Reply:
        """Return the reply to an operation from the struct at `offset`.

        Raises:
            MalformedReply: a status that is none, or values that do not fit the operation.
        """
        status, count, *numbers, data = self._format.reply.unpack_from(reply, offset)
        key = type(operation), status, count
        try:
            if key not in self._forms:
                self._forms[key] = self._form(*key)
            name, texts = self._forms[key]
            del numbers[count:]
            if texts is None:
                if data != self._no_bytes:
                    raise ValueError(f"bytes {data.hex()}, and nobody asked for any")
                return Reply(name, tuple(numbers))
            return Reply(name, tuple(text(n, data) for text, n in zip(texts, numbers, strict=True)))
        except (KeyError, ValueError) as error:
            raise MalformedReply(
                f"`{operation}`: malformed reply: status {status}, {count} values "
                f"{[hex(number) for number in numbers]}: {error}"
            ) from None

    def _form(
        self, operation: type[Operation], status: int, count: int
    ) -> tuple[str, tuple[Text, ...] | None]:
        """Return a status's name, and what makes the values; None if they are plain numbers."""
        name = self._statuses[status]
        for shape in operation.shapes(name):
            if len(shape) == count:
                plain = _PLAIN.issuperset(shape)
                return name, None if plain else tuple(self._texts[kind] for kind in shape)
        raise ValueError(f"`{name}` with {count} values")

    def _handle(self, handle: str) -> int:
        handles, number = self._format.handles, handle[1:]
        if handle == KERNEL:
            return handles["kernel"]
        if not number.isdecimal() or not (is_task(handle) or is_bare_root(handle)):
            raise KeyError(handle)
        kind = handles["task" if is_task(handle) else "root"]
        return kind | int(number) << self._format.handle_bits


def _hex(count: int, data: bytes) -> str:
    if not 0 < count <= len(data) or any(data[count:]):
        raise ValueError(f"{count} bytes of {data.hex()}")
    return data[:count].hex()
