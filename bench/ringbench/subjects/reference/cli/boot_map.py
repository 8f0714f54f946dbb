"""`ringbench boot-map`: one hostile boot, what the loader says in it, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ringbench.cli.common import configured, machine_options_but_memory, output_option
from ringbench.files import read_text, write_atomically

if TYPE_CHECKING:
    from ringbench.subjects.reference.boots.entry import EntryMachine
    from ringbench.subjects.reference.boots.generate import HostileBoot

LONGEST_STORY: Final = 16 << 20
"""Bytes of a story; the longest that are drawn have a hundredth of that."""


@click.command(name="boot-map")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@machine_options_but_memory
@click.option("--seed", type=int, help="Instead of a file: what the boot is made from,")
@click.option("--number", type=click.IntRange(min=0), help="and which boot of it.")
@output_option("--save", help="Write what the loader says here.")
def boot_map(
    file: Path | None, seed: int | None, number: int | None, save: Path | None, **machine: object
) -> int:
    """Boot once with what a loader says in FILE, a story as JSON, and compare with the model.

    The machine has 128 MiB of memory below 4 GiB and 32 MiB above. Exit status: 0 it went as the
    model predicts; 1 it did not; 2 usage or configuration; 3 the machine could not start.
    """
    from ringbench.subjects.reference.boots.bench import BootBench
    from ringbench.subjects.reference.boots.entry import EntryMachine

    if (file is None) == (seed is None) or (seed is None) != (number is None):
        raise click.UsageError("either a FILE, or --seed and --number")
    text = None if file is None else read_text(file, "story", LONGEST_STORY)
    with EntryMachine(configured(**machine)) as entry:
        boot = chosen(entry, seed, number, file, text)
        if save is not None:
            write_atomically(save, boot.story.to_json() + "\n")
        click.echo("\n".join(boot.story.listing()))
        mismatches = BootBench(entry).attempt(boot, thorough=True)
    click.echo(f"{boot.name}: {', '.join(boot.kinds) or 'as told'}")
    click.echo(f"expected: {boot.prediction.panic or 'comes up'}")
    for mismatch in mismatches:
        click.echo(str(mismatch))
    click.echo("it did otherwise" if mismatches else "it did, and all that was compared agrees")
    return 1 if mismatches else 0


def chosen(
    entry: EntryMachine, seed: int | None, number: int | None, file: Path | None, text: str | None
) -> HostileBoot:
    """Return the boot that was asked for.

    Raises:
        click.UsageError: the file tells no story, or one that cannot be told on this machine.
    """
    from ringbench.subjects.reference.boots.generate import hostile_boot, is_predictable, told
    from ringbench.subjects.reference.boots.story import Story

    if seed is not None and number is not None:
        return hostile_boot(seed, number, entry.facts, entry.memory)
    assert text is not None
    try:
        boot = told(str(file), (), Story.from_json(text), entry.facts, entry.memory)
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from None
    if not is_predictable(boot, entry.facts):
        raise click.UsageError(
            f"{file}: that boot cannot be predicted: the information has no place in RAM beside "
            "firmware and kernel, or the kernel would keep something where there is no RAM"
        )
    return boot
