"""How many inputs each test tries: some in `make test`, many more with `--exhaustive`."""

from __future__ import annotations

import pytest

MANY = 8
"""Times as many."""


@pytest.fixture(params=["some", pytest.param("many", marks=pytest.mark.exhaustive)])
def share(request: pytest.FixtureRequest) -> int:
    """What to multiply the number of tries by."""
    return MANY if request.param == "many" else 1
