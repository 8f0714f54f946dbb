"""Files that a person names: read in bounded memory and at once, written whole or not at all.

What is named to be read may be anything: a pipe that nobody writes to, `/dev/zero`, a folder, a
terabyte. So only regular files are read, never more of one than its kind can need, and without
waiting.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from ringbench.errors import ConfigError, OutputError, RingbenchError

Failure = type[RingbenchError]
"""The exception that says what is wrong with a file."""

_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: Path, what: str, failure: Failure = ConfigError) -> BinaryIO:
    """Open a regular file to be read; `what` it is to be is for the message: "kernel", "dump".

    Raises:
        ConfigError: it is missing, not a regular file, or may not be read; or `failure`, if another
            is given.
    """
    try:
        # Without O_NONBLOCK the opening of a pipe waits for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise failure(f"{path}: the {what} cannot be read (no such file)") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise failure(f"{path}: the {what} cannot be read ({_reason(error)})") from None
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        is_what = _KINDS.get(kind, "something else")
        why = f"it must be a regular file; this is {is_what}"
        raise failure(f"{path}: the {what} cannot be read ({why})")
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, what: str, limit: int, failure: Failure = ConfigError) -> bytes:
    """Return what is in a regular file of at most `limit` bytes.

    Raises:
        ConfigError: as for `open_regular`, or it is longer; or `failure`, if another is given.
    """
    with open_regular(path, what, failure) as file:
        try:
            data = file.read(limit + 1) if os.fstat(file.fileno()).st_size <= limit else None
        except OSError as error:
            raise failure(f"{path}: the {what} cannot be read ({_reason(error)})") from None
    if data is None or len(data) > limit:
        why = f"longer than any can be: {limit:,} bytes at most"
        raise failure(f"{path}: the {what} cannot be read ({why})")
    return data


def read_text(path: Path, what: str, limit: int, failure: Failure = ConfigError) -> str:
    """Return the UTF-8 text in a regular file of at most `limit` bytes, line ends as line feeds.

    Raises:
        ConfigError: as for `read_bytes`, or it is not text; or `failure`, if another is given.
    """
    try:
        text = read_bytes(path, what, limit, failure).decode("utf-8")
    except UnicodeDecodeError as error:
        why = f"not UTF-8 text: {error.reason}"
        raise failure(f"{path}: the {what} cannot be read ({why})") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path, what: str, limit: int, failure: Failure = ConfigError) -> Any:
    """Return the data in a JSON file of at most `limit` bytes.

    Raises:
        ConfigError: as for `read_text`, or it is not JSON; or `failure`, if another is given.
    """
    text = read_text(path, what, limit, failure)
    try:
        return parse_json(text)
    except ValueError as error:
        raise failure(f"{path}: the {what} cannot be read (not JSON: {error})") from None


def parse_json(text: str) -> Any:
    """Return the data that JSON text holds.

    Raises:
        ValueError: it is not JSON, or nested deeper, or has longer numbers, than Python reads.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def require_place(path: Path) -> None:
    """Make sure that a file can be written later on: that its folder takes one.

    Raises:
        OutputError: it cannot; nothing is changed.
    """
    place = _Place.of(path)
    try:
        if place.is_direct:
            if not os.access(place.path, os.W_OK):
                raise OutputError(f"{path}: may not be written")
        else:
            with _beside(place.path, 0o600) as (file, name):
                file.close()
                name.unlink()
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({_reason(error)})") from None


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A file to be written that takes the place of `path`, whole, when the block ends well.

    If it does not, `path` is as it was, and nothing of the file is left. A device, a pipe or one of
    the process's own descriptors, like `/dev/stdout`, is written to directly.

    Raises:
        OutputError: it cannot be written.
    """
    place = _Place.of(path)
    try:
        if place.is_direct:
            descriptor = os.open(place.path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
            os.set_blocking(descriptor, True)
            with os.fdopen(descriptor, "wb") as file:
                yield file
        else:
            with _beside(place.path, mode) as (file, name):
                yield file
                file.close()
                name.replace(place.path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({_reason(error)})") from None


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file with this text as `replacing` does.

    Raises:
        OutputError: it cannot be written.
    """
    with replacing(path, mode) as file:
        file.write(text.encode())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something is written: the file that links lead to, or what must be opened as it is."""

    path: Path
    is_direct: bool

    @classmethod
    def of(cls, path: Path) -> _Place:
        """Look what is there.

        Raises:
            OutputError: no file can have that name, or it is in a folder that may not be read.
        """
        try:
            link = path.parent / os.readlink(path) if path.is_symlink() else path
            is_descriptor = Path(os.path.realpath(link.parent)).is_relative_to("/proc")
            if is_descriptor or (path.exists() and not path.is_file()):
                return cls(path, is_direct=True)
            return cls(Path(os.path.realpath(path)), is_direct=False)
        except (OSError, ValueError) as error:  # ValueError: a NUL in it, half a character
            raise OutputError(f"{path}: cannot be written ({_reason(error)})") from None


@contextmanager
def _beside(path: Path, mode: int) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file in the folder of `path`, removed if the block does not end well."""
    name = path.parent / f".ringbench-{os.urandom(6).hex()}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, name
    except BaseException:
        name.unlink(missing_ok=True)
        raise


def _reason(error: OSError | ValueError) -> str:
    return str(error.strerror if isinstance(error, OSError) else error)
