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

import re
from collections.abc import Iterator
from pathlib import Path

from ringbench.errors import RingbenchError
from ringbench.machine.translations import Code, build_id, code_of

# Past eight bytes an instruction goes on in a line without a mnemonic.
INSTRUCTION = re.compile(
    rb"^0x([0-9a-f]+): ((?: [0-9a-f]{2})+)(?:  +\S.*\n(?:0x[0-9a-f]+: ((?: [0-9a-f]{2})+) *$)?)",
    re.MULTILINE,
)
BLOCK_END = b"\n\n"
NO_DISASSEMBLER = b"\nOBJD-T: "


class CoverageError(RingbenchError):
    """Coverage cannot be had: the text says why."""


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


class TranslationLog:
    """One QEMU's log. `ran` is what was read of it: the bytes of each instruction, by address."""

    def __init__(self, path: Path, code: tuple[Code, ...]) -> None:
        self.ran: dict[int, int] = {}
        self._path = path
        self._code = code
        self._offset = 0

    def new(self) -> set[int]:
        """Return the addresses of the instructions that ran for the first time since last asked.

        Raises:
            CoverageError: the log cannot be read, or is not of instructions.
        """
        found = dict(self._read())
        added = found.keys() - self.ran.keys()
        self.ran.update((address, found[address]) for address in added)
        return added

    def _read(self) -> Iterator[tuple[int, int]]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except OSError as error:
            raise CoverageError(f"{self._path}: cannot be read ({error.strerror})") from None
        whole = text.rfind(BLOCK_END) + 1  # QEMU may be writing the last block just now
        self._offset += whole
        for address, content in instructions(text[:whole]):
            if self._is_kernel(address, content):
                yield address, len(content)

    def _is_kernel(self, address: int, content: bytes) -> bool:
        for piece in self._code:
            if piece.base <= address < piece.end:
                return piece.content.startswith(content, address - piece.base)
        return False


class TranslationLogs:
    """All logs in the folder `machine.translations` of machines that ran `elf`, also of new ones.

    `ran` is what was read of them.
    """

    def __init__(self, folder: Path, elf: Path) -> None:
        self.ran: dict[int, int] = {}
        self._folder = folder
        self._pattern = f"{build_id(elf)}-*.log"
        self._code = code_of(elf)
        self._logs: dict[Path, TranslationLog] = {}

    def new(self) -> set[int]:
        """Return the addresses of the instructions that ran for the first time since last asked.

        Raises:
            CoverageError: a log cannot be read, or is not of instructions.
        """
        added: set[int] = set()
        for path in self._folder.glob(self._pattern):
            log = self._logs.setdefault(path, TranslationLog(path, self._code))
            for address in log.new():
                if address not in self.ran:
                    self.ran[address] = log.ran[address]
                    added.add(address)
        return added
