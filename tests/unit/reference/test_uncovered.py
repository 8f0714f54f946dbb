"""kernel/COVERAGE.md, the list of lines that no test runs."""

import re

from tests.places import KERNEL


def test_lines_that_are_listed_as_not_run_are_there() -> None:
    text = (KERNEL / "COVERAGE.md").read_text()
    listed = re.findall(r"^\| `(\w+/\w+\.c)` \| `(.*?)` \|", text, re.MULTILINE)
    assert listed
    for file, line in listed:
        lines = [each.strip() for each in (KERNEL / file).read_text().splitlines()]
        assert line in lines, f"kernel/COVERAGE.md: {file} has no line {line}"
