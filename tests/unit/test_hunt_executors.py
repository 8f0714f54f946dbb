"""The processes that perform batches: no signal comes while one of them is being started."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from ringbench.engine.hunt.executors import Workers


@pytest.fixture
def bystander() -> Iterator[int]:
    """A thread that takes signals while the main one does not, as that of a progress bar does."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    assert thread.ident is not None
    yield thread.ident
    over.set()
    thread.join()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_a_process_that_is_being_started(
    number: signal.Signals, bystander: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def handler(number: int, frame: object) -> None:
        done.append("handled")

    def submit(*_: object) -> Future[None]:
        signal.pthread_kill(bystander, number)
        time.sleep(0.05)
        done.append("started")
        return Future()

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    before = signal.signal(number, handler)
    try:
        Workers(1).submit(print)
        assert done == ["started", "handled"]
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)
