"""`ringbench pages`: what an address space maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ringbench.arch.x86_64.address import ADDRESS_END, SIZE_NAMES
from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.records import DEFAULT_LIMIT, Stop
from ringbench.arch.x86_64.tables import AddressSpace
from ringbench.cli.output import console, write_json
from ringbench.cli.page_source import (
    PageSource,
    address,
    number,
    open_page_source,
    page_source_options,
)
from ringbench.observe.page_findings import findings
from ringbench.observe.page_selection import EVERYWHERE, Selection, Span
from ringbench.report.pages import PageList, pages_json, pages_table


def _rights(context: click.Context, parameter: click.Parameter, letters: str) -> str:
    if parameter.name == "with_rights":
        letters = letters.replace("r", "")  # which every mapped page has
    unknown = sorted(set(letters) - set("wxug"))
    if unknown:
        raise click.BadParameter(
            f"{letters!r}: {unknown[0]!r} is no right; give letters of w (write), x (execute), "
            "u (user), g (global)"
        )
    return letters


def _physical(context: click.Context, parameter: click.Parameter, text: str | None) -> Span:
    if text is None:
        return EVERYWHERE
    first, dots, second = text.partition("..")
    start = number(first)
    end = number(second) if dots else start + 1
    if start >= end:
        raise click.BadParameter(f"{text!r} is empty: the second address must be above the first")
    return Span.of_pages(start, end)


@click.command()
@page_source_options
@click.option("--leaves", is_flag=True, help="Every single page, not merged into ranges.")
@click.option(
    "--physical",
    callback=_physical,
    metavar="PA[..PA]",
    default=None,
    help="Only what reaches this frame, or frames up to the second address (not included).",
)
@click.option(
    "--with",
    "with_rights",
    callback=_rights,
    metavar="RIGHTS",
    default="",
    help="Only pages with all of these rights: letters of w, x, u, g.",
)
@click.option(
    "--without",
    callback=_rights,
    metavar="RIGHTS",
    default="",
    help="Only pages with none of these rights.",
)
@click.option(
    "--from", "start", callback=address, metavar="VA", help="Only what is mapped from here on."
)
@click.option(
    "--to", "end", callback=address, metavar="VA", help="Only what is mapped below this address."
)
@click.option(
    "--size",
    type=click.Choice(list(SIZE_NAMES.values()), case_sensitive=False),
    help="Only pages of this size.",
)
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
    levels: str | None,
    save_dump: Path | None,
    lines: tuple[str, ...],
    leaves: bool,
    physical: Span,
    with_rights: str,
    without: str,
    start: int | None,
    end: int | None,
    size: str | None,
    limit: int,
    as_json: bool,
    **machine: object,
) -> None:
    """List the mapped ranges of an address space, with effective rights and page size.

    Of the kernel that the configuration names, booted to its prompt; or, with --dump, of any
    x86_64 guest's saved memory. Of a kernel that ended before its prompt, or hangs: as it left
    them; how it ended goes to standard error, and the exit status is 3.

    Rights: u user, r read, w write, x execute, g global. A slot of the root that leads to the root
    itself is one line, and the tables behind it are not counted again; --physical does list what
    is reached through it.

    Below the table stand problems, warnings and information; the exit status is 0 all the same.
    """
    selection = Selection(with_rights, without, _virtual(start, end), physical, _page_size(size))
    with open_page_source(dump, root, levels, save_dump, lines, **machine) as source:
        space = decode(source.memory, source.root, source.features, limit, fold=True)
        if space.recursive and physical != EVERYWHERE:
            space = _with_windows(source, space, limit)
        wanted = selection.pick(space.leaves)
        found = findings(space, wanted, source.text, source.ram)
        listed = PageList(space, selection, wanted, found, leaves)
        if as_json:
            write_json(pages_json(listed))
        else:
            console().print(pages_table(listed))
    source.tell_ending()


def _with_windows(source: PageSource, space: AddressSpace, limit: int) -> AddressSpace:
    """Return a space with the pages as well that are mapped through its recursive slots."""
    whole = decode(source.memory, source.root, source.features, limit)
    problems = [each for each in space.problems if each.stop is not Stop.LIMIT]
    problems += [each for each in whole.problems if each.stop is Stop.LIMIT]
    return replace(space, leaves=whole.leaves, problems=tuple(problems))


def _virtual(start: int | None, end: int | None) -> Span:
    if start is None and end is None:
        return EVERYWHERE
    first, last = start or 0, ADDRESS_END if end is None else end
    if first >= last:
        raise click.UsageError(f"--to {last:#x} must be above --from {first:#x}")
    return Span.of_pages(first, last)


def _page_size(name: str | None) -> int | None:
    return next((size for size, known in SIZE_NAMES.items() if known == name), None)
