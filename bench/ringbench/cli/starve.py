"""`ringbench starve`: every allocation fails once, in a table of cases and in a drawn workload."""

from __future__ import annotations

import click

from ringbench.cli.common import configured, machine_options
from ringbench.errors import ConfigError


@click.command()
@machine_options
@click.option("--seed", default=1, show_default=True, help="What the workload is drawn from.")
@click.option(
    "--count",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Operations of the workload that run short, after the table's.",
)
@click.option(
    "--case",
    "words",
    metavar="WORD",
    multiple=True,
    help="Of the table, only cases with this in their name; may be given more than once.",
)
def starve(seed: int, count: int, words: tuple[str, ...], **machine: object) -> int:
    """Let operations run short of memory at every point where they can.

    Each must say that there is no memory, change nothing, and succeed once there is. Of a kernel
    that is described by [contracts], all frames but 0, 1, 2... are taken by its own frames.alloc
    before each call: it may say that there is no memory, and must not fault, lose or spoil any.

    Exit status: 0 all match; 1 mismatch; 2 usage or configuration; 3 the machine could not start,
    or was ended from outside twice.
    """
    config = configured(**machine)
    from ringbench import subjects
    from ringbench.cli.disturbed import status_of
    from ringbench.cli.output import console, progress_bar
    from ringbench.engine.starve import starve as starve_cases
    from ringbench.engine.starve import starve_random, starve_scarce
    from ringbench.report.starve import as_table
    from ringbench.subject import Scarce, Starvable

    subject = subjects.load(config)
    if isinstance(subject, Scarce):
        subject.require_scarcity()
        names = subject.scarce_names
    elif isinstance(subject, Starvable):
        names = tuple(case.name for case in subject.cases)
    else:
        raise ConfigError(
            f"{config.source}: the operations of {subject.name!r} can't be made to run short"
        )
    names = tuple(name for name in names if not words or any(word in name for word in words))
    if not names:
        raise click.UsageError(f"no case has any of these in its name: {', '.join(words)}")
    with progress_bar() as progress:
        if isinstance(subject, Scarce):
            result = starve_scarce(
                subject, config, names, seed=seed, count=count, progress=progress
            )
        else:
            cases = tuple(case for case in subject.cases if case.name in names)
            result = starve_cases(subject, config, cases=cases, progress=progress)
            if count and not result.given_up:
                result += starve_random(subject, config, seed, count=count, progress=progress)
    console().print(as_table(result))
    return status_of(not result.passed, result.disturbed, result.given_up)
