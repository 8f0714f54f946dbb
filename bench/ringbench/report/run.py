"""A run's result as a terminal table, as JSON and as JUnit XML."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ringbench.check.mismatch import Mismatch
from ringbench.engine.result import LayerResult, RunResult
from ringbench.report.tables import rest, verdict

SHOWN_MISMATCHES = 20
"""Mismatches printed on the terminal; JSON and JUnit have all of them."""


def as_table(result: RunResult) -> RenderableType:
    """The verdict per layer, and under it the first mismatches in full."""
    table = Table("layer")
    for column in ("operations", "comparisons", "mismatches"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for layer in result.layers:
        table.add_row(
            layer.layer,
            f"{layer.operations:,}",
            f"{layer.comparisons:,}",
            f"{len(layer.mismatches):,}",
            verdict(layer.passed),
        )
    table.add_section()
    table.add_row(
        "all",
        f"{result.operations:,}",
        f"{result.comparisons:,}",
        f"{len(result.mismatches):,}",
        verdict(result.passed),
    )
    return Group(Text(headline(result)), table, *_first_mismatches(result.mismatches))


def headline(result: RunResult) -> str:
    """One line on what was run."""
    channels = ", ".join(f"{count:,} by {name}" for name, count in result.channels.items())
    return (
        f"seed {result.seed}, {result.memory >> 20} MiB, cpu {result.cpu}: "
        f"{channels}; {result.pictures} full pictures; "
        f"booted in {result.boot_seconds:.2f} s, {result.seconds:.1f} s in all"
    )


def _first_mismatches(mismatches: tuple[Mismatch, ...]) -> Iterator[RenderableType]:
    for mismatch in mismatches[:SHOWN_MISMATCHES]:
        yield Text(describe(mismatch))
    yield from rest(len(mismatches), SHOWN_MISMATCHES, see="--json or --junit")


def describe(mismatch: Mismatch) -> str:
    """A mismatch in four lines: what and where, expected, seen."""
    return (
        f"{mismatch.layer}: {mismatch.what}\n"
        f"    where     {mismatch.where}\n"
        f"    expected  {mismatch.expected}\n"
        f"    seen      {mismatch.seen}"
    )


def as_json(result: RunResult) -> dict[str, Any]:
    """The result as plain data, with the totals and the verdict spelled out."""
    data = dataclasses.asdict(result)
    data["passed"] = result.passed
    data["operations"] = result.operations
    data["comparisons"] = result.comparisons
    return data


def as_junit(result: RunResult) -> bytes:
    """The result as JUnit XML: a test case a layer, a failure with all its mismatches."""
    suite = ElementTree.Element(
        "testsuite",
        name="ringbench run",
        tests=str(len(result.layers)),
        failures=str(sum(not layer.passed for layer in result.layers)),
        errors="0",
        time=f"{result.seconds:.3f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("seed", "memory", "cpu", "pictures"):
        ElementTree.SubElement(properties, "property", name=name, value=str(getattr(result, name)))
    for layer in result.layers:
        _junit_case(suite, layer)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _junit_case(suite: ElementTree.Element, layer: LayerResult) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname="ringbench", name=layer.layer)
    if not layer.passed:
        failure = ElementTree.SubElement(
            case, "failure", message=f"{len(layer.mismatches)} mismatches"
        )
        failure.text = "\n".join(describe(mismatch) for mismatch in layer.mismatches)
    out = ElementTree.SubElement(case, "system-out")
    out.text = f"{layer.operations} operations, {layer.comparisons} comparisons"
