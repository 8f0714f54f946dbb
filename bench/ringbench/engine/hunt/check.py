"""The state machine as a test of one's own: hypothesis runs it, a failure is a script to replay.

Example:
    def test_my_kernel(ringbench_config, tmp_path):
        check(subjects.load(ringbench_config), ringbench_config, tmp_path)

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
from ringbench.engine.runner import Runner, Violation
from ringbench.engine.script import SUFFIX, failure_script, machine_words
from ringbench.subject import OperationT, StateT, Subject


def check(
    subject: Subject[StateT, OperationT], config: Config, folder: Path, how: settings = SETTINGS
) -> int:
    """Run the state machine; return how many operations it performed.

    Args:
        subject: whose kernel.
        config: the kernel and its machine.
        folder: where the script of a failure is left.
        how: `settings(SETTINGS, max_examples=...)` and the like; with `derandomize` it performs the
            same examples every time.

    Raises:
        Violation: the kernel is wrong. Its notes have the file and the lines of the smallest
            sequence.
        RingbenchError: no kernel can be started.
    """
    with Runner(subject, config) as runner:
        findings = Findings()
        try:
            run_state_machine_as_test(on(runner, findings), settings=how)
        except Violation as violation:
            smallest = shrink(runner, locate(runner, violation.failure))
            script = failure_script(smallest, machine_words(config))
            path = folder / f"failure{SUFFIX}"
            script.write(path)
            violation.add_note(f"ringbench replay {path}\n{script.text()}")
            raise
        if findings.disturbance is not None:
            raise findings.disturbance
        return runner.performed
