"""Running a guest until it is ready: what the configuration's `kernel.ready` means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringbench.ending import EndKind
from ringbench.errors import MachineError, SerialClosed, SerialTimeout
from ringbench.machine.advice import last_words
from ringbench.machine.deadline import Deadline
from ringbench.machine.guest import Guest
from ringbench.machine.outputs import Outputs
from ringbench.machine.verdict import Verdict, judge, with_tests

QUIET_SECONDS = 1.0  # of silence after which a kernel that spoke is taken to be done
MUTE_SECONDS = 5.0  # the same for one that has not spoken, whose loader may still be at work
UEFI_SECONDS = 60.0  # and for one that UEFI starts, which takes its time before it says a word


@dataclass(frozen=True, slots=True)
class Booted:
    """What the console said on the way, and what a kernel's own tests came to."""

    text: str
    verdict: Verdict | None = None


def run_until_ready(guest: Guest, deadline: Deadline) -> Booted:
    """Let the guest run, log in, and wait for what `kernel.ready` says.

    Raises:
        SerialError: it did not get there.
        GdbError: no breakpoint can be set at the function that is awaited.
    """
    kernel = guest.config.kernel
    ready = kernel.awaited
    if ready.kind == "function":
        return _until_function(guest, ready.value, deadline)
    guest.let_run()
    said = _log_in(guest, deadline)
    if ready.kind == "nothing":
        return Booted(said)
    if ready.kind == "prompt":
        return Booted(said + guest.serial.expect_prompt(deadline))
    if ready.kind == "log":
        _until_log(guest, ready.value, deadline)
    elif ready.kind == "end":
        verdict = with_tests(kernel, _until_end(guest, deadline), _all_lines(guest))
        return Booted(said + _console_text(guest), verdict)
    else:
        _until_quiet(guest, deadline)
    return Booted(said + _console_text(guest))


def _console_text(guest: Guest) -> str:
    """Return what the console has said and nobody has taken."""
    output = guest.serial.output
    return "\n".join([*output.lines, output.last])


def _all_lines(guest: Guest) -> list[str]:
    guest.outputs.drain()
    return [line for output in guest.outputs.spoke() for line in output.tail().split("\n")]


def _log_in(guest: Guest, deadline: Deadline) -> str:
    """Perform the dialogue before the first prompt; return what was said in it."""
    from ringbench.machine.expect import wait_for  # pexpect takes 20 ms to import

    said = ""
    for step in guest.config.kernel.login:
        console = [guest.serial.output.name]
        awaited = [re.compile(step.expect)]
        found = wait_for(guest.outputs, console, awaited, deadline, guest.serial.check)
        said += found.before + found.text
        guest.serial.send(step.send, deadline)
    return said


def _until_log(guest: Guest, pattern: str, deadline: Deadline) -> None:
    listening = _Listener(guest.outputs)
    while listening.says(pattern) is None:
        guest.serial.check()
        if not guest.outputs.wait(deadline):
            raise SerialTimeout(f"no line like {pattern!r} within {deadline.seconds:g} s")


def _until_quiet(guest: Guest, deadline: Deadline) -> None:
    try:
        while True:
            patience, left = _patience(guest), deadline.remaining()
            if not guest.outputs.wait(_shorter(deadline, patience)):
                break
            guest.serial.check()
        if left < patience:
            raise SerialTimeout(
                f"it did not fall quiet within {deadline.seconds:g} s; if it goes on talking, have "
                "kernel.ready = {log = '...'} name a line that says that it is up"
            )
    except SerialClosed:
        if not guest.rests:
            raise
        return
    if (given_up := last_words(guest.serial)) is not None:
        raise SerialTimeout(f"it fell quiet, but {given_up!r} looks like last words")
    why = guest.explain(EndKind.HANG)
    if why is not None and (why.fault is not None or why.lost):
        trouble = f"after {why.fault}" if why.fault is not None else why.lost
        raise SerialTimeout(f"it fell quiet, but {trouble}")


def _patience(guest: Guest) -> float:
    if any(output.name != "vga" for output in guest.outputs.spoke()):
        return QUIET_SECONDS
    return MUTE_SECONDS if guest.config.machine.firmware == "bios" else UEFI_SECONDS


def _shorter(deadline: Deadline, seconds: float) -> Deadline:
    return Deadline(min(deadline.remaining(), seconds))


def _until_end(guest: Guest, deadline: Deadline) -> Verdict | None:
    """Wait until the run has ended or is decided; what failed may go on until it falls quiet.

    Where only lines of single tests decide, halting for good is an end as well.
    """
    kernel = guest.config.kernel
    may_rest = kernel.tests is not None and kernel.passed is None and kernel.failed is None
    listening = _Listener(guest.outputs)
    while True:
        ending = guest.ending()
        verdict = judge(kernel, listening.says, ending)
        if verdict is not None and (verdict.passed or ending is not None):
            return verdict
        if ending is not None:
            if ending.kind is EndKind.FINISHED or (may_rest and guest.rests):
                return None
            raise SerialClosed("the guest has ended")
        patience = deadline if verdict is None else _shorter(deadline, QUIET_SECONDS)
        try:
            came = guest.outputs.wait(patience)
        except SerialClosed:
            if guest.ending() is None:
                raise
            continue
        if not came and verdict is not None:
            return verdict
        if not came:
            raise SerialTimeout(f"no end of the run within {deadline.seconds:g} s")


def _until_function(guest: Guest, name: str, deadline: Deadline) -> Booted:
    from ringbench.debuginfo.elf import parse
    from ringbench.debuginfo.symbols import Symbols

    elf, slide = guest.config.kernel.elf, guest.config.kernel.slide
    if slide == "auto":
        raise MachineError(
            f'kernel.ready = {{function = {name!r}}} with kernel.slide = "auto": where a function '
            "is can only be known before the boot if kernel.slide is a number"
        )
    address = Symbols.of(parse(elf), elf, slide).address(name)
    with guest.stub_running_to(address) as (fileno, went_on):

        def note() -> None:
            if went_on():
                raise _Reached

        guest.outputs.watch(fileno, note)
        try:
            while guest.outputs.wait(deadline):
                guest.serial.check()
            raise SerialTimeout(f"{name}() was not reached within {deadline.seconds:g} s")
        except _Reached:
            return Booted(_console_text(guest))
        finally:
            guest.outputs.unwatch(fileno)


class _Reached(Exception):
    """The guest has come to the function that is awaited."""


class _Listener:
    """Finds lines that match a pattern, on any output, each line looked at once."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._searched: dict[tuple[str, str], int] = {}
        self._found: dict[str, str] = {}

    def says(self, pattern: str) -> str | None:
        """Return the first line that matches, or None if none has come yet."""
        for output in self._outputs.by_name.values():
            if pattern in self._found:
                break
            start = self._searched.get((pattern, output.name), 0)
            self._searched[pattern, output.name] = len(output.lines)
            for line in [*output.lines[start:], output.last]:
                if re.search(pattern, line):
                    self._found[pattern] = line
                    break
        return self._found.get(pattern)
