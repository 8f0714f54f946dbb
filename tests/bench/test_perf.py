"""No operation of the kernel costs more instructions than it did."""

import pytest

from benchmarks import baseline, instructions
from benchmarks.instructions import Boot
from ringbench.config import Config


@pytest.mark.timeout(180)
def test_no_count_has_grown(ringbench_config: Config) -> None:
    """If a higher count is meant: `make perf-baseline`, and say why in the commit."""
    figures = list(instructions.measure(ringbench_config))
    compiler = baseline.compiler_of(ringbench_config.kernel.elf)
    grown = list(baseline.grown(baseline.load(), figures, compiler))
    assert not grown, "\n".join(["grown (if it is meant: make perf-baseline):", *map(str, grown)])


def test_counts_repeat_exactly(ringbench_config: Config) -> None:
    boot = Boot("16M", "frames.500,map.16,query")
    first = instructions.run(ringbench_config, boot)
    assert len(list(instructions.figures(boot, first))) == 8
    assert first == instructions.run(ringbench_config, boot)
