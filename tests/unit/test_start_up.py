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
    [(["--help"], 0), (["--version"], 0), (["run", "--config", "missing.toml"], 2), (["rum"], 2)],
)
def test_only_what_is_needed(arguments: list[str], status: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(heavy=set(HEAVY)), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"STATUS {status}"
