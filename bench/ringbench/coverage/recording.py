"""Taking the coverage of one kernel, from now on: the logs, the lines, and what ran of them.

A program of your own has it of the machines that it starts::

    with record(load()) as recording:
        with Machine.start(recording.config) as machine:
            machine.command("help")
        gained = recording.new()
        files = recording.files(["kernel/pmm"])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ringbench.config import Config, override
from ringbench.coverage.data import Data
from ringbench.coverage.exact import RanFiles
from ringbench.coverage.jumps import conditional_jumps
from ringbench.coverage.lines import Lines
from ringbench.coverage.log import TranslationLogs
from ringbench.coverage.ranges import Ranges
from ringbench.coverage.summary import FileCoverage, is_below, measure
from ringbench.errors import CoverageError
from ringbench.machine.folder import guarded_folder
from ringbench.machine.translations import build_id


class Recording:
    """What all machines run that are started with `config`, now or later, here or elsewhere.

    With `discard`, what was read of a log is given back to the disk: for hours of it. With
    `branches`, a plugin in QEMU records every instruction and both ways of conditional jumps, in
    place of QEMU's log; that costs more.
    """

    def __init__(
        self, config: Config, folder: Path, discard: bool = False, branches: bool = False
    ) -> None:
        """Begin, with the logs in `folder`.

        Raises:
            CoverageError: the kernel has no line tables, or is none.
        """
        elf = config.kernel.elf
        self.config = override(
            config, {"machine.translations": folder, "machine.branches": branches}
        )
        self.lines = Lines.load(elf, config.source.parent)
        self._build = build_id(elf)
        self._logs = RanFiles(folder, elf) if branches else TranslationLogs(folder, elf, discard)
        self._jumps = conditional_jumps(elf) if branches else None

    def require(self, prefixes: Iterable[str]) -> None:
        """Refuse a prefix that names nothing, which would be wholly covered.

        Raises:
            CoverageError: no source with code is below it.
        """
        for prefix in prefixes:
            if not any(is_below(path, prefix) for path in self.lines.files):
                raise CoverageError(f"no source of the kernel with code is below {prefix!r}")

    def new(self) -> set[int]:
        """Return the addresses of the instructions that ran for the first time since last asked.

        Raises:
            CoverageError: a log cannot be read.
        """
        return self._logs.new()

    @property
    def data(self) -> Data:
        """What has been read so far, to be saved or merged."""
        if isinstance(self._logs, TranslationLogs):
            return Data({self._build: Ranges.of_instructions(self._logs.ran.lengths)})
        ran = Ranges.of_instructions(self._logs.lengths)
        return Data({self._build: ran}, {self._build: dict(self._logs.ways)})

    def files(
        self, prefixes: Iterable[str] = (), earlier: Data | None = None
    ) -> tuple[FileCoverage, ...]:
        """Return the coverage so far of each source below one of `prefixes`, or of all.

        `earlier` is what ran in other runs and counts as well.

        Raises:
            CoverageError: a log cannot be read.
        """
        self.new()
        data = self.data if earlier is None else self.data | earlier
        jumps = None
        if self._jumps is not None:
            went = data.went(self._build)
            jumps = {address: went.get(address, 0) for address in self._jumps | went.keys()}
        return measure(self.lines, data.ran(self._build), prefixes, jumps)


@contextmanager
def record(config: Config, discard: bool = False, branches: bool = False) -> Iterator[Recording]:
    """Record for the time of the block, with the logs in a temporary folder.

    Raises:
        CoverageError: the kernel has no line tables, or is none.
    """
    with guarded_folder("translations") as (folder, _):
        yield Recording(config, folder, discard, branches)
