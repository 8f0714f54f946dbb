"""`ringbench explain`: an operation's way through the kernel's layers."""

from __future__ import annotations

import click

from ringbench.cli.common import command_option, configured, machine_options, type_lines
from ringbench.cli.output import console, write_json
from ringbench.subjects.reference.vocabulary.required import require_reference


@click.command()
@click.argument("line")
@command_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@machine_options
def explain(line: str, lines: tuple[str, ...], as_json: bool, **machine: object) -> int:
    """Boot this tree's kernel, have its console perform LINE, and say what that was.

    Which layer asked which for what, as the functions ran; and what each changed, from the state
    before and after: frames taken, objects, page-table entries, regions, nodes, blocks.

    Exit status: 0; 2 usage or configuration; 3 the machine could not start, died or hung.
    """
    config = configured(**machine)
    require_reference(config)
    from ringbench.machine import Machine
    from ringbench.subjects.reference.explain.changes import changes
    from ringbench.subjects.reference.explain.follow import follow
    from ringbench.subjects.reference.observe.picture import take_from
    from ringbench.subjects.reference.report.explain import explain_json, explain_table

    with Machine.start(config) as guest:
        type_lines(guest, lines)
        before = take_from(guest, guest.types)
        known = {cache.address: cache.name for cache in before.slabs.caches}
        calls, reply = follow(guest, line, known)
        found = changes(before, take_from(guest, guest.types))
    if as_json:
        write_json(explain_json(line, reply, calls, found))
    else:
        console().print(explain_table(line, reply, calls, found))
    return 0
