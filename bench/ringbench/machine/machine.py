"""A booted kernel: everything that the later stages use comes from here.

    with Machine.start(load()) as machine:
        machine.command("help")

What of it needs no kernel is in `ringbench.machine.guest`; this is the kernel that boots, its
console, and the guest as a whole frozen and put back.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Self

from ringbench.config import Config
from ringbench.errors import (
    BootTimeout,
    Ended,
    Hang,
    MachineError,
    SerialError,
    SerialTimeout,
)
from ringbench.machine import stub
from ringbench.machine.deadline import Deadline
from ringbench.machine.found import Awaited, Found
from ringbench.machine.guest import Guest
from ringbench.machine.ready import run_until_ready
from ringbench.machine.snapshot import Parts, Snapshot, restore_ram, save_ram
from ringbench.machine.typist import HOLD_MS, KeyTypist
from ringbench.machine.verdict import Verdict

SETTLE_SECONDS = 0.5  # for a guest to take what was typed last, before it is parked


class Machine(Guest):
    """A guest with a kernel that talks. Made by `start`, or by `launch` if `boot` is to wait.

    `busy` says what else it does where it cannot take lines.
    """

    def __init__(self, config: Config, keep: Path | None = None) -> None:
        super().__init__(config, keep)
        self.boot_text = ""
        self.verdict: Verdict | None = None
        self.busy = ""
        self._begun: str | None = None

    @classmethod
    def start(cls, config: Config, keep: Path | None = None) -> Self:
        """Start QEMU and boot the kernel until it is ready, as `kernel.ready` says.

        Raises:
            ImageError, StartError: as for `launch`.
            BootTimeout: not ready within `deadlines.boot`.
            Ended: a panic, an exception, a triple fault or a reset on the way.
        """
        machine = cls.launch(config, keep)
        try:
            machine.boot()
        except BaseException:
            machine.close()
            raise
        return machine

    def boot(self) -> None:
        """Let a guest that was launched, or restored not to run yet, run until it is ready.

        Raises:
            BootTimeout, Ended: as for `start`.
        """
        deadline = Deadline(self.config.deadlines.boot)
        try:
            booted = run_until_ready(self, deadline)
        except SerialError as error:
            raise self._inquest.failure(error, BootTimeout, "while booting") from None
        self.boot_text, self.verdict = booted.text, booted.verdict
        self._ram = None  # the firmware may have moved things

    # -- talking to the kernel -----------------------------------------------------------------

    def command(self, line: str, seconds: float | None = None, *, prompt: str | None = None) -> str:
        """Type `line` at the kernel's prompt and return its reply, without echo and prompt.

        `prompt` is the exact text that ends the reply, where that is not the kernel's own prompt:
        ``machine.command("rm", prompt="sure? ")``, then ``machine.command("y")``.

        Raises:
            Hang: no prompt again within `seconds` (`deadlines.reply`).
            Ended: the kernel panicked, faulted, reset or switched itself off.
            QemuDied: QEMU is gone.
            MachineError: the guest is stopped, by `stopped` or by gdb, or it is still busy with
                what `begin` typed.
        """
        self.begin(line, seconds)
        return self.finish(seconds, prompt=prompt)

    def begin(self, line: str, seconds: float | None = None) -> None:
        """Type `line` as `command` does, for a command that goes on until `finish`.

        Raises:
            Hang, Ended, QemuDied, MachineError: as for `command`.
        """
        self.require_running(repr(line))
        if self._begun is not None:
            text = f"cannot perform {line!r}: the kernel is still performing {self._begun!r}"
            raise self._inquest.add_evidence(MachineError(text))
        try:
            self._inquest.alarm()
            self.serial.begin(line, self._reply_deadline(seconds))
        except SerialError as error:
            raise self._inquest.failure(error, Hang, f"while performing {line!r}") from None
        self._begun = line

    def finish(self, seconds: float | None = None, *, prompt: str | None = None) -> str:
        """Return the reply to what `begin` typed, as `command` does.

        Raises:
            Hang, Ended, QemuDied: as for `command`.
        """
        line, self._begun = self._begun, None
        if line is None:
            raise ValueError("nothing was begun")
        try:
            return self.serial.finish(line, self._reply_deadline(seconds), prompt)
        except SerialError as error:
            raise self._inquest.failure(error, Hang, f"while performing {line!r}") from None

    def send(self, line: str) -> None:
        """Type `line` and what ends it, and wait for nothing; `expect` then waits for what comes.

        Raises:
            Ended, Hang, QemuDied, MachineError: as for `command`.
        """
        self.type(line + self.config.kernel.line_end)

    def type(self, text: str) -> None:
        """Type `text` as it is, such as a single key.

        Raises:
            Ended, Hang, QemuDied, MachineError: as for `command`.
        """
        self.require_running(repr(text))
        try:
            self.serial.type(text, self._reply_deadline(None))
        except SerialError as error:
            raise self._inquest.failure(error, Hang, f"while typing {text!r}") from None

    def press(self, *keys: str) -> None:
        """Press keys of the guest's keyboard: ``press("up", "ctrl-c", "shift-a", "f1")``.

        Their names are QEMU's (QKeyCode); those that a hyphen joins are held together. Nothing is
        waited for but that they are let go.

        Raises:
            QmpError: there is no such key, or QEMU is gone.
            Ended, MachineError: as for `command`.
        """
        keyboard = KeyTypist(self.qmp)
        for chord in keys:
            self.require_running(chord)
            keyboard.press(chord.split("-"))
        while keyboard.untaken():
            time.sleep(HOLD_MS / 1000)

    def expect(
        self,
        *awaited: Awaited,
        output: str | None = None,
        seconds: float | None = None,
        or_end: bool = False,
    ) -> Found:
        r"""Wait for the first of several texts or compiled patterns, and take all up to its end.

        ``machine.expect("login: ")``, ``machine.expect("ok", re.compile(r"error (\d+)")).index``.
        On the console, or on the `output` of that name; "any" is all of them. With `or_end`, the
        end of the run is one more thing that can come: `Found.ended`.

        Raises:
            ValueError: nothing is awaited, or there is no such output.
            Hang: none came within `seconds` (`deadlines.reply`).
            Ended, QemuDied: the run ended instead.
        """
        from ringbench.machine.expect import wait_for  # pexpect takes 20 ms to import

        known = self.outputs.by_name
        names = list(known) if output == "any" else [output or self.serial.output.name]
        if names[0] not in known or not (awaited or or_end):
            raise ValueError(f"expect takes what to wait for, and an output of {', '.join(known)}")
        deadline = self._reply_deadline(seconds)
        try:
            return wait_for(self.outputs, names, awaited, deadline, self.serial.check)
        except SerialError as error:
            if or_end and not isinstance(error, SerialTimeout) and self.ending() is not None:
                said = self.outputs.by_name[names[0]].take()
                return Found(len(awaited), names[0], said)
            raise self._inquest.failure(error, Hang, "while expecting it") from None

    def require_running(self, what: str) -> None:
        """Make sure that the guest can perform `what` it is about to be asked.

        Raises:
            Ended: it has ended.
            MachineError: it is stopped, by `stopped` or by gdb, or busy with something else.
        """
        if self._inquest.ending is not None:
            raise self._inquest.ended(self._inquest.ending, Hang, f"before {what}")
        if self.busy:
            text = f"cannot perform {what}: {self.busy}"
            raise self._inquest.add_evidence(MachineError(text))
        gdb = self._debugger.connected
        if self._paused or (gdb is not None and not gdb.running):
            text = f"cannot perform {what}: the guest is stopped; let it run on first"
            raise self._inquest.add_evidence(MachineError(text))

    def failure(self, late: str, doing: str) -> Ended:
        """Return the exception for something that did not come: how the guest ended, or a hang."""
        return self._inquest.failure(SerialTimeout(late), Hang, doing)

    def _reply_deadline(self, seconds: float | None) -> Deadline:
        return Deadline(self.config.deadlines.reply if seconds is None else seconds)

    # -- freezing and restoring ----------------------------------------------------------------

    def freeze(self) -> Snapshot:
        """Remember the guest as it is, at its prompt or stopped on its way there, for `restore`.

        A guest that ran goes on. Not part of it: gdb with its breakpoints, and what was changed in
        QEMU itself over QMP.

        Raises:
            MachineError: it can write to a disk, or has a device that QEMU cannot save.
            QmpError: QEMU is gone.
        """
        if self._inquest.ending is not None:
            raise self._inquest.ended(self._inquest.ending, Hang, "before it was frozen")
        if self._begun is not None:
            text = f"cannot be frozen: the kernel is still performing {self._begun!r}"
            raise self._inquest.add_evidence(MachineError(text))
        heard = self.qmp.heard()
        self.serial.check()
        with self.stopped():
            snapshot = Snapshot(
                owner=self.private,
                tag=self._qemu.states.save(),
                ram=save_ram(self._qemu.ram, self._mapped()),
                transcripts=self.outputs.said(),
                heard=heard,
                watched=self._save_watched(),
            )
        self.qmp.forget(heard)
        return snapshot

    def restore(self, snapshot: Snapshot, keep: Path | None = None, *, run: bool = True) -> None:
        """Put the guest back to when it was frozen, whatever became of it, and let it `run`.

        It must still have its QEMU: a guest that panicked, hangs, or shut down has. A gdb is ended.
        The transcript and the other logs begin anew, in `keep` if it is given, as for `start`.
        A guest that is not to run yet, so that it can be changed first, goes on with `boot`.

        Raises:
            ValueError: another machine was frozen there.
            MachineError: it cannot be done, and the machine is of no use any more; start another.
        """
        if snapshot.owner != self.private:
            raise ValueError("that snapshot is another machine's")
        self.park()
        if self._debugger.used:  # which lets the guest run for a moment
            stub.release(self._qemu.gdb_socket, self.config.deadlines.gdb)
            self.qmp.stop()
        if self.serial.untaken():
            error = MachineError("cannot be restored: the guest has left input unread")
            raise self._inquest.add_evidence(error)
        if self.config.machine.disks:  # whose queues in RAM QEMU reads while it loads
            restore_ram(self._qemu.ram, self._mapped(), snapshot.ram)
        self._qemu.states.load(snapshot.tag)
        restore_ram(self._qemu.ram, self._mapped(), snapshot.ram)
        if (watch := self._qemu.microscope) is not None:
            restore_ram(watch.file, watch.mapping, snapshot.watched)
        self._qemu.move_logs(keep)
        self.folder = self._qemu.logs
        self.serial.restart(self.folder, snapshot.transcripts)
        self._inquest.reopen(keep)
        self._debugger.used = False
        self._begun, self.busy = None, ""
        self._paused = not run
        if run:
            self.qmp.cont()
        self.qmp.forget(snapshot.heard)

    def _save_watched(self) -> Parts:
        watch = self._qemu.microscope
        return () if watch is None else save_ram(watch.file, watch.mapping)

    def park(self) -> None:
        """Stop the guest and end gdb until `restore`, so that no time goes into it.

        Raises:
            QmpError: QEMU is gone, or does not answer.
        """
        self._debugger.kill()
        self.serial.settle(Deadline(SETTLE_SECONDS))
        self.qmp.stop()
        self._paused = True
        self.serial.tail(1)  # the transcript is complete with this
