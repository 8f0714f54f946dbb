"""Starting QEMU: the private folder, the sockets, guest RAM, the process - and undoing it all.

Guest RAM is a memfd: a file without a name, which QEMU opens through ``/proc/self/fd`` and the
bench maps. Nothing of it is left anywhere once both are gone, however they went, and it is not
bound to the size of /dev/shm, which containers keep small.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from ringbench.config import Config
from ringbench.errors import ImageError, QmpError, StartError
from ringbench.files import open_regular
from ringbench.machine import command, log, ran_file
from ringbench.machine.command import Paths, escape
from ringbench.machine.deadline import Deadline
from ringbench.machine.firmware import Firmware, find_firmware
from ringbench.machine.folder import guarded_folder
from ringbench.machine.image import Form, is_elf
from ringbench.machine.media import by_hand, prepare
from ringbench.machine.outputs import Outputs
from ringbench.machine.own_arguments import own_log
from ringbench.machine.process import Process, describe_exit
from ringbench.machine.qmp import Qmp
from ringbench.machine.screen import Screen
from ringbench.machine.snapshot import DeviceStates
from ringbench.machine.translations import build_id, code_of, new_log
from ringbench.machine.triage import Facts, classify
from ringbench.machine.typist import KeyTypist, PortTypist, Typist
from ringbench.microscope.build import plugin_for
from ringbench.microscope.microscope import Microscope
from ringbench.streams import hold_descriptors

LOG = "qemu.log"
RAM_NAME = "ringbench-ram"  # of the file, as /proc shows it
LOOK_SECONDS = 0.02  # how often to look whether QEMU has given up instead of connecting


class Qemu:
    """A QEMU that has accepted its arguments and waits before the guest's first instruction.

    `private` is the folder that goes away with it, `logs` where its log files are: the same
    folder, or the one that the caller keeps.
    """

    def __init__(self, config: Config, form: Form, keep: Path | None) -> None:
        firmware = find_firmware(config.machine.firmware)
        # Without an ELF file nobody can say which code is the kernel's.
        traced = config.machine.translations is not None and is_elf(config.kernel.elf)
        self._by_plugin = traced and config.machine.branches
        self._traced = traced and not self._by_plugin
        self._own_log = own_log(config.machine.arguments)
        self._log_begins = 0
        self.log: Path
        # Under KVM nobody sees the guest's accesses.
        is_seen = config.machine.watch or self._by_plugin
        accelerators = ["tcg"] if is_seen else config.machine.accelerator.split(":")
        while True:  # QEMU falls back where there is no KVM, not where KVM fails it
            self.accelerators = tuple(accelerators)
            tried = replace(
                config, machine=replace(config.machine, accelerator=":".join(accelerators))
            )
            self.reproduce = command.reproduce_command(tried, firmware, by_hand(tried, form))
            try:
                with ExitStack() as stack:
                    self._open(tried, form, keep, firmware, stack)
                    self._stack = stack.pop_all()
                return
            except StartError:
                del accelerators[0]
                if not accelerators:
                    raise

    def _open(
        self,
        config: Config,
        form: Form,
        keep: Path | None,
        firmware: Firmware | None,
        stack: ExitStack,
    ) -> None:
        hold_descriptors()  # or RAM could become what QEMU takes for its standard output
        self.private, self.guard = stack.enter_context(guarded_folder())
        self._folder = os.open(self.private, os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, self._folder)
        self.logs = self.private if keep is None else keep
        if keep is not None:
            self._keep(keep)
        self.ram = os.memfd_create(RAM_NAME, os.MFD_CLOEXEC)
        stack.callback(os.close, self.ram)
        self.own: int | None = None
        if config.machine.guest_calls:
            self.own = os.memfd_create("ringbench-own", os.MFD_CLOEXEC)
            stack.callback(os.close, self.own)
        self.microscope: Microscope | None = None
        if config.machine.watch:
            self.microscope = Microscope(config, self.private)
            stack.callback(self.microscope.close)
        kernel = config.kernel
        names = command.lines_of(tuple(dict.fromkeys((kernel.console, *kernel.outputs))))
        paths = Paths(
            outputs={name: self.private / f"o{n}" for n, name in enumerate(names)},
            qmp=self.private / "qmp",
            gdb=self.private / "gdb",
            log=self._as_qemu_takes(self._first_log(config)),
            ram=Path(f"/proc/self/fd/{self.ram}"),
            own=None if self.own is None else Path(f"/proc/self/fd/{self.own}"),
            plugin=self._plugin(config),
        )
        self.gdb_socket = paths.gdb
        if self._own_log is not None:
            self.log = self._own_log
        code = code_of(config.kernel.elf) if self._traced else ()
        modules = {path: _opened(path, stack) for path in command.spaced_modules(config)}
        media = prepare(config, form, self.private)
        sockets = (*paths.outputs.values(), paths.qmp)
        listeners = [stack.enter_context(_listen(path)) for path in sockets]
        own = _own_variables(firmware, self.private)
        self.process = Process.start(
            "qemu",
            command.qemu_command(command.with_modules_at(config, modules), paths, own, media, code),
            self.guard,
            self.logs / "qemu.out",
            pass_fds=(self.ram, self._folder, *self._inherited(), *modules.values()),
        )
        stack.callback(self.process.kill)
        deadline = Deadline(config.deadlines.boot)
        ends = [stack.enter_context(self._accept(each, deadline)) for each in listeners]
        self.lines = dict(zip(names, ends, strict=False))  # the last is the monitor
        self.qmp = Qmp(ends[-1], config.deadlines.reply)
        try:
            self.qmp.negotiate()
        except QmpError:
            raise self._refused() from None
        stack.callback(self.process.stop, config.deadlines.stop, self.qmp.quit)
        disks = command.overlay_names(media)
        self.states = DeviceStates(self.qmp, self.private, config.deadlines.reply, disks)

    def _inherited(self) -> tuple[int, ...]:
        """Return the descriptors of memory, RAM aside, that QEMU shares with the bench."""
        microscope = None if self.microscope is None else self.microscope.file
        return tuple(each for each in (self.own, microscope) if each is not None)

    def _plugin(self, config: Config) -> str:
        """Return the value of QEMU's -plugin; empty if nothing needs one."""
        folder, elf = config.machine.translations, config.kernel.elf
        option = self.microscope.option(RAM_NAME) if self.microscope else ""
        if not self._by_plugin or folder is None:
            return option
        ran = folder / f"{build_id(elf)}-{self.private.name}{ran_file.SUFFIX}"
        ran_file.make(ran, code_of(elf))
        plugin = option or escape(plugin_for(config.machine.qemu, self.private))
        return f"{plugin},ran={escape(ran)}"

    def outputs(self, config: Config) -> Outputs:
        """Return what the guest says; its files are where the logs are."""
        kernel = config.kernel
        named = "vga" in (kernel.console, *kernel.outputs) and config.machine.display != "none"
        screen = Screen(self.qmp, self.private) if named else None
        return Outputs(self.lines, self.logs, screen)

    def typist(self, config: Config) -> Typist | None:
        """Return what types at the guest; None where there is nothing to type at."""
        kernel = config.kernel
        if kernel.input == "keyboard" or (kernel.input is None and kernel.console == "vga"):
            return KeyTypist(self.qmp)
        is_port = kernel.console in command.COM_PORTS
        port = kernel.console if is_port or kernel.input is None else "com1"
        return PortTypist(self.lines[port]) if port in self.lines and port != "debugcon" else None

    def close(self) -> None:
        """End QEMU, in order if it is able to, and remove everything that belongs to it."""
        self._stack.close()

    def move_logs(self, keep: Path | None) -> None:
        """Go on with new logs in the folder `keep`, or in the private one.

        What QEMU prints stays in the file where it began, and so does a log of translations; the
        new folder gets links to them.

        Raises:
            StartError: there is no writing in that folder.
            QmpError: QEMU is gone.
        """
        self.logs = self.private if keep is None else keep
        if keep is not None:
            self._keep(keep)
            _link(self.process.output, keep / self.process.output.name)
        if not self._is_private:
            self._link_log()
            self._log_begins = self.log.stat().st_size
            return
        self.log = self.logs / LOG
        self._log_to(self.log)

    def log_text(self) -> str:
        """Return the end of what QEMU has logged since it started, or since the logs were moved."""
        return log.tail(self.log, self._log_begins)

    def limit_log(self) -> None:
        """Keep a log that only the bench wants from growing without bound."""
        if self._is_private:
            with suppress(QmpError):  # QEMU is gone, and logs nothing more
                log.limit(self.log, self._log_to)

    @property
    def _is_private(self) -> bool:
        """Whether nobody but the bench wants the log."""
        return not self._traced and self._own_log is None

    def _log_to(self, path: Path) -> None:
        taken = str(self._as_qemu_takes(path))
        quoted = taken.replace("\\", "\\\\").replace('"', '\\"')
        self.qmp.hmp(f'logfile "{quoted}"')

    def _first_log(self, config: Config) -> Path:
        folder = config.machine.translations
        if folder is None or not self._traced:
            self.log = self.logs / LOG
            return self.log
        self.log = new_log(folder, config.kernel.elf, self.private.name)
        self._link_log()
        return self.log

    def _as_qemu_takes(self, path: Path) -> Path:
        """Return a name of a log that QEMU takes as it is: what follows a % would be a pattern."""
        if "%" not in str(path):
            return path
        link = self.private / f"logs-{os.urandom(4).hex()}"
        link.symlink_to(path.parent.absolute())
        return Path(f"/proc/self/fd/{self._folder}") / link.name / path.name

    def _link_log(self) -> None:
        _link(self.log, self.logs / LOG)

    def _keep(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            script = folder / "reproduce.sh"
            script.write_text(f"#!/bin/sh\n# Boots the same guest by hand.\n{self.reproduce}\n")
            script.chmod(0o755)
        except OSError as error:
            raise StartError(f"{folder}: logs cannot be kept there ({error.strerror})") from None

    def _accept(self, listener: socket.socket, deadline: Deadline) -> socket.socket:
        poller = select.poll()
        poller.register(listener, select.POLLIN)
        while not poller.poll(LOOK_SECONDS * 1000):
            if self.process.exit_status() is not None or deadline.expired:
                raise self._refused()
        return listener.accept()[0]

    def _refused(self) -> StartError:
        status = self.process.wait(Deadline(1.0))
        if status is None:
            return StartError("QEMU started but did not connect in time", command=self.reproduce)
        ending = classify(Facts(exit_status=status))
        if ending is not None and ending.outside:
            how = f"QEMU was {describe_exit(status)} while it started"
            return StartError(how, command=self.reproduce, ending=ending)
        said = self.process.said() or "it said nothing"
        return StartError(
            f"QEMU refused to start ({describe_exit(status)}): {said}; check [machine] in the "
            "configuration",
            command=self.reproduce,
        )


def _opened(path: Path, stack: ExitStack) -> int:
    return stack.enter_context(open_regular(path, "module", ImageError)).fileno()


def _link(file: Path, name: Path) -> None:
    with suppress(OSError):  # it is there already, or on another file system
        os.link(file, name)


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        listener.listen(1)
    except BaseException:
        listener.close()
        raise
    return listener


def _own_variables(firmware: Firmware | None, folder: Path) -> Firmware | None:
    """Give the guest a copy of the UEFI variable store, which it will write to."""
    if firmware is None or firmware.variables is None:
        return firmware
    return replace(firmware, variables=Path(shutil.copy(firmware.variables, folder / "vars.fd")))
