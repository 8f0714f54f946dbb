"""The first boot of a kernel that nothing is known of: where it speaks, and what it waits at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ringbench.config import Config, Deadlines, Disk, KernelConfig, MachineConfig, Ready
from ringbench.config.talk import OUTPUTS
from ringbench.ending import EndKind
from ringbench.errors import BootTimeout, Ended
from ringbench.machine.advice import last_line, prompt_like
from ringbench.machine.command import EXIT_DEVICE
from ringbench.machine.machine import Machine
from ringbench.machine.survey import Survey

SECONDS = 20.0  # for a kernel that never falls quiet
NUMBER = re.compile(r"\b(?:0[xX][0-9a-fA-F]+|[0-9][0-9a-fA-F]*)\b")
MEMORY = 256 << 20
"""Of a kernel that nothing is known of: QEMU alone gives 128M, which some find too little."""
TESTS = (
    r"^test (?P<name>\S+) \.\.\. (?P<result>\w+)",
    r"^(?P<result>ok|not ok)\b(?: \d+)?(?: -)? (?P<name>.+)",
    r"^\[ *(?P<result>PASS|OK|FAIL|SKIP)\w* *\] (?P<name>.+)",
    r"^(?:[Tt]est )?(?P<name>.+?): (?P<result>(?i:pass|fail|ok|skip)\w*)$",
)
"""How kernels print the results of their tests: as Rust does, TAP, with a tag before or behind."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a first boot told.

    `spoke` are the outputs that said something, `console` the one that has a prompt, or else the
    first of them; `prompt` is None where none was seen. `last` is the last line of the console.
    `exit_status` is QEMU's if the kernel ended it by isa-debug-exit; `is_off` whether the kernel
    switched the machine off; `trouble` is how the boot went wrong, if it did; `tests` a pattern for
    lines that look like those of tests; `landmark` a line that the console said once, of a kernel
    that never fell quiet.
    """

    spoke: tuple[str, ...] = ()
    console: str | None = None
    prompt: str | None = None
    last: str = ""
    exit_status: int | None = None
    is_off: bool = False
    trouble: str = ""
    landmark: str = ""
    tests: str | None = None

    def __str__(self) -> str:
        if not self.spoke:
            said = "it printed nothing"
        else:
            said = f"it printed on {', '.join(self.spoke)}"
            if self.prompt is not None:
                said += f"; {self.prompt!r} on {self.console} looks like a prompt"
            else:
                said += f"; {self.console} ends with {self.last[-60:]!r}"
        if self.exit_status is not None:
            said += f"; then it ended QEMU with exit status {self.exit_status}"
        if self.landmark:
            said += "; it goes on talking"
        if self.is_off:
            said += "; then it switched the machine off"
        return said + (f"; {self.trouble}" if self.trouble else "")


def listen(found: Survey) -> Heard:
    """Boot once, and listen to everything until it falls quiet.

    Raises:
        ImageError, StartError: it cannot be booted.
    """
    with Machine.launch(_config(found)) as machine:
        trouble, talks = "", False
        try:
            machine.boot()
        except BootTimeout as error:
            why = error.explanation
            talks = True  # which is no trouble by itself
            trouble = why.summary if why is not None and (why.fault or why.lost) else ""
        except Ended as error:
            ending = error.ending
            if ending is None or ending.kind is not EndKind.FINISHED:
                why = error.explanation
                trouble = why.summary if why is not None else str(error)
        ending = machine.ending()
        finished = ending is not None and ending.kind is EndKind.FINISHED
        status = ending.exit_status if ending is not None and finished else None
        heard = Heard(exit_status=status or None, is_off=finished and not status, trouble=trouble)
        outputs = [output for output in machine.outputs.spoke() if last_line(output).strip()]
        if not outputs:
            return heard
        lines = {output.name: output.tail(1) for output in outputs}
        prompts = {name: prompt for name, line in lines.items() if (prompt := prompt_like(line))}
        console = next(iter(prompts), outputs[0].name)
        last = next(last_line(output) for output in outputs if output.name == console)
        gone = finished or trouble
        return replace(
            heard,
            spoke=tuple(lines),
            console=console,
            prompt=None if gone else prompts.get(console),
            last=last,
            tests=_like_tests(output.tail().split("\n") for output in outputs),
            landmark=landmark(machine.outputs.by_name[console].tail())
            if talks and not trouble
            else "",
        )


def landmark(said: str) -> str:
    """Return the last whole line of a log that, numbers aside, is in it but once; or nothing."""
    lines = [line.strip() for line in said.split("\n")[:-1]]
    kinds = Counter(NUMBER.sub("0", line) for line in lines)
    return next(
        (line for line in reversed(lines) if len(line) > 3 and kinds[NUMBER.sub("0", line)] == 1),
        "",
    )


def _like_tests(said: Iterable[Sequence[str]]) -> str | None:
    """Return the first of the common patterns that several lines of an output match."""
    every = list(said)
    return next(
        (
            pattern
            for pattern in TESTS
            for lines in every
            if sum(re.search(pattern, line) is not None for line in lines) > 1
        ),
        None,
    )


def _config(found: Survey) -> Config:
    """Return a configuration that listens to everything, and that a kernel can end QEMU in."""
    kernel = KernelConfig(
        elf=found.elf or found.image,
        image=found.image,
        outputs=OUTPUTS,
        ready=Ready("quiet"),
    )
    uefi = found.firmware[0] == "uefi"
    machine = MachineConfig(
        firmware=found.firmware[0],
        arguments=("-device", EXIT_DEVICE),
        memory=MEMORY,
        disks=tuple(Disk(each) for each in found.disks),
    )
    return Config(kernel, Path.cwd(), machine, Deadlines(boot=SECONDS * (3 if uefi else 1)))
