"""`ringbench hunt`: a campaign with a progress line, into a folder that the next goes on with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ringbench.cli.common import configured, machine_options, watch_option

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ringbench.engine.hunt.boots import BootProgress
    from ringbench.engine.hunt.campaign import Progress


@click.command()
@machine_options
@watch_option
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="After which no sequence is begun; a failure just found is still made smaller.",
)
@click.option(
    "--batches",
    "--rounds",
    type=click.IntRange(min=1),
    help="Stop after so many, of twenty sequences or a hundred boots each, if that comes first.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Batches at a time, each in a process with a machine of its own.",
)
@click.option("--seed", default=1, show_default=True, help="What the sequences are made from.")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    default=Path("ringbench-hunt"),
    show_default=True,
    help="Folder for failures, for sequences worth keeping, and for how far it came.",
)
@click.option(
    "--coverage/--no-coverage",
    default=True,
    show_default=True,
    help="Keep sequences that run kernel code which none before did.",
)
@click.option("--boots", is_flag=True, help="Hostile boots instead of sequences of operations.")
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Have the workers of this Dask scheduler do the batches: tcp://host:8786.",
)
def hunt(
    minutes: float,
    batches: int | None,
    jobs: int,
    seed: int,
    corpus: Path,
    coverage: bool,
    boots: bool,
    dask: str | None,
    **machine: object,
) -> int:
    """Search for sequences of operations that show the kernel to be wrong.

    Whatever is found is made as short as it gets and saved, to be run by `ringbench replay` or
    typed at the kernel's console; a boot that goes wrong is for `ringbench boot-map`. Ctrl-C is
    safe at any time: the same command goes on with the batches that are not done.

    Exit status: 0 nothing was found; 1 something was; 2 usage or configuration; 3 the machine could
    not start, or was ended from outside twice, or Ctrl-C.
    """
    from ringbench import subjects
    from ringbench.cli.disturbed import status_of
    from ringbench.engine.hunt.corpus import Corpus

    if boots and machine["memory"] is not None:
        raise click.UsageError("--boots: the boots say what memory there is, so no --memory")
    config = configured(**machine)
    subject = subjects.load(config)
    kept = Corpus(corpus, subject.parse)
    # Half a second of imports: not before it is known that there will be a hunt.
    from rich.console import Console
    from rich.status import Status

    found: dict[Path, bool]
    with (
        _executor(jobs, dask) as executor,
        Status("starting", console=Console(stderr=True)) as status,
    ):
        if boots:
            from ringbench.engine.hunt.boots import hunt_by_boots

            booted = hunt_by_boots(
                subjects.load_boots(config),
                config,
                kept,
                seed,
                executor,
                jobs,
                minutes * 60,
                lambda done: status.update(boots_line(done)),
                batches,
            )
            line, found = boots_line(booted), booted.found
            disturbed, given_up = booted.disturbed, booted.given_up
        else:
            from ringbench.engine.hunt.campaign import Campaign

            fixed = [option for option in ("memory", "cpu") if machine[option] is not None]
            campaign = Campaign(subject, config, kept, seed, fixed=fixed, coverage=coverage)
            progress = campaign.run(
                executor,
                jobs,
                minutes * 60,
                lambda done: status.update(progress_line(done)),
                batches,
            )
            line, found = progress_line(progress), progress.found
            disturbed, given_up = progress.disturbed, progress.given_up
    click.echo(line)
    for path, is_new in found.items():
        click.echo(f"{'new' if is_new else 'known'}: {path}")
    return status_of(bool(found), disturbed, given_up)


def _executor(jobs: int, address: str | None) -> AbstractContextManager[Executor]:
    from ringbench.engine.hunt import executors

    return executors.local(jobs) if address is None else executors.dask(address)


def progress_line(progress: Progress) -> str:
    """How far the hunt is, in one line."""
    words = [
        f"{progress.batches:,} batches",
        f"{progress.sequences:,} sequences",
        f"{progress.operations:,} operations",
        f"{progress.per_minute:,.0f} a minute",
        f"{progress.gained:,} of {progress.covered:,} instructions new",
        f"{len(progress.found)} failures",
    ]
    return ", ".join(words)


def boots_line(progress: BootProgress) -> str:
    """How far a hunt by boots is, in one line."""
    return f"{progress.boots:,} boots, {len(progress.found)} failures"
