"""The bench's generic half works where the reference kernel's is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import BENCH, ROOT
from tests.unit.floors import REFERENCE

ITS_PLUGIN = "ringbench-reference"
"""The entry point of the plugin that is deleted with the rest."""

PARTS = 10
"""Of the tests, of which one is run each time: that all modules can be imported says most."""

OF_THE_WHOLE_TREE = ("test_floors.py", "test_without_reference.py")
THE_COPY_IS_TESTED = """
from pathlib import Path
import ringbench


def test_the_copy_is_tested():
    assert Path(ringbench.__file__).parents[2] == Path.cwd()
"""
IMPORT_ALL = """
import importlib, pkgutil, traceback
import ringbench

for module in pkgutil.walk_packages(ringbench.__path__, "ringbench.", onerror=lambda name: None):
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        print(module.name, error, sep=": ")
print(ringbench.__file__)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the generic half of the bench, and the unit tests of it."""
    tree = tmp_path_factory.mktemp("generic")
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(BENCH, tree / "bench", ignore=left_out)
    shutil.rmtree(tree / "bench/ringbench" / REFERENCE)
    (tree / "tests/unit").mkdir(parents=True)
    unit = (ROOT / "tests/unit").glob("*.py")
    for file in (ROOT / "pyproject.toml", *(ROOT / "tests").glob("*.py"), *unit):
        if file.name not in OF_THE_WHOLE_TREE:
            shutil.copy(file, tree / file.relative_to(ROOT))
    shutil.copytree(ROOT / "tests/unit/listings", tree / "tests/unit/listings")
    (tree / "tests/unit/test_copy.py").write_text(THE_COPY_IS_TESTED)
    return tree


def python(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a tree, with its package and none of what this run of pytest set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=kept | {"PYTHONPATH": str(tree / "bench")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.early
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "part",
    [pytest.param(part, marks=[pytest.mark.exhaustive] if part else []) for part in range(PARTS)],
)
def test_its_unit_tests_pass(part: int, copy: Path) -> None:
    """All but the property tests, whose modules are imported and whose code the others run too."""
    files = sorted(str(file) for file in copy.glob("tests/unit/test_*.py"))[part::PARTS]
    without = ("-p", "no:cacheprovider", "-p", f"no:{ITS_PLUGIN}")
    done = python(copy, "-m", "pytest", *files, "-q", "-m", "not hypothesis", *without)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = done.stdout.splitlines()[-1]
    assert int(summary.split()[0]) > 400 / PARTS, summary


def test_its_modules_can_be_imported(copy: Path) -> None:
    *failed, imported = python(copy, "-c", IMPORT_ALL).stdout.splitlines()
    assert Path(imported) == copy / "bench/ringbench/__init__.py"
    assert failed == ["ringbench.gdb_commands: No module named 'gdb'"]  # which GDB's Python has
