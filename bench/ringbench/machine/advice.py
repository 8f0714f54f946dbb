"""What to write into the configuration when something was waited for in vain."""

from __future__ import annotations

import re

from ringbench.config import KernelConfig
from ringbench.ending import Ending, EndKind
from ringbench.machine.output import Output
from ringbench.machine.serial import Serial

_GAVE_UP = re.compile(
    r"\bPANIC\b(?! handler)|\b(?i:kernel panic)\b|\b[Pp]anic(ked)?( at\b|\s*[:!(]|\s+-)"
    r"|\b(?i:assert(ion)?\b.*\bfailed|fatal (error|exception|fault)|unhandled (exception|fault)"
    r"|system halted)\b"
)
LAST_LINES = 40
LATELY = 20
"""Lines, from the end, in which one with anything on it is looked for."""

_PROMPT_LIKE = re.compile(r"[\w:@/~.\[\]()-]*[>$#%:] ?\Z")


def boot_advice(kernel: KernelConfig, serial: Serial) -> str:
    """Return the end of the message: what was awaited, what could be a prompt, who else spoke."""
    awaited = kernel.awaited
    if awaited.kind == "prompt":
        shown = f"kernel.prompt = {kernel.prompt!r}"
        if kernel.prompt is None:
            shown = f"kernel.prompt_pattern = {kernel.prompt_pattern!r}"
    else:
        shown = f"kernel.ready = {awaited.kind!r}"
        if awaited.value:
            shown = f"kernel.ready = {{{awaited.kind} = {awaited.value!r}}}"
    advice = [f"what was awaited is {shown}"]
    if awaited.kind == "prompt":
        advice += _other_prompts(kernel, serial)
    return "".join(f"; {part}" for part in advice)


def prompt_advice(kernel: KernelConfig, serial: Serial) -> str:
    """Return what to do about a reply that did not end: if it ends like a prompt, or never began.

    One that never began is to a line which the kernel does not hear, or waits for the end of.
    """
    last = last_line(serial.output)
    found = prompt_like(last)
    if kernel.prompt is not None and last.strip().endswith(kernel.prompt.strip()):
        port = "serial port" if serial.types_at_a_port else "keyboard"
        other = "keyboard" if serial.types_at_a_port else "serial"
        return (
            f"; nothing came in reply to what was typed at the {port}: if the kernel listens "
            f'elsewhere, set kernel.input = "{other}"'
        )
    echoed = kernel.prompt is not None and kernel.prompt in last
    if echoed and kernel.line_end == "\n" and serial.types_at_a_port:
        return '; if the kernel waits for another key to end the line, set kernel.line_end = "\\r"'
    if found is None or kernel.prompt is None:
        return ""
    return (
        f"; if {found!r} is a prompt as well, set kernel.prompt_pattern to what matches both, or "
        "name it for this command: command(line, prompt=...)"
    )


def ending_advice(kernel: KernelConfig, serial: Serial, ending: Ending) -> str:
    """Return what to do about a kernel that ended before it was ready; or nothing.

    One that halts may have been ready elsewhere; the exit value of one that ended itself may be
    what decides.
    """
    if ending.kind is EndKind.HALTED:
        given_up = last_words(serial)
        why = f"; {given_up!r} looks like last words" if given_up is not None else ""
        return boot_advice(kernel, serial) + why
    if ending.kind is not EndKind.FINISHED or not ending.exit_status or kernel.passed:
        return ""
    return (
        f"; if that says that its own tests passed, set kernel.passed = {{exit = "
        f"{ending.exit_status}}}"
    )


def last_words(serial: Serial) -> str | None:
    """Return the line by which a kernel seems to give up, of what any output said last; or None."""
    for output in serial.outputs.spoke():
        for line in output.tail(LAST_LINES).split("\n"):
            if _GAVE_UP.search(line):
                return line.strip()
    return None


def prompt_like(line: str) -> str | None:
    """Return what could be a prompt at the end of a line, or None."""
    found = _PROMPT_LIKE.search(line)
    return found[0] if found else None


def last_line(output: Output) -> str:
    """Return the last line with anything on it of what an output said lately; or nothing."""
    return next((line for line in reversed(output.tail(LATELY).split("\n")) if line.strip()), "")


def _other_prompts(kernel: KernelConfig, serial: Serial) -> list[str]:
    said = serial.output.tail(1)
    if (found := prompt_like(said)) is not None:
        return [f"if its prompt is {found!r}, say so there"]
    if said.strip():
        return []
    for output in serial.outputs.spoke():
        if output is not serial.output and last_line(output).strip():
            return [f'if {output.name} is the console, set kernel.console = "{output.name}"']
    return []
