"""The kernel's console: wait for the prompt, type a line, take the reply.

The console is one of the guest's outputs, and a way to type. A prompt is recognised by standing at
the end of what has come, with nothing after it for a while: then a line of a reply that looks like
the prompt is none, nor is a prompt that a line editor writes before every key's echo.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ringbench.config import KernelConfig
from ringbench.errors import (
    Evidence,
    LastWords,
    MachineError,
    SerialClosed,
    SerialTimeout,
    no_evidence,
)
from ringbench.machine.deadline import Deadline
from ringbench.machine.output import Output
from ringbench.machine.outputs import LOOK_SECONDS, Outputs
from ringbench.machine.prompt import Prompt, without_echo
from ringbench.machine.typist import PortTypist, Typist

QUIET = 0.2  # seconds of silence that close last words without a closing line of their own
LAST_WORDS_SECONDS = 2.0  # a kernel that has begun its last words gets no longer than this
OVERTAKEN_SECONDS = 1.0  # of silence after a first prompt that something was logged behind

Opening = Literal["panic", "exception"]


class Serial:
    """The console of one guest, as its configuration describes it, among its outputs."""

    def __init__(
        self,
        outputs: Outputs,
        console: KernelConfig,
        typist: Typist | None,
        evidence: Evidence = no_evidence,
    ) -> None:
        self.outputs = outputs
        self.output: Output = outputs.by_name[console.console]
        self.output.record(b"")  # its file is there even if the kernel says nothing
        self._typist = typist
        self._console = console
        self.evidence = evidence
        self._echoes: bool | None = None
        padded = console.console == "vga"
        self.prompt = (
            Prompt(console.prompt, console.prompt_pattern, padded=padded)
            if console.has_prompt
            else None
        )
        self._log = re.compile(console.log) if console.log else None
        self._openings: list[tuple[Opening, re.Pattern[str]]] = []
        if console.panic is not None:
            self._openings.append(("panic", re.compile(console.panic)))
        if console.exception is not None:
            self._openings.append(("exception", re.compile(console.exception)))
        self._end = re.compile(console.end) if console.end else None

    @property
    def transcript(self) -> Path:
        """The file with all that the console said."""
        return self.output.transcript

    # -- listening -----------------------------------------------------------------------------

    @property
    def types_at_a_port(self) -> bool:
        """Whether what is typed goes to a serial port, not to the keyboard."""
        return isinstance(self._typist, PortTypist)

    def expect_prompt(self, deadline: Deadline) -> str:
        """Wait for the prompt and return the lines before it.

        Raises:
            LastWords: the kernel panicked or reported an exception instead.
            SerialTimeout: no prompt in time.
            SerialClosed: QEMU is gone.
        """
        return "\n".join(self._lines_before_prompt(self._required_prompt(), deadline, None))

    def _lines_before_prompt(
        self, prompt: Prompt, deadline: Deadline, typed: str | None
    ) -> list[str]:
        output = self.output
        while True:
            self.check()
            heard = output.heard
            at = prompt.at_end(output.last)
            if at is not None and self._rests(at, deadline):
                lines = [*output.lines, *([output.last[:at]] if at else [])]
                output.take()
                return lines
            if output.heard != heard:
                continue
            overtaken = self._overtaken(prompt, typed)
            if overtaken is not None and self._is_log_since(overtaken, prompt):
                lines = output.lines[:overtaken]
                output.take()
                return lines
            patience = Deadline(
                deadline.remaining()
                if overtaken is None
                else min(OVERTAKEN_SECONDS, deadline.remaining())
            )
            self._wait(patience)
            while output.heard == heard and not patience.expired:
                self._wait(patience)
            if output.heard != heard:
                continue
            if overtaken is not None and not deadline.expired:
                lines = output.lines[:overtaken]
                output.take()
                return lines
            why = f"no prompt within {deadline.seconds:g} s"
            if overtaken is not None:
                why += ", but lines without end behind one: if they are its log, set kernel.log"
            raise self.evidence(SerialTimeout(why))

    def _rests(self, at: int, deadline: Deadline) -> bool:
        """Whether nothing follows on the console for as long as a prompt must stand there.

        Without any such time, a prompt is taken at once, but only where a line begins.
        """
        seconds = self._console.prompt_rest
        if self._console.console == "vga":  # which is seen now and then only
            seconds = max(seconds, 3 * LOOK_SECONDS)
        if seconds == 0:
            return at == 0
        heard, rest = self.output.heard, Deadline(seconds)
        while self.output.heard == heard and not rest.expired:
            if deadline.expired:
                return False
            self.outputs.wait(rest, alarming=False)
        return self.output.heard == heard

    def _is_log_since(self, number: int, prompt: Prompt) -> bool:
        """Whether all that came behind the prompt on a line is what the configuration calls a log.

        Then nothing else need be waited for: a log that never falls silent is as good as none.
        """
        if self._log is None or self.output.last:
            return False
        first, *others = self.output.lines[number:]
        behind = [prompt.after(first) or "", *others]
        return all(not each.strip() or self._log.search(each.strip()) for each in behind)

    def _overtaken(self, prompt: Prompt, typed: str | None) -> int | None:
        """Return the number of the last line that begins with the prompt and then has a log.

        After the boot's, which nothing was typed at; later only before what the configuration
        says is a log.
        """
        output = self.output
        for number in range(len(output.lines), -1, -1):
            line = output.lines[number] if number < len(output.lines) else output.last
            behind = prompt.after(line)
            if behind is None or not behind.strip():
                continue
            if typed is None or (self._log is not None and self._log.search(behind)):
                return number
        return None

    def command(self, line: str, deadline: Deadline, prompt: str | None = None) -> str:
        """Type `line` and return the reply: no echo, no prompt, lines separated by a newline.

        The echo is told from the reply by being the same text. Lines that the configuration says
        are the kernel's log are left out. `prompt` is the exact text of another prompt than the
        kernel's own, which the line leads to.

        Raises:
            ValueError: it begins with the prompt's text, or has a line end inside.
            LastWords, SerialTimeout, SerialClosed: as for `expect_prompt`.
        """
        self.begin(line, deadline)
        return self.finish(line, deadline, prompt)

    def begin(self, line: str, deadline: Deadline) -> None:
        """Type `line` as `command` does, and leave the reply to `finish`.

        Raises:
            ValueError, LastWords, SerialTimeout, SerialClosed: as for `command`.
        """
        shown = self._console.prompt
        if shown is not None and line.startswith(shown):
            raise ValueError(f"the echo of {line!r} could not be told from the prompt")
        self.outputs.drain(screen=self._console.console == "vga")
        self.check()
        rest = Deadline(QUIET)  # for a line of a log that is being written
        while self._log is not None and self.output.last and not rest.expired:
            if self.prompt is not None and self.prompt.at_end(self.output.last) is not None:
                break
            self.outputs.wait(rest, alarming=False)
        self.output.take()
        self.send(line, deadline)

    def finish(self, line: str, deadline: Deadline, prompt: str | None = None) -> str:
        """Return the reply to the `line` that `begin` typed.

        Raises:
            LastWords, SerialTimeout, SerialClosed: as for `expect_prompt`.
        """
        awaited = self._required_prompt() if prompt is None else Prompt(prompt, None)
        lines = self._lines_before_prompt(awaited, deadline, line)
        if self._log is not None:  # also before the echo
            lines = [each for each in lines if not self._log.search(each)]
        reply = without_echo(lines, line, self.prompt or awaited)
        if reply is None and self._echoes is None:
            self._record(line)
        self._echoes = reply is not None
        if reply is None:
            reply = lines
        return "\n".join(reply).strip("\n")

    def check(self) -> None:
        """Look whether the kernel has said its last words, on any output; never waits.

        Raises:
            LastWords: it has.
        """
        if not self._openings:
            return
        for output in self.outputs.by_name.values():
            for number in range(output.judged, len(output.lines) + 1):
                line = output.lines[number] if number < len(output.lines) else output.last
                for opening, pattern in self._openings:
                    if line and pattern.search(line):
                        raise self._last_words(output, number, opening)
            output.judged = len(output.lines)

    def tail(self, lines: int = 40) -> str:
        """Return the last `lines` lines of the transcript, what is not yet read included."""
        self.outputs.drain()
        return self.output.tail(lines)

    # -- typing --------------------------------------------------------------------------------

    def send(self, line: str, deadline: Deadline | None = None) -> None:
        """Type `line` and what ends it, and do not wait for anything.

        Raises:
            ValueError: it has a line end inside.
            SerialTimeout: the guest does not take its input.
            SerialClosed: QEMU is gone.
        """
        if "\n" in line or "\r" in line:
            raise ValueError(f"one line at a time, not {line!r}")
        if self._echoes is False:
            self._record(line)
        self.type(line + self._console.line_end, deadline)

    def type(self, text: str, deadline: Deadline | None = None) -> None:
        """Type `text`, and nothing behind it.

        Raises:
            MachineError: there is nothing to type at, or no such key.
            SerialTimeout, SerialClosed: as for `send`.
        """
        if self._typist is None:
            error = MachineError(
                f"nothing can be typed at {self._console.console}, which only prints; name a "
                "serial port in kernel.outputs and kernel.input"
            )
            raise self.evidence(error)
        try:
            self._typist.type(text, deadline or Deadline(1.0))
        except MachineError as error:
            raise self.evidence(error) from None

    def nudge(self) -> None:
        """Type what consoles ignore, for the interrupt that it causes."""
        if self._typist is not None:
            self._typist.nudge()

    def settle(self, deadline: Deadline) -> None:
        """Wait until all that was typed has been taken; if it is not by then, that is no error."""
        while self.untaken() and not deadline.expired:
            time.sleep(0.001)

    def untaken(self) -> bool:
        """Whether something that was typed has not been taken by QEMU yet."""
        return self._typist is not None and self._typist.untaken()

    def restart(self, folder: Path, said: Mapping[str, bytes]) -> None:
        """Forget all that came, and go on in new transcripts, which begin with what was `said`.

        Raises:
            OSError: a transcript cannot be written.
        """
        self.outputs.restart(folder, said)
        self.output.record(b"")
        self._echoes = None

    # -- parts ---------------------------------------------------------------------------------

    def _wait(self, deadline: Deadline) -> None:
        try:
            self.outputs.wait(deadline)
        except SerialClosed as error:
            raise self.evidence(error) from None

    def _required_prompt(self) -> Prompt:
        if self.prompt is None:
            raise self.evidence(
                MachineError(
                    "the kernel has no prompt that is known, so the end of a reply cannot be told; "
                    "set kernel.prompt, or use expect()"
                )
            )
        return self.prompt

    def _record(self, line: str) -> None:
        """Put what was typed into the transcript, for a console that does not show it."""
        self.output.record(f"{line}\n".encode())

    def _last_words(self, output: Output, first: int, opening: Opening) -> MachineError:
        """Read on from the opening line to the block's end, and make the exception of it."""
        deadline = Deadline(LAST_WORDS_SECONDS)
        while True:
            for number in range(first + 1, len(output.lines)):
                if self._end is not None and self._end.search(output.lines[number]):
                    block = output.lines[first : number + 1]
                    output.take()
                    return self.evidence(LastWords(opening, tuple(block)))
            rest = deadline.remaining() if self._end else min(QUIET, deadline.remaining())
            if not self.outputs.wait(Deadline(rest), alarming=False) or deadline.expired:
                break
        block = [*output.lines[first:], *([output.last] if output.last else [])]
        output.take()
        return self.evidence(LastWords(opening, tuple("\n".join(block).strip("\n").split("\n"))))
