"""Sequences that once showed a kernel to be wrong, one file each: none of them does any more.

`ringbench replay` performs such a file by hand. The hunt finds them; what one showed, and on which
machine, is at its head.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbench.config import Config
from ringbench.engine.script import read_script
from ringbench.machine import Pool
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.subject import REFERENCE

SEQUENCES = sorted((Path(__file__).parent / "sequences").glob("*.ring"))


@pytest.mark.parametrize("file", SEQUENCES, ids=lambda file: file.stem)
def test_a_sequence_is_performed_as_the_model_says(
    file: Path, ringbench_config: Config, ringbench_machines: Pool
) -> None:
    script = read_script(file, REFERENCE.parse)
    with ringbench_machines.lend(script.on(ringbench_config)) as machine:
        machine.command("echo off")
        lockstep = ReferenceLockstep(ReferenceKernel(machine))
        console = ConsoleChannel(machine.command)
        for number, line in enumerate(script.lines, 1):
            lockstep.step(console, REFERENCE.parse(line))
            lockstep.glance(f"after line {number}")
        lockstep.drain(console)


def test_there_are_sequences() -> None:
    assert SEQUENCES
