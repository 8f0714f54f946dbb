"""Who performs the batches: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection

from ringbench.errors import ConfigError


@contextmanager
def local(jobs: int) -> Iterator[Executor]:
    """Processes of this machine, that end with this one however it ends, their machines too.

    Each holds the reading end of a pipe whose writing end is nowhere else than here. Ctrl-C is for
    this process alone.
    """
    reader, writer = multiprocessing.Pipe(duplex=False)
    executor = ProcessPoolExecutor(
        jobs, multiprocessing.get_context("spawn"), initializer=_follow, initargs=(reader,)
    )
    try:
        yield executor
    except BaseException:
        writer.close()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
        writer.close()
        reader.close()


def _follow(pipe: Connection) -> None:
    """Have this process end with the one that holds the other end; a QEMU's guard ends with it."""

    def watch() -> None:
        pipe.poll(None)
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
