"""What takes long to import is not imported before it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "rich", "elftools", "pexpect", "pygdbmi")
RUN = """
import sys
from ringbench.cli.main import run
status = run(sys.argv[1:])
print("STATUS", status, *({heavy} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["run", "--config", "missing.toml"], 2),
        (["rum"], 2),
    ],
)
def test_only_what_is_needed(arguments: list[str], status: int, tmp_path: Path) -> None:
    assert last_line(arguments, tmp_path) == f"STATUS {status}"


def test_json_loads_nothing_that_draws_tables(tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(bytes(4096))
    arguments = ["pages", "--dump", "dump", "--root", "0"]
    assert last_line([*arguments, "--json"], tmp_path) == "STATUS 0 numpy"
    assert "rich" in last_line(arguments, tmp_path).split()


def last_line(arguments: list[str], folder: Path) -> str:
    """What the command's process says last: its status, and which heavy modules it has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(heavy=set(HEAVY)), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]
