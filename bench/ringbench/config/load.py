"""From a TOML file to a `Config`, and from a `Config` to one with single keys changed.

`ringbench.toml` is wholly ours; in `pyproject.toml` we have the table ``[tool.ringbench]``.
One table of rules below is the whole list of keys: it decides what is known, what each value
must be, and what a misspelt key probably meant. Overrides from a command line pass the same
rules, so that nothing enters a `Config` unchecked.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ringbench.config import (
    contract_rules,
    contracts,
    layout,
    layout_rules,
    talk,
    values,
    watch,
    watch_rules,
)
from ringbench.config.settings import Config, Deadlines, KernelConfig, MachineConfig
from ringbench.config.toml import read_toml
from ringbench.errors import ConfigError

FILE_NAME = "ringbench.toml"
TRANSLATIONS = "RINGBENCH_TRANSLATIONS"
"""The environment's variable that gives `machine.translations` where nothing else does.

So who wants to know what ran of a kernel hears of every machine of this process and of those that
it starts.
"""

BRANCHES = "RINGBENCH_BRANCHES"
"""Beside it: `machine.branches` is on if this is not empty."""

QEMU = "RINGBENCH_QEMU"
"""The environment's variable that gives `machine.qemu` where nothing else does."""

LONGEST_NAME = 60
"""Characters of a misspelt key that are repeated, and looked at for what was meant."""

T = TypeVar("T")

RULES: dict[str, dict[str, values.Rule]] = {
    "kernel": {
        "elf": values.path,
        "image": values.path,
        "prompt": values.prompt,
        "prompt_pattern": values.pattern,
        "prompt_rest": talk.rest,
        "console": talk.output,
        "outputs": talk.outputs,
        "input": talk.input_,
        "ready": talk.ready,
        "login": talk.login,
        "command_line": values.text,
        "modules": values.modules,
        "line_end": values.line_end,
        "log": values.pattern,
        "panic": values.pattern,
        "exception": values.pattern,
        "end": values.pattern,
        "passed": talk.outcome,
        "failed": talk.outcome,
        "tests": talk.tests,
        "subject": values.word,
        "slide": values.slide,
        "more": values.paths,
    },
    "machine": {
        "qemu": values.word,
        "gdb": values.word,
        "type": values.option_word,
        "memory": values.size,
        "cpu": values.word,
        "accelerator": values.option_words,
        "smp": values.processors,
        "firmware": values.firmware,
        "display": values.option_word,
        "debugcon": values.port,
        "disks": values.disks,
        "log_exceptions": values.flag,
        "arguments": values.arguments,
        "translations": values.path,
        "branches": values.yes_or_no,
        "guest_calls": values.yes_or_no,
        "watch": values.watches,
    },
    "deadlines": {
        "boot": values.seconds,
        "reply": values.seconds,
        "gdb": values.seconds,
        "stop": values.seconds,
    },
    **contract_rules.RULES,
    **layout_rules.RULES,
    **watch_rules.RULES,
}

_NESTED = frozenset(name.partition(".")[0] for name in RULES if "." in name)
"""Tables that have tables in them."""


def load(path: Path | None = None, overrides: Mapping[str, object] | None = None) -> Config:
    """Read a configuration; without `path`, the nearest one from the working folder upwards.

    `overrides` are as in `override`; they may also give the keys that a file must have, so
    that a kernel can be booted with no file at all.

    Raises:
        ConfigError: no file, not TOML, or a key that is unknown, missing or wrong.
    """
    source = _find(Path.cwd()) if path is None else path.absolute()
    if source is None:
        if not overrides:
            raise ConfigError(
                f"no {FILE_NAME} and no pyproject.toml with [tool.ringbench] in {Path.cwd()} or "
                "above it: `ringbench init KERNEL` writes one; or name one with --config"
            )
        source = Path.cwd() / FILE_NAME
        tables: Mapping[str, Any] = {}
    else:
        tables = _read(source)
    checked = _check_tables(tables, source)
    _apply(checked, overrides or {}, Path.cwd(), "command line")
    if folder := os.environ.get(TRANSLATIONS):
        checked["machine"].setdefault("translations", Path(folder).absolute())
        checked["machine"].setdefault("branches", bool(os.environ.get(BRANCHES)))
    if qemu := os.environ.get(QEMU):
        checked["machine"].setdefault("qemu", qemu)
    return _build(checked, source)


def override(config: Config, changes: Mapping[str, object]) -> Config:
    """Return `config` with single keys changed: ``{"machine.memory": "1G"}``.

    Relative paths start from the working folder, as on a command line. A new ``kernel.elf``
    also becomes the image, unless the image is given too: booting one kernel with the symbols
    of another is never wanted by accident.

    Raises:
        ConfigError: a key that is unknown or a value that is wrong.
    """
    checked = {
        "kernel": _shallow(config.kernel),
        "machine": _shallow(config.machine),
        "deadlines": _shallow(config.deadlines),
        **contracts.tables(config.contracts),
        **layout.tables(config.layout),
        **watch.tables(config.watch),
    }
    _apply(checked, changes, Path.cwd(), "command line")
    return _build(checked, config.source)


def _shallow(settings: KernelConfig | MachineConfig | Deadlines) -> dict[str, object]:
    return {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}


def _find(folder: Path) -> Path | None:
    for place in (folder, *folder.parents):
        if (place / FILE_NAME).exists():
            return place / FILE_NAME
        project = place / "pyproject.toml"
        if project.exists() and _tool_table(project) is not None:
            return project
    return None


def _read(path: Path) -> Mapping[str, Any]:
    if path.name != "pyproject.toml":
        return read_toml(path)
    table = _tool_table(path)
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: expected a table [tool.ringbench]")
    return table


