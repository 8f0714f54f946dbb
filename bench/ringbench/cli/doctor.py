"""`ringbench doctor`: which tools this machine has, and what works with them."""

from __future__ import annotations

from pathlib import Path

import click

from ringbench.cli.output import write_json
from ringbench.config import load


@click.command()
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Configuration, which may name QEMU and GDB.  [default: the nearest, if any]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(config_file: Path | None, as_json: bool) -> int:
    """Say which QEMU, plugins, compiler and GDB this machine has, and what works with them.

    Nothing is booted, and no kernel is needed. Exit status 3 if there is no QEMU to boot with.
    """
    from ringbench.machine.doctor import examine
    from ringbench.report.doctor import doctor_json, doctor_lines

    config = load(config_file, {"kernel.elf": "none"})  # of which only the machine is looked at
    examination = examine(config.machine)
    if as_json:
        write_json(doctor_json(examination))
    else:
        click.echo("\n".join(doctor_lines(examination)))
    return 0 if examination.can_boot else 3
