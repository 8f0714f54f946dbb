"""JSON text made from columns is what `json.dumps` makes of one value after another."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ringbench.arch.x86_64.entry import cache_modes
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.leaves import Leaves
from ringbench.observe.page_findings import Finding, Findings, Kind
from ringbench.report import page_texts
from ringbench.report.page_texts import (
    finding_json,
    finding_texts,
    leaf_json,
    leaf_texts,
    range_json,
    range_texts,
)

COUNT = 4096
"""Pages: with all that the low twelve bits of an entry can be, and more than one batch."""


@pytest.fixture
def leaves(monkeypatch: pytest.MonkeyPatch) -> Leaves:
    monkeypatch.setattr(page_texts, "_BATCH", 1000)
    numbers = np.arange(COUNT, dtype=np.uint64)
    return Leaves(
        vaddr=numbers << np.uint64(30),
        paddr=numbers[::-1] << np.uint64(30),
        raw=numbers[::-1] << np.uint64(30) | numbers,
        table=numbers,
        level=(1 + numbers % np.uint64(3)).astype(np.uint8),
        rights=(numbers // np.uint64(3) % np.uint64(8)).astype(np.uint8),
        modes=cache_modes(Features()),
    )


def test_texts_are_those_of_the_values(leaves: Leaves) -> None:
    ranges = leaves.merged()
    found = Findings(Kind.OUTSIDE_RAM, ranges, (Finding(Kind.OUTSIDE_RAM, 1, 2, 3),))
    assert list(leaf_texts(leaves)) == [json.dumps(leaf_json(each)) for each in leaves]
    assert list(range_texts(ranges)) == [json.dumps(range_json(each)) for each in ranges]
    assert list(finding_texts(found)) == [json.dumps(finding_json(each)) for each in found]
    assert len(ranges) > 2000


def test_of_nothing_there_is_no_text(leaves: Leaves) -> None:
    none = leaves.pick(slice(0, 0))
    assert list(leaf_texts(none)) == []
    assert list(range_texts(none.merged())) == []
    assert list(finding_texts(Findings(Kind.OUTSIDE_RAM, none.merged()))) == []
