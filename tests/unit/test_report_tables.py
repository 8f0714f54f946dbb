"""What the tables share."""

from __future__ import annotations

import pytest

from ringbench.report.tables import exact_length, rest, rounded_length, verdict


@pytest.mark.parametrize(("count", "said"), [(0, []), (3, []), (4, ["... and 1 more: see --json"])])
def test_rows_that_are_left_out_are_counted(count: int, said: list[str]) -> None:
    assert list(map(str, rest(count, 3))) == said


def test_what_is_left_out_and_where_it_is() -> None:
    [said] = rest(1002, what=" problems", see="the log")
    assert str(said) == "... and 2 more problems: see the log"


def test_verdicts() -> None:
    assert [str(verdict(True)), str(verdict(False))] == ["match", "MISMATCH"]


@pytest.mark.parametrize(
    ("length", "exact", "rounded"),
    [
        (0, "0", "0 KiB"),
        (1000, "1000", "0 KiB"),
        (64 << 10, "64K", "64 KiB"),
        ((1 << 20) + 4096, "1028K", "1.0 MiB"),
        (3 << 30, "3G", "3.0 GiB"),
        (5 << 39, "2560G", "2.5 TiB"),
    ],
)
def test_lengths(length: int, exact: str, rounded: str) -> None:
    assert (exact_length(length), rounded_length(length)) == (exact, rounded)
