"""How long does `ringbench pages` take, whole process, for a dump with many scattered pages?"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.page_tables import DIRECTORIES, TABLES, direct_map
from benchmarks.timing import best_of
from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.config import Config

KEPT = 139
"""Page tables of 512 pages each, no page of which continues another: 71,168 pages."""

GOAL_JSON, GOAL_TABLE = 0.2, 0.15


def measure(_config: Config) -> Iterator[Figure]:
    """Yield seconds of the command with JSON and with a table, and what Python alone takes."""
    dump = bytearray(direct_map(scattered=True).read(0, (2 + DIRECTORIES + TABLES) * PAGE_SIZE))
    first, end = 2 * PAGE_SIZE + KEPT * 8, (2 + DIRECTORIES) * PAGE_SIZE
    dump[first:end] = bytes(end - first)
    with tempfile.NamedTemporaryFile(prefix="ringbench-") as file:
        Path(file.name).write_bytes(dump)
        pages = ("-m", "ringbench.cli.main", "pages", "--dump", file.name, "--root", "0")
        bare, as_json, table = best_of(
            (_python("-c", ""), _python(*pages, "--json"), _python(*pages))
        )
    yield Figure("page_list.python", bare, "s")
    yield Figure("page_list.json", as_json, "s", GOAL_JSON)
    yield Figure("page_list.table", table, "s", GOAL_TABLE)


def _python(*arguments: str) -> Callable[[], object]:
    command = (sys.executable, *arguments)
    return partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
