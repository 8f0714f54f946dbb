"""The state machine as a test of one's own: hypothesis runs it, a failure is a script to replay.

Example:
    def test_my_kernel(ringbench_config, tmp_path):
        check(ringbench_config, tmp_path)

Sequences are made smaller by `reduce`, not by hypothesis, which takes ten times as many tries: it
shrinks what it drew, where `reduce` shrinks the operations themselves.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from ringbench.config import Config
from ringbench.engine.hunt.state_machine import SETTINGS, Findings, on
from ringbench.engine.reduce import locate, shrink
from ringbench.engine.runner import Stage, Violation
from ringbench.engine.script import SUFFIX, failure_script, machine_words


def check(config: Config, folder: Path, how: settings = SETTINGS) -> int:
    """Run the state machine; return how many operations it performed.

    Args:
        config: the kernel and its machine.
        folder: where the script of a failure is left.
        how: `settings(SETTINGS, max_examples=...)` and the like; with `derandomize` it performs the
            same examples every time.

    Raises:
        Violation: the kernel is wrong. Its notes have the file and the lines of the smallest
            sequence.
        RingbenchError: the machine cannot be started.
    """
    with Stage(config) as stage:
        findings = Findings()
        try:
            run_state_machine_as_test(on(stage, findings), settings=how)
        except Violation as violation:
            smallest = shrink(stage, locate(stage, violation.failure))
            script = failure_script(smallest, machine_words(config))
            path = folder / f"failure{SUFFIX}"
            script.write(path)
            violation.add_note(f"ringbench replay {path}\n{script.text()}")
            raise
        return stage.performed
