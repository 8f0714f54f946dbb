"""GDB/MI as values: what gdb says, made into small types. Pure functions, no gdb needed.

pygdbmi parses a line; this gives what was parsed a type. Plain results and the prompt, which is
nearly all that gdb says, take a short cut that comes to the same: pygdbmi reads letter by letter.
Reference: GDB manual, "The GDB/MI Interface", and there "GDB/MI Output Records" and "GDB/MI
Stopped Events" for the names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

_PROMPT = "(gdb) "
# A result record with results: token, class, results.
_RESULT = re.compile(r"(\d+)\^([a-z]+),(.+)")
# A string, or a name in front of its value.
_STRING_OR_NAME = re.compile(r'"[^"]*"|([A-Za-z_][\w-]*)=')

RecordKind = Literal["result", "notify", "console", "log", "target", "output", "done"]


@dataclass(frozen=True, slots=True)
class Record:
    """One line of gdb's output; `token` is that of the command it answers, if any.

    `message` is the result or event class ("done", "error", "stopped"); `payload` its results
    as nested dictionaries and lists of text, or the text itself for stream output.
    """

    kind: RecordKind
    message: str | None
    payload: Any
    token: int | None


@dataclass(frozen=True, slots=True)
class Frame:
    """A stack frame; `level` 0 is the innermost. Names and lines where gdb knows them."""

    level: int
    address: int
    function: str | None
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class StopEvent:
    """Why and where the guest stopped.

    `reason` is gdb's: "breakpoint-hit", "watchpoint-trigger", "end-stepping-range",
    "function-finished", "signal-received", ...; `breakpoint` its number, `old` and `new` the
    values at a watchpoint, `result` what a finished function returned, all as gdb prints them.
    """

    reason: str
    frame: Frame | None
    breakpoint: int | None = None
    signal: str | None = None
    old: str | None = None
    new: str | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A breakpoint or watchpoint in gdb; `address` is None for what has none or several."""

    number: int
    address: int | None
    location: str


def quote(text: str) -> str:
    """Return `text` as an MI string constant, quoted and escaped as in C."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def parse(line: str) -> Record:
    """Return one line of gdb's output as a record; a line that is not MI is kind "output"."""
    if line == _PROMPT:
        return Record("done", None, None, None)
    match = _RESULT.fullmatch(line)
    if match is not None and (payload := _by_json(match[3])) is not None:
        return Record("result", match[2], payload, int(match[1]))
    from pygdbmi import gdbmiparser

    parsed = gdbmiparser.parse_response(line)
    return Record(
        kind=parsed["type"],
        message=parsed.get("message"),
        payload=parsed.get("payload"),
        token=parsed.get("token"),
    )


def _by_json(results: str) -> dict[str, Any] | None:
    """Return the results of a record as pygdbmi does, by the quicker parser of JSON.

    None where they are more than JSON can say: escapes, lists of named values, names that repeat.
    """
    if "\\" in results:
        return None
    try:
        text = _STRING_OR_NAME.sub(_name_as_string, results)
        found: dict[str, Any] = _JSON.decode("{" + text + "}")
    except ValueError:
        return None
    return found


def _name_as_string(match: re.Match[str]) -> str:
    return f'"{match[1]}":' if match[1] else match[0]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name repeats")
    return found


_JSON = json.JSONDecoder(object_pairs_hook=_distinct)


def error_text(payload: Any) -> str:
    """Return gdb's words from the payload of an error result."""
    return str(payload.get("msg", payload)) if isinstance(payload, Mapping) else str(payload)


def number(text: str) -> int:
    """Return the integer at the start of a printed value: "-3", "0x10", "97 'a'".

    Raises:
        ValueError: it does not start with an integer.
    """
    return int(text.split(None, 1)[0], 0)


def frame(payload: Mapping[str, Any]) -> Frame:
    """Return the frame in a ``frame={...}`` of a stop or a backtrace."""
    line = payload.get("line")
    return Frame(
        level=int(payload.get("level", 0)),
        address=int(payload["addr"], 0),
        function=payload.get("func"),
        file=payload.get("fullname", payload.get("file")),
        line=int(line) if line is not None else None,
    )


def stop_event(payload: Mapping[str, Any]) -> StopEvent:
    """Return what a ``*stopped`` record says."""
    where = payload.get("frame")
    value = payload.get("value", {})
    trigger = next(
        (payload[key] for key in ("wpt", "hw-rwpt", "hw-awpt") if key in payload),
        {"number": payload.get("bkptno")},
    )
    hit = trigger.get("number")
    return StopEvent(
        reason=str(payload.get("reason", "unknown")),
        frame=frame(where) if where and "addr" in where else None,
        breakpoint=int(hit) if hit is not None else None,
        signal=payload.get("signal-name"),
        old=value.get("old"),
        new=value.get("new", value.get("value")),
        result=payload.get("return-value"),
    )


def breakpoint_of(payload: Mapping[str, Any]) -> Breakpoint:
    """Return the breakpoint in the result of an insertion."""
    for key in ("bkpt", "wpt", "hw-rwpt", "hw-awpt"):
        if key in payload:
            made = payload[key]
            break
    else:
        raise ValueError(f"no breakpoint in {payload!r}")
    address = str(made.get("addr", ""))
    return Breakpoint(
        number=int(made["number"]),
        address=int(address, 16) if address.startswith("0x") else None,
        location=str(made.get("original-location", made.get("exp", made.get("what", "")))),
    )


def memory_of(payload: Mapping[str, Any], address: int, length: int) -> bytes:
    """Return the bytes in the result of a memory read.

    Raises:
        ValueError: they are not all of the range.
    """
    data = b"".join(bytes.fromhex(part["contents"]) for part in payload["memory"])
    if len(data) != length or int(payload["memory"][0]["begin"], 0) != address:
        raise ValueError(f"gdb gave {len(data)} of {length} bytes at {address:#x}")
    return data
