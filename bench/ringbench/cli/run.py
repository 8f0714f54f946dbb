"""`ringbench run`: the main job with a progress bar, a table of layers, JSON and JUnit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ringbench import subjects
from ringbench.cli.common import configured, machine_options, output_option, watch_option
from ringbench.engine.result import RunResult
from ringbench.files import replacing, write_atomically

if TYPE_CHECKING:
    from ringbench.config import Config
    from ringbench.engine.run import Options
    from ringbench.subject import Subject


@click.command()
@machine_options
@watch_option
@click.option("--seed", default=1, show_default=True, help="What the workload is made from.")
@click.option(
    "--ops",
    type=click.IntRange(min=0),
    default=5000,
    show_default=True,
    help="Operations over the console, or whatever other way the subject has.",
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
@output_option("--json", "json_file", help="Write the result here.")
@output_option("--junit", "junit_file", help="The same as JUnit XML.")
@click.option(
    "--kernel-cov",
    metavar="PREFIX",
    multiple=True,
    help="Also say which lines ran, of the kernel's sources below PREFIX ('.' for all).",
)
@click.option(
    "--kernel-cov-branches",
    is_flag=True,
    help="With --kernel-cov: each instruction, and both ways of conditional jumps, by a plugin.",
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
    kernel_cov_branches: bool,
    **machine: object,
) -> int:
    """Boot the kernel, perform a seeded workload, compare everything with the model.

    Exit status: 0 all match; 1 mismatch; 2 usage or configuration; 3 the machine could not start,
    died or hung.
    """
    config = configured(**machine)
    subject = subjects.load(config)
    if unknown := set(layers).difference(subject.layers):
        known = ", ".join(subject.layers)
        raise click.UsageError(f"--layer {min(unknown)}: expected one of {known}")
    # A third of a second of imports: not before it is known that there will be a run.
    from ringbench.cli.output import console
    from ringbench.engine.run import Options, Workload
    from ringbench.report import coverage
    from ringbench.report.run import as_table

    # A channel that has no option of its own, as that of calls in batches, gets the --ops.
    workloads = dict.fromkeys(subject.channels, Workload(ops, picture_every)) | {
        "gdb": Workload(gdb_ops, picture_every),
        "ring": Workload(ring_ops, ring_picture_every),
    }
    options = Options(seed, workloads, layers)
    if kernel_cov:
        from ringbench.coverage.recording import record

        with record(config, branches=kernel_cov_branches) as recording:
            recording.require(kernel_cov)
            result = perform(subject, recording.config, options)
            console().print(as_table(result))
            console().print(coverage.as_table(recording.files(kernel_cov)))
    else:
        result = perform(subject, config, options)
        console().print(as_table(result))
    write(result, json_file, junit_file)
    return 0 if result.passed else 1


def perform(subject: Subject[Any, Any], config: Config, options: Options) -> RunResult:
    """Perform the run, with a progress bar."""
    from ringbench.cli.output import progress_bar
    from ringbench.engine.run import run as perform_run

    with progress_bar() as progress:
        return perform_run(subject, config, options, progress)


def write(result: RunResult, json_file: Path | None, junit_file: Path | None) -> None:
    """Write the reports that were asked for."""
    from ringbench.report.run import as_json, as_junit

    if json_file is not None:
        write_atomically(json_file, json.dumps(as_json(result), indent=2) + "\n")
    if junit_file is not None:
        with replacing(junit_file) as file:
            file.write(as_junit(result))
