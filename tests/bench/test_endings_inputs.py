"""Files that never end, or are monstrous, wherever one is named: one line, status 2, at once.

Bounded memory is a limit of the process: 1 GB of addresses, of which Python and its modules take
less than a third.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.engine.hunt.corpus import Corpus
from ringbench.errors import ConfigError
from ringbench.subjects.reference.boots.story import Story
from ringbench.subjects.reference.subject import REFERENCE
from tests.bench.attacks import attacked, lines_of
from tests.bench.command import RINGBENCH
from tests.bench.left import left
from tests.places import ROOT

pytestmark = pytest.mark.sampled

LIMITED = ["/bin/sh", "-c", 'ulimit -v 1000000; exec "$@"', "sh"]

CONFIG = (ROOT / "ringbench.toml").read_text().replace('"build/', f'"{ROOT}/build/')


def pipe(place: Path) -> None:
    os.mkfifo(place)


def folder(place: Path) -> None:
    place.mkdir()


def endless(place: Path) -> None:
    place.symlink_to("/dev/zero")


def terminal(place: Path) -> None:
    place.symlink_to("/dev/tty")


def terabyte(place: Path) -> None:
    place.touch()
    os.truncate(place, 1 << 40)


HOSTILE = [pipe, folder, endless, terminal, terabyte]


def option(place: Path) -> tuple[list[str], Path]:
    return ["frames", "--config", str(place / "some.toml")], place / "some.toml"


def found(place: Path) -> tuple[list[str], Path]:
    return ["frames"], place / "ringbench.toml"


def project(place: Path) -> tuple[list[str], Path]:
    return ["frames"], place / "pyproject.toml"


def project_above(place: Path) -> tuple[list[str], Path]:
    return ["frames"], place.parent / "pyproject.toml"


def module(place: Path) -> tuple[list[str], Path]:
    text = CONFIG.replace("[kernel]\n", f'[kernel]\nmodules = ["{place}/module words"]\n')
    (place / "some.toml").write_text(text)
    return ["frames", "--config", str(place / "some.toml")], place / "module"


def story(place: Path) -> tuple[list[str], Path]:
    config = str(ROOT / "ringbench.toml")
    return ["boot-map", "--config", config, str(place / "story.json")], place / "story.json"


def state(place: Path) -> tuple[list[str], Path]:
    config, corpus = str(ROOT / "ringbench.toml"), place / "corpus"
    corpus.mkdir()
    return ["hunt", "--config", config, "--corpus", str(corpus)], corpus / "state.json"


def corpus(place: Path) -> tuple[list[str], Path]:
    config = str(ROOT / "ringbench.toml")
    return ["hunt", "--config", config, "--corpus", str(place / "corpus")], place / "corpus"


NAMED = [option, found, project, project_above, module, story, state, corpus]


RIGHT = [(corpus, folder), (module, terabyte)]
"""A folder is what a corpus is; and of a module that is too long it is QEMU that says so."""


@pytest.mark.parametrize(
    ("named", "hostile"),
    [(named, hostile) for named in NAMED for hostile in HOSTILE if (named, hostile) not in RIGHT],
)
def test_a_file_that_is_none(
    named: Callable[[Path], tuple[list[str], Path]],
    hostile: Callable[[Path], None],
    tmp_path: Path,
) -> None:
    place = tmp_path / "deep" / "place"
    place.mkdir(parents=True)
    arguments, file = named(place)
    hostile(file)
    done = attacked(arguments, tmp_path / "tmp", cwd=place, program=[*LIMITED, *RINGBENCH])
    assert done.returncode == 2, done.stderr
    [line] = [line for line in lines_of(done.stderr) if "rror: " in line]
    assert str(file) in line
    assert "Traceback" not in done.stderr
    assert left(tmp_path / "tmp") == []


@pytest.mark.parametrize("hostile", [pipe, pytest.param(endless, marks=pytest.mark.exhaustive)])
def test_coverage_of_earlier_runs_that_is_none(
    hostile: Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "kernel.json"
    hostile(file)
    arguments = ["--kernel-cov", "--kernel-cov-data", str(file), "tests/unit/test_mi.py", "-q"]
    program = [*LIMITED, sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = attacked(arguments, tmp_path / "tmp", program=program)
    assert done.returncode == 4, done.stdout + done.stderr  # pytest's own for usage
    [line] = lines_of(done.stderr)
    assert str(file) in line
    assert left(tmp_path / "tmp") == []


def test_a_module_larger_than_the_machine(tmp_path: Path) -> None:
    arguments, file = module(tmp_path)
    terabyte(file)
    done = attacked(arguments, tmp_path / "tmp", program=[*LIMITED, *RINGBENCH])
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr


# --- monstrous contents ---------------------------------------------------------------------------

STORIES = [
    "[" * 100_000,
    '{"multiboot":' * 100_000,
    "1" * 5000,
    '{"multiboot": 1, "at": ' + "9" * 5000 + "}",
    '{"multiboot": 1, "at": "0x' + "f" * 5000 + '"}',
    '{"multiboot": 2, "at": 0, "map_tags": 1000000000000}',
    '{"multiboot": 2, "at": 65536, "map_tags": 4294967295}',
    '{"multiboot": 1, "at": 0, "entries": [{"base": 0, "length": 1, "extra": 999999999999}]}',
    '{"multiboot": 1, "at": 0, "entries": [{"base": 0, "length": 1, "size": -1}]}',
    '{"multiboot": 1, "at": 0, "entries": [{"base": [], "length": {}}]}',
    '{"multiboot": 1, "at": 0, "entries": [null, 1, "a"]}',
    '{"multiboot": 1, "at": 0, "entries": {"a": 1}}',
    '{"multiboot": 2, "at": 65536, "strays": [[1, 99999999999999]]}',
    '{"multiboot": 2, "at": 65536, "strays": [["a", null]]}',
    '{"multiboot": 1, "at": 1e400}',
    '{"multiboot": true, "at": 1}',
    '{"multiboot": 1, "at": 65536, "command_line": 7}',
    '{"multiboot": 1, "at": 65536, "lies": {"flags": []}}',
    '{"multiboot": 1, "at": 65536, "lies": {"flags": 1e9}}',
    '{"multiboot": 1, "at": 65536, "lies": []}',
    '{"multiboot": 1, "at": 65536, "modules": [{"start": 1, "end": 2, "text": 3}]}',
    "null",
    "7",
    "[]",
    '""',
    "",
    "\0",
]


@pytest.mark.parametrize("text", STORIES)
def test_monstrous_stories(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Story.from_json(text)
    assert len(str(caught.value)) < 400


def test_a_story_that_no_loader_can_tell(tmp_path: Path) -> None:
    file = tmp_path / "story.json"
    file.write_text('{"multiboot": 1, "at": 65536, "command_line": "\\ud800\\u0000"}')
    done = attacked(["boot-map", str(file)], tmp_path / "tmp")
    assert done.returncode == 2, done.stderr
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr


STATES = [
    "[" * 100_000,
    '{"version": ' + "9" * 5000 + "}",
    '{"version": [[[]]]}',
    '{"version": true}',
    '{"version": 2, "covered": ["x"]}',
    '{"version": 2, "covered": [1.5]}',
    '{"version": 2, "batches": []}',
    '{"version": 2, "batches": {"1": 7}}',
    '{"version": 2, "batches": {"1": [null]}}',
    '{"version": 2, "boot_batches": {"1": {}}}',
    '{"version": 2, "operations": null}',
    '{"version": 2, "unknown": 1}',
    "null",
    "7",
    "",
    "\0",
]


@pytest.mark.parametrize("text", STATES)
def test_monstrous_states_of_a_hunt(text: str, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(ConfigError, match=r"state\.json") as caught:
        Corpus(tmp_path, REFERENCE.parse)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))
