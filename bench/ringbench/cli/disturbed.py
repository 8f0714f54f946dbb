"""What a command says of disturbances from outside, and the exit status that they leave."""

from __future__ import annotations

from collections.abc import Iterable

import click


def status_of(found: bool, disturbed: Iterable[str], given_up: str) -> int:
    """Say what came from outside; the status: 1 if something was found, 3 if it was given up."""
    for line in disturbed:
        click.echo(f"ringbench: disturbed: {line}", err=True)
    if given_up:
        click.echo(f"ringbench: error: {given_up}; that was the second time: given up", err=True)
    if found:
        return 1
    return 3 if given_up else 0
