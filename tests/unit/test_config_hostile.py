"""Configurations that nobody would write: one line that names the file, at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbench.config import load
from ringbench.errors import ConfigError

START = '[kernel]\nelf = "k.elf"\nprompt = "> "\n'

MONSTERS = {
    "arrays in arrays": "a = " + "[" * 100_000,
    "closed ones": "a = " + "[" * 100_000 + "]" * 100_000,
    "tables in tables": "a = " + "{a = " * 100_000,
    "a key of many parts": ".".join("a" * 50_000) + " = 1",
    "a quoted key of many parts": ".".join(['"a"'] * 50_000) + " = 1",
    "a table of many parts": "[" + ".".join("a" * 50_000) + "]",
    "a list of tables of many parts": "[[" + " . ".join("a" * 50_000) + "]]",
    "many keys of many parts": "\n".join(
        ".".join(["a"] * 200) + f".a{number} = 1" for number in range(2000)
    ),
    "a number of 5,000 digits": "a = " + "1" * 5000,
    "a hexadecimal one": "[machine]\nmemory = 0x" + "f" * 500_000,
    "seconds of 5,000 digits": "[deadlines]\nboot = 0x" + "f" * 5000,
    "size of 5,000 digits": f'[machine]\nmemory = "{"9" * 5000}M"',
    "a name that is too long": f'[machine]\ntranslations = "{"a" * 256}"',
    "a path that is too long": f'[machine]\ntranslations = "{"a/" * 2048}b"',
    "a module's name": f'modules = ["{"a" * 5000}"]',
    "a NUL": '[machine]\nqemu = "a\\u0000b"',
    "a surrogate": '[machine]\nqemu = "\\ud800"',
    "a raw NUL": 'a = "\0"',
    "a date": "[machine]\nmemory = 1979-05-27",
    "seconds without end": "[deadlines]\nboot = inf",
    "seconds that are none": "[deadlines]\nboot = nan",
    "a list for a text": "[machine]\nqemu = [[[]]]",
    "a table for a text": "[machine]\nqemu = {a = 1}",
    "a table for a table": "[machine]\nmemory = {a = [1, {b = 2}]}",
    "lists in a list": "[machine]\narguments = [[[]]]",
    "a deep value": "[machine]\nmemory = " + "[" * 200 + "]" * 200,
    "a deep pattern": "[extra]\na = 1",
    "a long value": f'[machine]\naccelerator = "{"a b" * 100_000}"',
    "a long key": f"[machine]\n{'k' * 100_000} = 1",
    "a key of several lines": '[machine]\n"a\\nb" = 1',
    "a table of several lines": '["a\\nb"]',
    "a longer file than any": "# " + "a" * (1 << 20),
    "no text": "\udcff",
}

PATTERNS = ["(" * 10_000 + ")" * 10_000, "a{99999999999999999999}", "[", "(?P<a>x)(?P<a>y)"]


@pytest.mark.parametrize("text", MONSTERS.values(), ids=MONSTERS)
def test_a_monstrous_configuration_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ringbench.toml"
    file.write_bytes((START + text).encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load(file)
    said = str(caught.value)
    assert said.startswith(f"{file}: ")
    assert "\n" not in said
    assert len(said) < 400 + len(str(file))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_monstrous_pattern_is_one_line(tmp_path: Path, pattern: str) -> None:
    file = tmp_path / "ringbench.toml"
    file.write_text(START + f"panic = '{pattern}'\n")
    with pytest.raises(ConfigError, match=r"kernel\.panic") as caught:
        load(file)
    assert len(str(caught.value)) < 400 + len(str(file))


def test_what_projects_do_write_is_read(tmp_path: Path) -> None:
    file = tmp_path / "ringbench.toml"
    rulers = "".join(f"# {'.' * 90}\n" for _ in range(50))
    file.write_text(rulers + START + f'panic = "{"." * 500}x"\n')
    assert load(file).kernel.prompt == "> "
