"""The file in which the plugin keeps what a kernel executed: plugin/coverage.h has the same."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Final

import numpy as np

from ringbench.errors import CoverageError, StartError
from ringbench.files import read_bytes
from ringbench.machine.translations import Code

SUFFIX: Final = ".ran"
MAGIC: Final = int.from_bytes(b"RBG_RAN1", "little")
PIECES: Final = 16
LARGEST: Final = 1 << 30
_HEAD: Final = struct.Struct("<2Q")
_PIECE: Final = struct.Struct("<6Q")
_BEGIN: Final = _HEAD.size + PIECES * _PIECE.size


class Ways(IntFlag):
    """The ways that a conditional jump went."""

    ON = 1
    AWAY = 2


@dataclass(frozen=True, slots=True)
class RanCode:
    """What was executed: the length of each instruction, and the ways of each jump, by address."""

    lengths: dict[int, int]
    ways: dict[int, Ways]


def make(file: Path, code: Sequence[Code]) -> None:
    """Make the file for a kernel's code; of more than 16 pieces, for the first ones.

    Raises:
        StartError: it cannot be written.
    """
    pieces = code[:PIECES]
    at, rows, contents = _BEGIN, [], []
    for each in pieces:
        length = len(each.content)
        content, at = at, at + length
        counts = at = -(-at // 8) * 8
        lengths = counts + 8 * length
        ways = lengths + length
        rows.append(_PIECE.pack(each.base, length, content, counts, lengths, ways))
        contents.append((content, each.content))
        at = ways + length
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as made:
            made.write(_HEAD.pack(MAGIC, len(pieces)) + b"".join(rows))
            for place, content_bytes in contents:
                made.seek(place)
                made.write(content_bytes)
            made.truncate(at)
    except OSError as error:
        raise StartError(f"{file}: what runs cannot be kept there ({error.strerror})") from None


def read(file: Path) -> RanCode:
    """Read what was executed so far; QEMU may be running.

    Raises:
        CoverageError: it cannot be read, or is of another kind.
    """
    data = read_bytes(file, "record of what ran", LARGEST, CoverageError)
    result = RanCode({}, {})
    try:
        magic, count = _HEAD.unpack_from(data)
        if magic != MAGIC or count > PIECES:
            raise ValueError("it does not begin as one")
        for number in range(count):
            _add(data, _PIECE.unpack_from(data, _HEAD.size + number * _PIECE.size), result)
    except (ValueError, struct.error) as error:
        raise CoverageError(f"{file}: not a record of what ran ({error})") from None
    return result


def _add(data: bytes, piece: tuple[int, ...], result: RanCode) -> None:
    begin, length, _, counts, lengths, ways = piece
    ran = np.frombuffer(data, np.uint64, length, counts).nonzero()[0]
    for offset in ran.tolist():
        result.lengths[begin + offset] = data[lengths + offset]
    went = np.frombuffer(data, np.uint8, length, ways).nonzero()[0]
    for offset in went.tolist():
        result.ways[begin + offset] = Ways(data[ways + offset])
