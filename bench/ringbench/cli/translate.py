"""`ringbench translate`: one address through every level of the page tables."""

from __future__ import annotations

from pathlib import Path

import click

from ringbench.arch.x86_64 import walk
from ringbench.arch.x86_64.address import MAX_LEVELS, is_canonical, virtual_bits
from ringbench.cli.output import console, write_json
from ringbench.cli.page_source import address, open_page_source, page_source_options
from ringbench.errors import ConfigError
from ringbench.report.translation import translation_json, translation_table


@click.command()
@click.argument("vaddr", callback=address, metavar="VA")
@page_source_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def translate(
    vaddr: int,
    dump: Path | None,
    root: int | None,
    levels: str | None,
    save_dump: Path | None,
    lines: tuple[str, ...],
    as_json: bool,
    **machine: object,
) -> None:
    """Show the entries that virtual address VA (hexadecimal with 0x, or decimal) goes through.

    Of the kernel that the configuration names, booted to its prompt; or, with --dump, of any
    x86_64 guest's saved memory. An address that is not mapped is shown up to the entry that
    says so.
    """
    if not is_canonical(vaddr, MAX_LEVELS):
        raise _not_canonical(vaddr, MAX_LEVELS)
    with open_page_source(dump, root, levels, save_dump, lines, **machine) as source:
        if not is_canonical(vaddr, source.features.levels):
            raise _not_canonical(vaddr, source.features.levels)
        result = walk.translate(source.memory, source.root, vaddr, source.features)
        if as_json:
            write_json(translation_json(result))
        else:
            console().print(translation_table(result))
    source.tell_ending()


def _not_canonical(vaddr: int, levels: int) -> ConfigError:
    return ConfigError(
        f"{vaddr:#x} is not a canonical address: with {levels} levels of page tables "
        f"bits 63 to {virtual_bits(levels) - 1} must all be equal"
    )
