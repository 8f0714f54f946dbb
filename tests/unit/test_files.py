"""Files that a person names: whatever is there is read at once, or refused in one line."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.errors import ConfigError, ImageError, OutputError
from ringbench.files import (
    read_bytes,
    read_json,
    read_text,
    require_place,
    write_atomically,
)

LIMIT = 1000


def test_what_is_there_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes("ä\r\nb".encode())
    assert read_bytes(file, "story", LIMIT) == "ä\r\nb".encode()
    assert read_text(file, "story", LIMIT) == "ä\nb"
    file.write_bytes(bytes(LIMIT))
    assert len(read_bytes(file, "story", LIMIT)) == LIMIT


def pipe(place: Path) -> None:
    os.mkfifo(place)


def listener(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(place))


def endless(place: Path) -> None:
    place.symlink_to("/dev/zero")


def terabyte(place: Path) -> None:
    place.touch()
    os.truncate(place, 1 << 40)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (Path.mkdir, "a folder"),
        (pipe, "a pipe"),
        (endless, "a device"),
        (listener, "cannot be read"),
        (terabyte, "longer than any can be: 1,000 bytes"),
        (lambda place: place.write_bytes(bytes(LIMIT + 1)), "longer than any can be"),
        (lambda place: place.symlink_to(place), "cannot be read"),
        (lambda place: None, "no such file"),
    ],
)
def test_what_is_no_file_of_the_kind_is_refused(
    tmp_path: Path, make: Callable[[Path], object], word: str
) -> None:
    place = tmp_path / "place"
    make(place)
    with pytest.raises(ConfigError, match=word) as caught:
        read_bytes(place, "story", LIMIT)
    assert str(place) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "a" * 256, "a/" * 2048 + "b"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_bytes(Path(name), "story", LIMIT)
    with pytest.raises(OutputError, match="cannot be written"):
        require_place(Path(name))
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomically(Path(name), "")


def test_a_file_of_the_system_that_has_no_length_is_read_to_the_limit() -> None:
    assert read_bytes(Path("/proc/self/cmdline"), "story", 1 << 20)
    with pytest.raises(ConfigError, match="longer"):
        read_bytes(Path("/proc/self/maps"), "story", 10)


def test_the_exception_is_the_callers(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="kernel cannot be read"):
        read_bytes(tmp_path / "none", "kernel", LIMIT, ImageError)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "[1,", "", "{'a': 1}"]
)
def test_what_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match="not JSON"):
        read_json(file, "story", 1 << 20)


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        read_text(file, "story", LIMIT)
