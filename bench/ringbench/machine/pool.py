"""Booted machines to be used one after another, each put back to just booted before every use.

Booting is what a short test spends most of its time on, and restoring costs a hundredth of it. So
one machine of each configuration is booted, frozen, and restored for whoever asks next; a few are
kept, those used last. What a restore cannot undo, it notices: a machine without a QEMU, or with
input that nobody took, is thrown away and another booted, and one that cannot be frozen at all is
booted for every use.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ringbench.config import Config
from ringbench.errors import MachineError
from ringbench.machine.machine import Machine
from ringbench.machine.snapshot import Snapshot

LIMIT = 4  # machines kept; a parked one costs its RAM, as far as it was touched

Key = tuple[Config, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Booted:
    """A machine of the pool, its state after booting, and the folder of its first logs."""

    machine: Machine
    snapshot: Snapshot
    folder: Path

    def discard(self) -> None:
        """End the machine, and remove its folder."""
        self.machine.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Pool:
    """Machines by configuration; a context manager. `folder` is for the logs of their boots.

    With a `limit` of 0 none is kept: every use boots.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._parked: dict[Key, Booted] = {}  # the one used last is last
        self._unfit: set[Key] = set()
        self._boots = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End every machine."""
        while self._parked:
            self._parked.pop(next(iter(self._parked))).discard()

    @contextmanager
    def lend(self, config: Config, keep: Path | None = None) -> Iterator[Machine]:
        """A machine that has just booted to its prompt, for the time of the block.

        Its logs go to the folder `keep`, as for `Machine.start`, and begin with the boot.

        Raises:
            ImageError, StartError, BootTimeout, Ended: as for `Machine.start`.
        """
        key = config, _versions(config)
        booted = self._restored(key, keep)
        if booted is None:
            with Machine.start(config, keep) as machine:
                yield machine
            return
        try:
            yield booted.machine
        finally:
            self._put_back(key, booted)

    def _restored(self, key: Key, keep: Path | None) -> Booted | None:
        """A machine of the pool, booted if need be, and restored; None where none is kept."""
        if self._limit == 0 or key in self._unfit or key[0].kernel.awaited.kind == "end":
            return None
        parked = self._parked.pop(key, None)
        if parked is not None:
            try:
                parked.machine.restore(parked.snapshot, keep)
            except MachineError:
                parked.discard()
            else:
                return parked
        booted = self._boot(key)
        if booted is not None:
            try:
                booted.machine.restore(booted.snapshot, keep)
            except BaseException:
                booted.discard()
                raise
        return booted

    def _boot(self, key: Key) -> Booted | None:
        """A new machine, frozen; None if it cannot be frozen, now and in future."""
        while len(self._parked) >= self._limit:
            self._parked.pop(next(iter(self._parked))).discard()
        self._boots += 1
        folder = self._folder / str(self._boots)
        machine = Machine.start(key[0], folder)
        try:
            return Booted(machine, machine.freeze(), folder)
        except BaseException as error:
            machine.close()
            if not isinstance(error, MachineError):
                raise
            self._unfit.add(key)
            return None

    def _put_back(self, key: Key, booted: Booted) -> None:
        try:
            booted.machine.park()
        except MachineError:  # its QEMU is gone, or does not answer
            booted.discard()
        else:
            self._parked[key] = booted


def _versions(config: Config) -> tuple[int, ...]:
    """What tells a rebuilt kernel from the one that was booted under the same name."""
    kernel = config.kernel
    files = [kernel.elf, kernel.image, *(each.path for each in kernel.modules), *kernel.more]
    return tuple(os.stat(file).st_mtime_ns if file.exists() else 0 for file in files)
