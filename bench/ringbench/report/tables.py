"""What the tables for people share: how many rows they show, verdicts, and lengths as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.text import Text

SHOWN: Final = 1000
"""Rows of a table that are printed; JSON has all of them."""

TIB, GIB, MIB, KIB = 1 << 40, 1 << 30, 1 << 20, 1 << 10


def rest(count: int, shown: int = SHOWN, what: str = "", see: str = "--json") -> Iterator[Text]:
    """Say how many of `count` rows were left out, if more than `shown` were to be printed."""
    if count > shown:
        from rich.text import Text

        yield Text(f"... and {count - shown} more{what}: see {see}")


def verdict(passed: bool) -> Text:
    """Say whether the kernel did what the model says: `match` or `MISMATCH`."""
    from rich.text import Text

    return Text("match", style="green") if passed else Text("MISMATCH", style="bold red")


def exact_length(length: int) -> str:
    """Return bytes in the largest unit that divides them: `64K`, `2M`, `3G`."""
    for unit, letter in ((TIB, "T"), (GIB, "G"), (MIB, "M"), (KIB, "K")):
        if length and length % unit == 0:
            return f"{length // unit}{letter}"
    return str(length)


def rounded_length(length: int) -> str:
    """Return bytes to a tenth of a large unit: `152 KiB`, `62.6 MiB`, `4.0 GiB`."""
    for unit, name in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB")):
        if length >= unit:
            return f"{length / unit:.1f} {name}"
    return f"{length // KIB} KiB"
