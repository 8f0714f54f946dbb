"""The guest that performs accesses, built once and booted once for each CPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.permissions.performer import Performer, booted, build
from tests.permissions.verdict import Judge


@pytest.fixture(scope="session")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("accesses"))


@pytest.fixture(scope="module")
def performer(guest: Path) -> Iterator[Performer]:
    with booted(guest) as performer:
        yield performer


@pytest.fixture
def judge(performer: Performer) -> Judge:
    return Judge(performer.features, performer.place, performer.bits)
