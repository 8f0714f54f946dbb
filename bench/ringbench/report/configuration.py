"""A configuration file as text, with comments: what `ringbench init` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from ringbench.machine.first_boot import MEMORY, NUMBER, Heard
from ringbench.machine.survey import Survey

COLUMN = 34


def configuration(found: Survey, heard: Heard, folder: Path) -> str:
    """Return the file's text; paths in it start from `folder` if they are inside it."""
    lines = [
        "# What ringbench boots, and how it is talked to: written by `ringbench init`.",
        "# Lines that begin with # are suggestions; the README lists every key.",
        "",
        "[kernel]",
        *_kernel(found, heard, folder),
        "",
        "[machine]",
        *_machine(found, folder),
    ]
    return "\n".join(lines) + "\n"


def _kernel(found: Survey, heard: Heard, folder: Path) -> Iterator[str]:
    if found.elf is not None:
        yield _key("elf", _path(found.elf, folder), str(found.facts))
    else:
        yield _key("# elf", quoted("kernel.elf"), "the linked kernel: its symbols and types")
    if found.image != found.elf:
        yield _key("image", _path(found.image, folder), found.form.value)
    if heard.console is not None:
        yield _key("console", quoted(heard.console), f"it printed on {', '.join(heard.spoke)}")
    else:
        yield _key("# console", quoted("com1"), "it printed nothing: com1..com4, debugcon, vga")
    if heard.prompt is not None:
        yield _key("prompt", quoted(heard.prompt), "what its first boot ended with")
        yield _key("# prompt_pattern", quoted(r"\S*> "), "instead, if the prompt changes")
        yield _key("# input", quoted("keyboard"), "if it reads its keyboard, not the port")
    elif heard.exit_status is not None:
        value = f"{{ exit = {heard.exit_status} }}"
        yield _key("passed", value, "it ended QEMU so: correct this if that was a failure")
        if heard.tests is None:
            yield _key("# tests", quoted(r"^test (?P<name>\S+): (?P<result>\w+)"), "a test's line")
    elif heard.is_off:
        yield _key("passed", quoted("shutdown"), "it switches the machine off at its end")
    else:
        yield _key("# prompt", quoted("> "), "if it has a console: what it prints before it reads")
        if heard.landmark:
            what = "it goes on talking: a line that it said once"
            yield _key("ready", f"{{ log = {quoted(pattern(heard.landmark))} }}", what)
        else:
            yield _key("# ready", "{ log = 'up' }", "or a line of its log that says that it is up")
    if heard.tests is not None:
        yield _key("# tests", quoted(heard.tests), "if its own tests print such lines")
    yield _key("# panic", quoted("^PANIC"), "a line that opens its last words")


def _machine(found: Survey, folder: Path) -> Iterator[str]:
    yield _key("memory", quoted(f"{MEMORY >> 20}M"), "as QEMU takes it")
    if found.firmware != ("bios",):
        others = ", ".join(found.firmware[1:])
        note = f"or {others}" if others else "which alone can start it"
        yield _key("firmware", quoted(found.firmware[0]), note)
    if found.disks:
        disks = ", ".join(_path(disk, folder) for disk in found.disks)
        yield _key("disks", f"[{disks}]", "further ones")
    yield _key("# smp", "2", "processors")


def pattern(line: str) -> str:
    """Return a regular expression for a line of a log, in which numbers may be others."""
    parts = [re.escape(part).replace(r"\ ", " ") for part in NUMBER.split(line)]
    return r"\w+".join(parts)


def _key(name: str, value: str, comment: str) -> str:
    return f"{f'{name} = {value}':<{COLUMN}}  # {comment}"


def _path(path: Path, folder: Path) -> str:
    whole = path.absolute()
    inside = whole.is_relative_to(folder)
    return quoted(str(whole.relative_to(folder) if inside else whole))


def quoted(text: str) -> str:
    """Return a text as TOML writes it: as JSON does, but for one character (TOML 1.0, String)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
