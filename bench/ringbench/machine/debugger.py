"""The debugger of one guest: there from its first use on, with symbols where the kernel runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from ringbench.config import Config
from ringbench.errors import Evidence
from ringbench.machine.gdb import Gdb
from ringbench.machine.image import is_elf
from ringbench.machine.process import Guard


class Debugger:
    """At most one gdb, and how much higher the kernel runs than it was linked.

    `used` says whether there was a gdb since that was last set to False.
    """

    def __init__(
        self,
        config: Config,
        guard: Guard,
        socket: Path,
        nudge: Callable[[], None],
        stopped: Callable[[], AbstractContextManager[None]],
        evidence: Evidence,
    ) -> None:
        """Take the kernel; where QEMU's stub listens; what wakes a guest; what keeps it still."""
        self.used = False
        self._config = config
        self._guard = guard
        self._socket = socket
        self._nudge = nudge
        self._stopped = stopped
        self._evidence = evidence
        self._gdb: Gdb | None = None
        self._has_symbols = False  # where the kernel runs
        self._found: int | None = None  # of a slide that has to be found

    @property
    def connected(self) -> Gdb | None:
        """The gdb that is there and alive, if one is."""
        return self._gdb if self._gdb is not None and self._gdb.alive else None

    def connect(self, log: Path) -> Gdb:
        """Return gdb, started and connected if it was not, which stops the guest; `log` is its own.

        Raises:
            StartError: gdb is missing.
            GdbError: it cannot connect.
            MachineError: `kernel.slide` is "auto", and cannot be found where the guest is.
        """
        kernel = self._config.kernel
        gdb = self._bare(log)
        if not self._has_symbols:
            if slide := self.slide(log):
                gdb.move_symbols(kernel.elf, slide)
            for elf in kernel.more:
                gdb.add_symbols(elf)
            self._has_symbols = True
        return gdb

    def _bare(self, log: Path) -> Gdb:
        if self._gdb is None:
            machine, elf = self._config.machine, self._config.kernel.elf
            symbols = elf if is_elf(elf) else None
            seconds = self._config.deadlines.gdb
            gdb = Gdb.start(machine.gdb, symbols, self._guard, log, seconds, self._evidence)
            self._gdb = gdb
            self.used = True
            gdb.nudge = self._nudge
            gdb.connect(self._socket)
            self._has_symbols = False
        return self._gdb

    def slide(self, log: Path) -> int:
        """Return `kernel.slide`: if that is "auto", found once, from the code that the guest runs.

        Raises:
            MachineError: it cannot be found where the guest is.
        """
        stated = self._config.kernel.slide
        if stated != "auto":
            return stated
        if self._found is None:
            from ringbench.machine.slide import find_slide

            gdb = self._bare(log)
            with self._stopped():
                self._found = find_slide(self._config.kernel.elf, gdb, self._evidence)
        return self._found

    def known_slide(self) -> int:
        """Return the slide as far as it is known: 0 of one that nobody has looked for yet."""
        stated = self._config.kernel.slide
        return (self._found or 0) if stated == "auto" else stated

    @property
    def misses_slide(self) -> bool:
        """Whether the slide has to be found, and has not been."""
        return self._config.kernel.slide == "auto" and self._found is None

    def learn_slide(self, slide: int | None) -> None:
        """Take what something else has found out about the slide, if it has."""
        self._found = slide

    def take(self) -> Gdb | None:
        """Return the gdb that there was, now the caller's: `connect` then starts another."""
        gdb, self._gdb = self._gdb, None
        return gdb

    def kill(self) -> None:
        """End gdb at once, if there is one."""
        if (gdb := self.take()) is not None:
            gdb.kill()
