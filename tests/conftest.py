"""What all tests share.

`--exhaustive` runs those marked `exhaustive` too, which take minutes each. `--sample` runs a third
of those marked `sampled`, others at each commit (RINGBENCH_SAMPLE=SEED chooses). Those marked
`early` take many seconds and begin first, so that no worker is left alone with one. `--shuffle
SEED` runs
all in another order, the same for each seed. Property tests are judged by their results, not by
how long an example takes on a busy machine. What a test records as its property `summary` is
printed at the end of a run.
"""

from __future__ import annotations

import os
import signal
from random import Random

import pytest
from hypothesis import settings

from tests.places import ROOT
from tests.sample import is_drawn, seed

settings.register_profile("ringbench", deadline=None)
settings.register_profile("read-only", deadline=None, database=None)  # or it warns
settings.load_profile("ringbench" if os.access(ROOT, os.W_OK) else "read-only")


def pytest_configure(config: pytest.Config) -> None:
    """Take Ctrl-C, and so have every child take it: what a shell put in the background does not."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--exhaustive", action="store_true", help="also run the tests that take minutes"
    )
    parser.addoption(
        "--sample", action="store_true", help="of the tests marked `sampled`, run a third"
    )
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run the tests in an order made from SEED"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--exhaustive"):
        _leave_out(config, items, [each for each in items if each.get_closest_marker("exhaustive")])
    if config.getoption("--sample"):
        by = seed()
        marked = [each for each in items if each.get_closest_marker("sampled")]
        _leave_out(config, items, [each for each in marked if not is_drawn(each.nodeid, by)])
    items.sort(key=lambda item: item.get_closest_marker("early") is None)
    order = config.getoption("--shuffle")
    if order is not None:
        Random(order).shuffle(items)


def _leave_out(
    config: pytest.Config, items: list[pytest.Item], left_out: list[pytest.Item]
) -> None:
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=left_out)


def pytest_report_header(config: pytest.Config) -> list[str]:
    order = config.getoption("--shuffle")
    told = [] if order is None else [f"order of tests: --shuffle={order}"]
    if config.getoption("--sample"):
        told.append(f"sample of tests: RINGBENCH_SAMPLE={seed()}")
    return told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "summary":
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {value}")
