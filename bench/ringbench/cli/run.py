"""`ringbench run`: the main job with a progress bar, a table of layers, JSON and JUnit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ringbench import subjects
from ringbench.cli.common import configured, machine_options
from ringbench.engine.result import RunResult

if TYPE_CHECKING:
    from ringbench.config import Config
    from ringbench.engine.run import Options
    from ringbench.subject import Subject


@click.command()
@machine_options
@click.option("--seed", default=1, show_default=True, help="What the workload is made from.")
@click.option(
    "--ops",
    type=click.IntRange(min=0),
    default=5000,
    show_default=True,
    help="Operations over the console.",
)
@click.option(
    "--gdb-ops",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="Operations by calling kernel functions from GDB.",
)
@click.option(
    "--ring-ops",
    type=click.IntRange(min=0),
    default=20_000,
    show_default=True,
    help="Operations through the ring in guest memory.",
)
@click.option(
    "--layer",
    "layers",
    metavar="NAME",
    multiple=True,
    help="Only this layer's operations, like pmm or heap; may be given more than once.",
)
@click.option(
    "--picture-every",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Operations between two comparisons of the whole picture.",
)
@click.option(
    "--ring-picture-every",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="The same in the ring.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result here.")
@click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path), help="The same as JUnit XML."
)
@click.option(
    "--kernel-cov",
    metavar="PREFIX",
    multiple=True,
    help="Also say which lines ran, of the kernel's sources below PREFIX ('.' for all).",
)
def run(
    seed: int,
    ops: int,
    gdb_ops: int,
    ring_ops: int,
    layers: tuple[str, ...],
    picture_every: int,
    ring_picture_every: int,
    json_file: Path | None,
    junit_file: Path | None,
    kernel_cov: tuple[str, ...],
    **machine: object,
) -> int:
    """Boot the kernel, perform a seeded workload, compare everything with the model.

    Exit status: 0 all match; 1 mismatch; 2 usage or configuration; 3 the machine could not start,
    died or hung.
    """
    for file in (json_file, junit_file):
        require_writable(file)
    config = configured(**machine)
    subject = subjects.load(config)
    if unknown := set(layers).difference(subject.layers):
        known = ", ".join(subject.layers)
        raise click.UsageError(f"--layer {min(unknown)}: expected one of {known}")
    # A third of a second of imports: not before it is known that there will be a run.
    from rich.console import Console

    from ringbench.engine.run import Options, Workload
    from ringbench.report import coverage
    from ringbench.report.run import as_table

    workloads = {
        "console": Workload(ops, picture_every),
        "gdb": Workload(gdb_ops, picture_every),
        "ring": Workload(ring_ops, ring_picture_every),
    }
    options = Options(seed, workloads, layers)
    console = Console()
    if kernel_cov:
        from ringbench.coverage.recording import record

        with record(config) as recording:
            recording.require(kernel_cov)
            result = perform(subject, recording.config, options)
            console.print(coverage.as_table(recording.files(kernel_cov)))
    else:
        result = perform(subject, config, options)
    write(result, json_file, junit_file)
    console.print(as_table(result))
    return 0 if result.passed else 1


def perform(subject: Subject[Any, Any], config: Config, options: Options) -> RunResult:
    """Perform the run, with a progress bar."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    from ringbench.engine.run import run as perform_run

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("boot", total=None)
        return perform_run(
            subject,
            config,
            options,
            lambda phase, done, total: bar.update(
                task, description=phase, completed=done, total=total
            ),
        )


def require_writable(file: Path | None) -> None:
    """Find out before the run, not after it, that a report has nowhere to go.

    Raises:
        click.UsageError: the folder is not there, or the name is a folder's.
    """
    if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise click.UsageError(f"can't write {file}: its folder does not exist, or it is a folder")


def write(result: RunResult, json_file: Path | None, junit_file: Path | None) -> None:
    """Write the reports that were asked for."""
    from ringbench.report.run import as_json, as_junit

    if json_file is not None:
        json_file.write_text(json.dumps(as_json(result), indent=2) + "\n")
    if junit_file is not None:
        junit_file.write_bytes(as_junit(result))
