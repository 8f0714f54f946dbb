"""Which instructions of the kernel ran, read from QEMU's log while it grows.

An entry of the log (QEMU 7.2, accel/tcg/translator.c) is a block of instructions that QEMU
translated, each with its address and its bytes::

    ----------------
    IN:
    0xffffffff80110000:  55                       pushq    %rbp
    0xffffffff80110001:  48 8b 04 25 00 20 12 80  movq     -0x7fedde00, %rax
    0xffffffff80110009:  c3                       retq

A block is translated when it is about to run for the first time, and again when QEMU has thrown
its translations away, so the log says what ran at least once and nothing of how often. It ends at
the first jump, at the latest at the end of a page. What it cannot tell: a block that a fault or a
breakpoint ends in the middle is logged whole, so its last instructions count although only the
first ones ran. They ran in the usual case where the fault is handled and its instruction repeated.

Other programs run at the same addresses before the kernel does, a boot loader for one. So an
instruction counts only where its bytes are the kernel's.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ringbench.errors import CoverageError, CoverageLost
from ringbench.machine.translations import Code, build_id, code_of

# Past eight bytes an instruction goes on in a line without a mnemonic.
INSTRUCTION = re.compile(
    rb"^0x([0-9a-f]+): ((?: [0-9a-f]{2})+)(?:  +\S.*\n(?:0x[0-9a-f]+: ((?: [0-9a-f]{2})+) *$)?)",
    re.MULTILINE,
)
PUNCH_HOLE_KEEP_SIZE = 0x02 | 0x01  # linux/falloc.h
BLOCK_BEGIN = b"----------------\nIN:"
BLOCK_END = b"\n\n"
NO_DISASSEMBLER = b"OBJD-T: "


def instructions(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield address and bytes of each instruction in a piece of a log.

    Raises:
        CoverageError: this QEMU was built without a disassembler.
    """
    if NO_DISASSEMBLER in text:
        raise CoverageError(
            "this QEMU was built without a disassembler (capstone), so its log of translated "
            "code has no addresses; coverage needs one that has it"
        )
    for match in INSTRUCTION.finditer(text):
        address, head, tail = match.groups()
        yield int(address, 16), bytes.fromhex((head + (tail or b"")).decode())


class Ran:
    """The kernel's instructions that ran: the length in bytes of each, by address."""

    def __init__(self, code: tuple[Code, ...]) -> None:
        self.lengths: dict[int, int] = {}
        self._code = code
        self._seen: set[bytes] = set()  # most blocks come again with every boot

    def add(self, text: bytes) -> set[int]:
        """Take whole blocks of a log; return the addresses of what had not run before.

        Raises:
            CoverageError: as for `instructions`.
        """
        added = set()
        for block in text.split(BLOCK_END):
            block = block[max(block.rfind(BLOCK_BEGIN), 0) :]  # without exceptions before it
            if block in self._seen:
                continue
            self._seen.add(block)
            for address, content in instructions(block + b"\n"):
                if address not in self.lengths and self._is_kernel(address, content):
                    self.lengths[address] = len(content)
                    added.add(address)
        return added

    def _is_kernel(self, address: int, content: bytes) -> bool:
        for piece in self._code:
            if piece.base <= address < piece.end:
                return piece.content.startswith(content, address - piece.base)
        return False


class TranslationLog:
    """One QEMU's log, read as far as it goes; what it says is added to `ran`."""

    def __init__(self, path: Path, ran: Ran, discard: bool = False) -> None:
        self._path = path
        self._ran = ran
        self._discard = discard
        self._offset = 0

    def new(self) -> set[int]:
        """Return the addresses of the instructions that ran for the first time since last asked.

        Raises:
            CoverageError: the log cannot be read, or is not of instructions.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except OSError as error:
            raise CoverageError(f"{self._path}: cannot be read ({error.strerror})") from None
        whole = _whole(text)
        self._offset += whole
        if self._discard and whole:
            punch_hole(self._path, self._offset)
        return self._ran.add(text[:whole])


def _whole(text: bytes) -> int:
    """Return how much of a log is complete: QEMU may be writing the last block, or line, just now.

    Exceptions, which are logged between the blocks, need no waiting for.
    """
    begun = text.find(BLOCK_BEGIN[:-3], text.rfind(BLOCK_END) + 1)
    return begun if begun >= 0 else text.rfind(b"\n") + 1


def punch_hole(path: Path, length: int) -> None:
    """Give the disk back the first `length` bytes of a file, which keeps its size and offsets.

    A file system that cannot do that keeps them (fallocate(2)).
    """
    with path.open("r+b") as file:
        ctypes.CDLL(None).fallocate(
            file.fileno(), PUNCH_HOLE_KEEP_SIZE, ctypes.c_long(0), ctypes.c_long(length)
        )


class TranslationLogs:
    """All logs in the folder `machine.translations` of machines that ran `elf`, also of new ones.

    `ran` is what was read of them. With `discard`, the disk gets back what was read: every
    restore of a machine adds some 50 KiB.
    """

    def __init__(self, folder: Path, elf: Path, discard: bool = False) -> None:
        self.ran = Ran(code_of(elf))
        self._folder = folder
        self._discard = discard
        self._pattern = f"{build_id(elf)}-*.log"
        self._logs: dict[Path, TranslationLog] = {}

    def _require_room(self) -> None:
        """Make sure that QEMU could write: it says nothing of what it could not, and goes on."""
        try:
            disk = os.statvfs(self._folder)
        except OSError as error:
            raise CoverageLost(f"{self._folder}: {error.strerror}: what ran is lost") from None
        if disk.f_bavail == 0 or (disk.f_files and disk.f_favail == 0):
            raise CoverageLost(
                f"{self._folder}: the disk is full, so part of what ran was not recorded; make "
                "room there, or name another folder in TMPDIR"
            )

    def new(self) -> set[int]:
        """Return the addresses of the instructions that ran for the first time since last asked.

        Raises:
            CoverageLost: part of what ran was not recorded.
            CoverageError: a log cannot be read, or is not of instructions.
        """
        self._require_room()
        added: set[int] = set()
        for path in self._folder.glob(self._pattern):
            log = self._logs.setdefault(path, TranslationLog(path, self.ran, self._discard))
            added |= log.new()
        return added
