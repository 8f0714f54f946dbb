"""What the plugin has kept of all machines that ran a kernel: each instruction, and each jump."""

from __future__ import annotations

from pathlib import Path

from ringbench.machine import ran_file
from ringbench.machine.ran_file import Ways
from ringbench.machine.translations import build_id


class RanFiles:
    """All records in the folder `machine.translations` of machines that ran `elf`, also new ones.

    `lengths` has the length of each instruction that was executed, `ways` where conditional jumps
    went, by address.
    """

    def __init__(self, folder: Path, elf: Path) -> None:
        self.lengths: dict[int, int] = {}
        self.ways: dict[int, Ways] = {}
        self._folder = folder
        self._pattern = f"{build_id(elf)}-*{ran_file.SUFFIX}"

    def new(self) -> set[int]:
        """Return the addresses of the instructions that ran for the first time since last asked.

        Raises:
            CoverageError: a record cannot be read.
        """
        before = self.lengths.keys() | set()
        for file in self._folder.glob(self._pattern):
            ran = ran_file.read(file)
            self.lengths |= ran.lengths
            for address, ways in ran.ways.items():
                self.ways[address] = self.ways.get(address, Ways(0)) | ways
        return self.lengths.keys() - before
