"""Who performs the batches: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

from ringbench.errors import ConfigError, WorkerDied

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def local(jobs: int) -> Iterator[Executor]:
    """Processes of this machine, that end with this one however it ends, their machines too.

    Each holds the reading end of a pipe whose writing end is nowhere else than here. Ctrl-C is for
    this process alone.

    Raises:
        WorkerDied: one of them is gone.
    """
    reader, writer = multiprocessing.Pipe(duplex=False)
    executor = Workers(
        jobs, multiprocessing.get_context("spawn"), initializer=_follow, initargs=(reader,)
    )
    try:
        yield executor
    except BrokenExecutor:
        writer.close()
        raise WorkerDied(
            "a process that performs batches died: it was killed, or could not start; what is in "
            "the corpus is kept, and the same command goes on"
        ) from None
    except BaseException:
        writer.close()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
        writer.close()
        reader.close()


class Workers(ProcessPoolExecutor):
    """Processes that Ctrl-C does not reach, from the moment in which they are started."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a process perform `fn`; raises as the base class does."""
        # A process that is started here inherits the mask.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with _signals_wait():
                return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM wait: a process half started would fail in words of its own.

    The mask does not do that: what comes to any other thread is handled in the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _follow(pipe: Connection) -> None:
    """Have this process end with the one that holds the other end; a QEMU's guard ends with it."""

    def watch() -> None:
        pipe.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """The workers of the cluster whose scheduler is at `address`, like tcp://host:8786.

    Raises:
        ConfigError: the package `distributed` is not installed, or nobody answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(
            "--dask needs the package `distributed`: pip install 'ringbench[cluster]'"
        ) from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--dask {address}: no scheduler there ({error})") from None
    try:
        yield client.get_executor()
    finally:
        client.close()
