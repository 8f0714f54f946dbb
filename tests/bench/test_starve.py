"""Starving the kernel: it passes, failures are really injected, and wrong kernels are caught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ringbench.cli.main import run as ringbench
from ringbench.config import Config, load, override
from ringbench.engine.starve import StarveResult, starve, starve_random
from ringbench.subjects.reference.starve.cases import ALL
from ringbench.subjects.reference.subject import REFERENCE
from tests.bench.wrong import Wrong

QUICKLY_HUNG: dict[str, object] = {"deadlines.reply": 3, "deadlines.boot": 10}


def require_match(result: StarveResult) -> None:
    assert result.passed, "\n".join(str(caught) for caught in result.caught)


def test_every_case(ringbench_config: Config) -> None:
    """All operations in all situations of the table, at each point where they can fail."""
    cases = [case for case in ALL if not case.name.startswith("disk:")]  # test_disks.py has those
    result = starve(REFERENCE, ringbench_config, cases=cases)
    require_match(result)
    by_name = {each.case: each for each in result.starved}
    assert list(by_name) == [case.name for case in cases]
    for name, each in by_name.items():
        assert each.failed >= max(0, each.taken), f"{name}: fewer failures than it takes frames"
        assert (each.failed == 0) == name.startswith("no frame:")
        assert each.forced == name.startswith("heap:"), name
    assert result.failures_injected > 1000
    assert result.operations > 2 * result.failures_injected


def test_drawn_operations(ringbench_config: Config) -> None:
    result = starve_random(REFERENCE, ringbench_config, 1, count=12)
    require_match(result)
    assert len(result.starved) == 12
    assert all(each.failed > 0 for each in result.starved)
    assert result.operations > result.failures_injected


def test_a_seed_repeats(ringbench_config: Config) -> None:
    first, second = (starve_random(REFERENCE, ringbench_config, 5, count=2) for _ in range(2))
    assert first == second
    assert first != starve_random(REFERENCE, ringbench_config, 6, count=2)


def test_time_is_limited(ringbench_config: Config) -> None:
    assert starve_random(REFERENCE, ringbench_config, 1, count=1000, seconds=0) == StarveResult(
        (), 0
    )


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("memory", ["16M", "64M", "3G"])
@pytest.mark.parametrize("seed", range(3))
def test_many_drawn_operations(ringbench_config: Config, seed: int, memory: str) -> None:
    config = override(ringbench_config, {"machine.memory": memory})
    require_match(starve_random(REFERENCE, config, seed, count=400))


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert ringbench(["starve", "--case", "task: record there", "--seed", "3", "--count", "1"]) == 0
    printed = capsys.readouterr().out
    assert "match" in printed
    assert "2 of" in printed
    assert ringbench(["starve", "--case", "no such case"]) == 2
    assert "no such case" in capsys.readouterr().err


@dataclass(frozen=True, slots=True)
class CaughtBy(Wrong):
    """A mistake that the case `case` must catch, with `seen` in its words."""

    case: str
    seen: str


WRONG = (
    CaughtBy(
        "a table is left behind by a failed map",
        "paging/map.c",
        "    if (missing > pmm_free_count()) {\n",
        "    if (missing > pmm_free_count()) {\n"
        "        if (pmm_free_count()) {\n            tables_make(root, va, 3);\n        }\n",
        "map: no tables",
        "free frames",
    ),
    CaughtBy(
        "one frame too few is thought enough",
        "paging/map.c",
        "if (pmm_free_count() < at.level)",
        "if (pmm_free_count() + 1 < at.level)",
        "touch w: no tables",
        "panic",
    ),
    CaughtBy(
        "an exact fit is refused",
        "vmm/copy.c",
        "if (frames > pmm_free_count())",
        "if (frames >= pmm_free_count())",
        "copy: across 2 MiB",
        "no_memory",
    ),
    CaughtBy(
        "a region's record is left behind by a failed allocation",
        "vmm/alloc.c",
        "region->kind, region_frames())) {\n",
        "region->kind, region_frames())) {\n"
        "        if (region_frames() == 0) {\n"
        "            region_insert(space, gap, region);\n        }\n",
        "page, tables there",
        "slab: live objects",
    ),
    CaughtBy(
        "a heap that could not grow thinks it has",
        "heap/heap.c",
        "    if (move_end(heap.end + missing) < 0) {\n",
        "    if (move_end(heap.end + missing) < 0) {\n        heap.end += missing;\n",
        "heap: one page more",
        "heap: ",
    ),
    CaughtBy(
        "a task without a record leaves its root behind",
        "task/task.c",
        "        int destroyed = vm_space_destroy(&space);\n"
        "        ASSERT(destroyed == STATUS_OK);\n",
        "",
        "task: records full",
        "pmm: free frames",
    ),
    CaughtBy(
        "a block that can't be moved is freed",
        "heap/heap.c",
        "    if (!to) {\n        return STATUS_NO_MEMORY;",
        "    if (!to) {\n        heap_free(*pointer);\n        return STATUS_NO_MEMORY;",
        "heap: resized and moved",
        "heap",
    ),
    CaughtBy(
        "a fault without memory is blamed on the region",
        "vmm/fault.c",
        "return paging_fill_page(space->root, page, region->flags);",
        "return paging_fill_page(space->root, page, region->flags)\n"
        "        ? STATUS_NOT_MAPPED : STATUS_OK;",
        "touch r: no tables",
        "not_mapped",
    ),
)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.id)
def test_a_wrong_kernel_is_caught(tree: Path, wrong: CaughtBy) -> None:
    [case] = (case for case in ALL if case.name == wrong.case)
    config = override(load(tree / "ringbench.toml"), QUICKLY_HUNG)
    with wrong.built_in(tree):
        result = starve(REFERENCE, config, cases=(case,))
    [caught] = result.caught
    assert caught.check == "starve"
    assert wrong.seen in str(caught)
    assert 0 < caught.after <= result.operations + 1


def test_it_goes_on_after_a_catch_unless_asked_to_stop(tree: Path) -> None:
    wrong = WRONG[2]
    config = override(load(tree / "ringbench.toml"), QUICKLY_HUNG)
    cases = tuple(case for case in ALL if case.name in (wrong.case, "copy: within a region"))
    with wrong.built_in(tree):
        stopped = starve(REFERENCE, config, cases=(*cases, ALL[0]), stop=True)
        [*copies, frame] = starve(REFERENCE, config, cases=(*cases, ALL[0])).starved
    assert [each.case for each in stopped.starved] == [cases[0].name]
    first, second = (each.caught for each in copies)
    assert first is not None
    assert second is not None
    assert first.key == second.key, "it is the same mistake"
    assert first.after < second.after
    assert frame.caught is None
    assert frame.failed == 1
