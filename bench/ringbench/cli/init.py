"""`ringbench init`: a configuration from what is in a kernel's files, and from a first boot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ringbench.errors import ConfigError

if TYPE_CHECKING:
    from ringbench.machine.survey import Survey

FILE: Final = "ringbench.toml"
NEXT: Final = """\
next:
  ringbench boot        boot, show the log, and say how it went
  ringbench console     the kernel's console on this terminal
  ringbench why         boot, and explain how it ended
  ringbench pages       what its page tables map
  pytest                a test asks for the fixture `machine` and has a booted kernel"""
WHY: Final = "`ringbench why` boots it again, and explains that in one page"
PLACES: Final = ("*", "build/*", "out/*", "bin/*", "target/*", "zig-out/bin/*", "*/build/*")
IMAGES: Final = (".iso", ".img", ".efi", ".hdd", ".qcow2")


@click.command()
@click.argument(
    "files", nargs=-1, type=click.Path(path_type=Path), metavar="[ELF] [ISO|IMG|EFI] [IMG]..."
)
@click.option("--force", is_flag=True, help="Replace a configuration that is there.")
def init(files: tuple[Path, ...], force: bool) -> int:
    """Write a commented ringbench.toml for a kernel, from its files and from a first boot.

    Name its ELF file, the image that it boots from, or both: then the image is booted, and the ELF
    file has the symbols. Further images are disks that it has as well. Without any file, what is
    found here and in folders such as build is taken, if it is one kernel.
    """
    from ringbench.config.load import FILE_NAME, load
    from ringbench.files import require_place, write_atomically
    from ringbench.machine.first_boot import listen
    from ringbench.machine.survey import survey
    from ringbench.report.configuration import configuration

    target = Path.cwd() / FILE_NAME
    if target.exists() and not force:
        raise ConfigError(f"{target}: there is one already; --force replaces it")
    require_place(target)
    found = survey(files or _candidates())
    click.echo(_described(found))
    heard = listen(found)
    click.echo(f"first boot: {heard}")
    write_atomically(target, configuration(found, heard, Path.cwd()))
    load(target)
    click.echo(f"{FILE_NAME} is written")
    if heard.trouble:
        click.echo(f"it did not come up: {WHY}")
    click.echo(NEXT)
    return 0


def _described(found: Survey) -> str:
    lines = []
    if found.elf is not None:
        lines.append(f"{found.elf}: an ELF file: {found.facts}")
    if found.image != found.elf:
        lines.append(f"{found.image}: {found.form.value}, for {' and '.join(found.firmware)}")
    lines += [f"{disk}: a further disk" for disk in found.disks]
    return "\n".join(lines)


def _candidates() -> tuple[Path, ...]:
    """Return the kernel of this folder: one ELF file, one image, or both.

    Raises:
        ConfigError: none, or more than can be told apart.
    """
    from ringbench.machine.image import is_elf

    here = Path.cwd()
    seen = dict.fromkeys(path for place in PLACES for path in here.glob(place) if path.is_file())
    images = [path for path in seen if path.suffix.lower() in IMAGES]
    elves = [path for path in seen if path not in images and _is_kernel(path, is_elf(path))]
    if not images and not elves:
        raise ConfigError("no kernel is found here: name one, as in: ringbench init build/k.elf")
    if len(images) > 1 or len(elves) > 1:
        names = ", ".join(str(path.relative_to(here)) for path in (*elves, *images)[:8])
        raise ConfigError(f"several files could be the kernel: {names}; name the one to be booted")
    return (*elves, *images)


def _is_kernel(path: Path, elf: bool) -> bool:
    """Whether an ELF file is linked, and not against a library: no object file, no program."""
    from ringbench.debuginfo.elf import parse
    from ringbench.errors import ImageError

    if not elf:
        return False
    try:
        file = parse(path)
        kinds = [segment["p_type"] for segment in file.iter_segments()]
    except (ImageError, ValueError):
        return False
    return (
        file["e_type"] in ("ET_EXEC", "ET_DYN")
        and "PT_LOAD" in kinds
        and ("PT_INTERP" not in kinds)
    )
