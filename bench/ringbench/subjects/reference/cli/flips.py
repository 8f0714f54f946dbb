"""`ringbench flips`: bits of the kernel's memory are flipped; what does the check say?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from ringbench.cli.common import configured, machine_options, output_option
from ringbench.files import write_atomically
from ringbench.subjects.reference.vocabulary.required import require_reference


@click.command()
@machine_options
@click.option("--seed", default=1, show_default=True, help="What states and bits are drawn from.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="How many bits, one at a time.",
)
@output_option("--json", "json_file", help="Write the result here.")
def flips(seed: int, count: int, json_file: Path | None, **machine: object) -> int:
    """Flip single bits of a stopped kernel's structures and see that each is caught.

    Exit status: 0 all caught that mean something; 1 one was missed; 2 usage or configuration;
    3 the machine could not start, died or hung.
    """
    if machine["memory"] or machine["cpu"]:
        raise click.UsageError("memory and cpu are those of the states that bits are flipped in")
    config = configured(**machine)
    require_reference(config)
    # A third of a second of imports: not before it is known that there will be flips.
    from ringbench.cli.output import console, progress_bar
    from ringbench.subjects.reference.flips.run import flip_many
    from ringbench.subjects.reference.report.flips import flips_json, flips_table

    with progress_bar() as tell:
        result = flip_many(
            config,
            seed=seed,
            count=count,
            progress=lambda done, total: tell("flips", done, total),
        )
    console().print(flips_table(result))
    if json_file is not None:
        write_atomically(json_file, json.dumps(flips_json(result), indent=2) + "\n")
    return 0 if result.passed else 1
