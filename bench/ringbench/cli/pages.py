"""`ringbench pages`: what an address space maps."""

from __future__ import annotations

from pathlib import Path

import click

from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.records import DEFAULT_LIMIT
from ringbench.cli.output import console, write_json
from ringbench.cli.page_source import open_page_source, page_source_options
from ringbench.report.pages import pages_json, pages_table


@click.command()
@page_source_options
@click.option("--leaves", is_flag=True, help="Every single page, not merged into ranges.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="Give up after this many tables and pages: circular tables have no end.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pages(
    dump: Path | None,
    root: int | None,
    save_dump: Path | None,
    lines: tuple[str, ...],
    leaves: bool,
    limit: int,
    as_json: bool,
    **machine: object,
) -> None:
    """List the mapped ranges of an address space, with effective rights and page size.

    Of the kernel that the configuration names, booted to its prompt; or, with --dump and --root,
    of any x86_64 guest's saved memory.

    Rights: u user, r read, w write, x execute, g global.
    """
    with open_page_source(dump, root, save_dump, lines, **machine) as source:
        space = decode(source.memory, source.root, source.features, limit)
        if as_json:
            write_json(pages_json(space, leaves=leaves))
        else:
            console().print(pages_table(space, leaves=leaves))
