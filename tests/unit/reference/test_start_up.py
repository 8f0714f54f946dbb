"""What takes long to import is not imported by the reference kernel's commands before the boot."""

from pathlib import Path

import pytest

from tests.unit.test_start_up import last_line


@pytest.mark.parametrize("command", ["frames", "heap", "spaces"])
def test_only_what_is_needed(command: str, tmp_path: Path) -> None:
    assert last_line([command, "--config", "missing.toml"], tmp_path) == "STATUS 2"