def _tool_table(project: Path) -> object:
    tool = read_toml(project).get("tool")
    return tool.get("ringbench") if isinstance(tool, dict) else None


def _plain(name: str) -> str:
    """A key as it is if it is a word, also with dots, or else quoted, escaped and cut."""
    word = name.replace(".", "_").isidentifier()
    return name if word and len(name) < LONGEST_NAME else values.shown(name)


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> str:
    import difflib

    close = difflib.get_close_matches(name[:LONGEST_NAME], known, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown {kind}; {guess}expected one of {', '.join(known)}"


def _check_tables(tables: Mapping[str, Any], source: Path) -> dict[str, dict[str, object]]:
    checked: dict[str, dict[str, object]] = {name: {} for name in RULES}
    for name, table in _flat(tables):
        if name not in RULES:
            raise ConfigError(f"{source}: [{_plain(name)}]: {_unknown('table', name, RULES)}")
        if not isinstance(table, dict):
            raise ConfigError(f"{source}: {name}: expected a table [{name}]")
        for key, value in table.items():
            checked[name][key] = _check(name, key, value, source.parent, str(source))
    return checked


def _flat(tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield tables by name; those of `[contracts]` and `[layout]` by names like `layout.heap`."""
    for name, table in tables.items():
        if name not in _NESTED or not isinstance(table, dict):
            yield name, table
            continue
        flat = {key: value for key, value in table.items() if not isinstance(value, dict)}
        if flat or name in RULES:
            yield name, flat
        for key, value in table.items():
            if isinstance(value, dict):
                yield f"{name}.{key}", value


def _check(table: str, key: str, value: object, folder: Path, where: str) -> object:
    if key not in RULES[table]:
        raise ConfigError(f"{where}: {table}.{_plain(key)}: {_unknown('key', key, RULES[table])}")
    try:
        return RULES[table][key](value, folder)
    except values.Expected as expected:
        was = values.shown(value)
        raise ConfigError(f"{where}: {table}.{key}: expected {expected}, not {was}") from None


def _apply(
    checked: dict[str, dict[str, object]],
    changes: Mapping[str, object],
    folder: Path,
    where: str,
) -> None:
    for dotted, value in changes.items():
        table, _, key = dotted.rpartition(".")
        if table not in RULES:
            raise ConfigError(f"{where}: {dotted}: {_unknown('table', table, RULES)}")
        checked[table][key] = _check(table, key, value, folder, where)
    if "kernel.elf" in changes and "kernel.image" not in changes:
        checked["kernel"]["image"] = checked["kernel"]["elf"]


def _build(checked: dict[str, dict[str, object]], source: Path) -> Config:
    kernel = dict(checked["kernel"])
    if "elf" not in kernel and "image" not in kernel:
        raise ConfigError(f"{source}: kernel.elf: missing; every kernel needs it, or kernel.image")
    kernel.setdefault("elf", kernel.get("image"))
    kernel.setdefault("image", kernel["elf"])
    machine = dict(checked["machine"])
    if _boots_by_efi(kernel["image"]):
        machine.setdefault("firmware", "uefi")
    try:
        called, known = contracts.build(checked), layout.build(checked)
    except KeyError as error:
        raise ConfigError(f"{source}: {error.args[0]}: missing; the table needs it") from None
    watched = watch.build(checked)
    names, moves = machine.get("watch"), kernel.get("slide") == "auto"
    if isinstance(names, tuple):
        machine["watch"] = watch.with_all(names, watched, called, moves=moves)
    config = Config(
        kernel=_make(KernelConfig, kernel),
        machine=_make(MachineConfig, machine),
        deadlines=_make(Deadlines, checked["deadlines"]),
        contracts=called,
        layout=known,
        watch=watched,
        source=source,
    )
    _check_together(config)
    return config


def not_watched(config: Config) -> list[str]:
    """Say what `machine.watch = "all"` leaves out, and why, a line each."""
    names = config.machine.watch
    if watch.ALL not in names:
        return []
    moves = config.kernel.slide == "auto"
    lacking = watch.lacking_of(config.watch, config.contracts, moves=moves)
    return [f"{name}: {why}" for name, why in lacking.items() if name not in names]


def _boots_by_efi(image: object) -> bool:
    return isinstance(image, Path) and (image.suffix.lower() == ".efi" or image.is_dir())


def _make(kind: Callable[..., T], fields: Mapping[str, object]) -> T:
    return kind(**fields)


def _check_together(config: Config) -> None:
    kernel, machine = config.kernel, config.machine
    source = config.source
    if kernel.is_iso and (kernel.command_line or kernel.modules):
        raise ConfigError(
            f"{source}: kernel.image: {kernel.image.name} boots through its own loader, "
            "which alone decides on command line and modules; leave out kernel.command_line "
            "and kernel.modules"
        )
    if machine.firmware != "bios" and _is_elf_by_name(kernel.image):
        raise ConfigError(
            f'{source}: machine.firmware: only "bios" can boot an ELF directly; '
            "with other firmware kernel.image must be an .iso, a disk image, an EFI application, "
            "or a folder with one"
        )
    if kernel.prompt is not None and kernel.prompt_pattern is not None:
        raise ConfigError(
            f"{source}: kernel.prompt_pattern: there is kernel.prompt too; leave one of them out"
        )
    if kernel.awaited.kind == "prompt" and not kernel.has_prompt:
        raise ConfigError(
            f'{source}: kernel.ready: "prompt" needs kernel.prompt or kernel.prompt_pattern'
        )
    if kernel.console == "vga" and machine.display == "none":
        raise ConfigError(
            f'{source}: kernel.console: "vga" needs a card; machine.display is "none"'
        )


def _is_elf_by_name(image: Path) -> bool:
    return image.suffix.lower() in ("", ".elf") and not image.is_dir()
