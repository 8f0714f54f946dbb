"""Hostile boots from a seed: the kernel goes the way that the model predicts, a wrong one does not.

The boots of `make test` are the first of one seed; `make test-exhaustive` has thousands, on other
processors too. Wrong kernels are single lines of the real one broken, as a kernel author could have
written them: a campaign must see each within a hundred boots.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from ringbench.check.mismatch import Mismatch
from ringbench.cli import main
from ringbench.config import Config, load, override
from ringbench.subjects.reference.boots import BootsResult, hunt_boots
from ringbench.subjects.reference.boots.bench import BootBench
from ringbench.subjects.reference.boots.entry import EntryMachine
from ringbench.subjects.reference.boots.generate import KINDS, HostileBoot, hostile_boot, told
from ringbench.subjects.reference.boots.story import Entry, Story
from ringbench.subjects.reference.cli.boot_map import boot_map
from tests.bench.wrong import Wrong
from tests.places import ROOT

M = 1 << 20


def explain(result: BootsResult) -> str:
    """Return what to look at: the boots that went wrong, and how."""
    return "\n".join(f"{boot.name} {boot.kinds}: {caught}" for boot, caught in result.failed[:20])


def test_150_boots_of_every_kind(ringbench_config: Config) -> None:
    calls: list[tuple[int, int]] = []
    result = hunt_boots(
        ringbench_config, seed=1, count=150, progress=lambda *done: calls.append(done)
    )
    assert not result.failed, explain(result)
    assert result.boots == 150
    assert set(result.kinds) == set(KINDS)
    assert min(result.formats[1], result.formats[2]) > 50
    assert 80 < result.came_up < 130
    assert len(result.panics) >= 12
    assert calls == [(number, 0) for number in range(1, 151)]


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("cpu", "seed", "count"), [("max", 2, 4000), ("qemu64", 3, 1000), ("max,-pdpe1gb", 4, 500)]
)
def test_thousands_of_boots(ringbench_config: Config, cpu: str, seed: int, count: int) -> None:
    config = override(ringbench_config, {"machine.cpu": cpu})
    result = hunt_boots(config, seed=seed, count=count)
    assert not result.failed, explain(result)
    assert set(result.kinds) == set(KINDS)
    assert len(result.panics) >= 15


# --- the bench must not see what is not there, and see what is ------------------------------------


@pytest.fixture(scope="module")
def entry(ringbench_config: Config) -> Iterator[EntryMachine]:
    with EntryMachine(ringbench_config) as machine:
        yield machine


def test_every_wrong_prediction_is_noticed(entry: EntryMachine) -> None:
    """The kernel is right, and what it is held against is not: each way to differ is named."""
    bench = BootBench(entry)
    story = Story(1, 0x9500, (Entry(0, M), Entry(M, 63 * M)), command_line="one")
    right = told("right", (), story, entry.facts, entry.memory)
    refused = told("refused", (), story.lying(magic=1), entry.facts, entry.memory)
    smaller = replace(story, entries=(Entry(0, M), Entry(M, 60 * M)))
    others = {
        "boot that should not end so: comes up": refused.prediction,
        "frame limit": told("", (), smaller, entry.facts, entry.memory).prediction,
        "command line": told(
            "", (), replace(story, command_line="two"), entry.facts, entry.memory
        ).prediction,
    }
    assert bench.attempt(right, thorough=True) == ()
    for what, prediction in others.items():
        mismatches = bench.attempt(replace(right, prediction=prediction), thorough=False)
        assert what in [mismatch.what for mismatch in mismatches]
        assert all("right" in mismatch.where for mismatch in mismatches)
    [mismatch] = bench.attempt(replace(refused, prediction=right.prediction), thorough=False)
    assert mismatch.expected == "comes up"
    assert mismatch.seen == "boot information: unknown loader, magic number 0x1"
    assert bench.attempt(right, thorough=False) == (), "the machine is none the worse"


def test_a_boot_is_the_same_whenever_it_is_asked_for(entry: EntryMachine) -> None:
    one = [hostile_boot(9, number, entry.facts, entry.memory) for number in range(8)]
    entry.boot(one[0].handover)
    again = [hostile_boot(9, number, entry.facts, entry.memory) for number in range(8)]
    assert [boot.handover for boot in one] == [boot.handover for boot in again]


def test_a_campaign_goes_on_where_another_ended(
    ringbench_config: Config, entry: EntryMachine
) -> None:
    expected = [hostile_boot(5, number, entry.facts, entry.memory) for number in (7, 8)]
    result = hunt_boots(ringbench_config, seed=5, count=2, first=7)
    assert result.boots == 2
    assert result.kinds == Counter(kind for boot in expected for kind in boot.kinds)


def test_a_campaign_stops_in_time(ringbench_config: Config) -> None:
    assert hunt_boots(ringbench_config, seed=5, count=None, seconds=0.0).boots == 0


@pytest.mark.parametrize("when", ["before the boot", "after it"])
def test_a_machine_killed_from_outside_is_replaced_and_no_finding(
    ringbench_config: Config, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    attempt, attempts = BootBench.attempt, iter(range(9))

    def losing(bench: BootBench, boot: HostileBoot, *, thorough: bool) -> tuple[Mismatch, ...]:
        def kill_and_ask(*_: object, **__: object) -> tuple[Mismatch, ...]:
            kill()
            bench.machine.machine.command("info")
            return ()

        number = next(attempts)
        kill = partial(os.kill, bench.machine.machine._qemu.process.pid, signal.SIGKILL)
        if number == 1 and when == "before the boot":
            kill()
        elif number == 1:
            monkeypatch.setattr(bench, "_compare", kill_and_ask)
        return attempt(bench, boot, thorough=thorough)

    monkeypatch.setattr(BootBench, "attempt", losing)
    result = hunt_boots(ringbench_config, seed=1, count=4)
    assert result.boots == 4
    assert result.failed == ()
    [line] = result.disturbed
    assert "QEMU" in line
    assert line.endswith("tried once more")
    assert result.given_up == ""


def test_boot_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    file, other = tmp_path / "story.json", tmp_path / "other.json"
    run = CliRunner().invoke
    told_first = run(
        boot_map,
        ["--seed", "1", "--number", "2", "--save", str(file)],
        standalone_mode=False,
    )
    assert told_first.return_value == 0
    assert "Multiboot" in told_first.output
    assert "boot 2 of seed 1: " in told_first.output
    assert "all that was compared agrees" in told_first.output
    story = Story.from_json(file.read_text())
    other.write_text(replace(story, entries=()).lying(magic=7).to_json())
    refused = run(boot_map, [str(other)], standalone_mode=False)
    assert refused.return_value == 0
    assert "expected: boot information: unknown loader, magic number 0x7" in refused.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either a FILE, or --seed and --number"),
        (["--seed", "1"], "either a FILE, or --seed and --number"),
    ],
)
def test_boot_map_refuses(arguments: list[str], words: str) -> None:
    refused = CliRunner().invoke(boot_map, arguments)
    assert refused.exit_code == 2
    assert words in refused.output


def test_boot_map_of_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["boot-map", "no-such.json"]) == 2
    assert "no-such.json" in capsys.readouterr().err


# --- wrong kernels -------------------------------------------------------------------------------


MAP = "memmap/memory_map.c"
INFO = "memmap/boot_info.c"
QUICK = (
    Wrong(
        "reserved rounded inwards",
        MAP,
        "base = align_down(base, PAGE_SIZE_4K);\n        end = align_up(end, PAGE_SIZE_4K);",
        "base = align_up(base, PAGE_SIZE_4K);\n        end = align_down(end, PAGE_SIZE_4K);",
    ),
    Wrong(
        "the last of two overlapping entries believed",
        MAP,
        "(uint32_t)max_u64(r->kind, kind)",
        "kind",
    ),
    Wrong(
        "a length cut to 32 bits",
        "memmap/multiboot_map.c",
        "(uint64_t)entry.length_high << 32 | entry.length_low",
        "entry.length_low",
    ),
    Wrong("modules not reserved", INFO, "    claim(start, length, MEMORY_MODULE);\n", ""),
)
WRONG = (
    Wrong(
        "an address cut to 32 bits",
        "memmap/multiboot_map.c",
        "(uint64_t)entry.base_high << 32 | entry.base_low",
        "entry.base_low",
    ),
    Wrong(
        "available rounded outwards",
        MAP,
        "base = align_up(base, PAGE_SIZE_4K);\n        end = align_down(end, PAGE_SIZE_4K);",
        "base = align_down(base, PAGE_SIZE_4K);\n        end = align_up(end, PAGE_SIZE_4K);",
    ),
    Wrong("an end that wraps", MAP, "length > map->limit - base ? map->limit : ", ""),
    Wrong(
        "entries taken to be 24 bytes",
        "memmap/multiboot_map.c",
        "at += sizeof(entry.size) + entry.size;",
        "at += sizeof(entry);",
    ),
    Wrong(
        "a map of too many ranges cut",
        MAP,
        "        return STATUS_NO_SPACE;\n",
        "        return STATUS_OK;\n",
    ),
    Wrong(
        "the loader's information handed out",
        INFO,
        "    claim(address, sizeof(information), MEMORY_BOOT_INFO);\n",
        "",
    ),
    Wrong(
        "strings handed out",
        INFO,
        "    claim(address, min_u64(*limit + 1, room), MEMORY_BOOT_INFO);\n",
        "",
    ),
    Wrong(
        "information believed wherever it is",
        INFO,
        "base + length > (paddr_t)image_physical_start)",
        "base + length > (paddr_t)image_physical_start && base > GIB(4))",
    ),
    Wrong(
        "tables taken from where they can't be reached",
        "paging/root.c",
        "count > pmm_free_below(BOOT_MAP_SIZE)",
        "count > pmm_free_count()",
    ),
    Wrong(
        "metadata handed out",
        "pmm/init.c",
        "            span.first = metadata_end;\n",
        "            span.first = metadata_end - 1;\n",
    ),
    Wrong(
        "metadata where it does not fit",
        "pmm/init.c",
        "end - base >= length",
        "end - base >= length / 2",
    ),
    Wrong("a tag's end not looked at", INFO, " || tag.size > total - at) {", ") {"),
)


@pytest.mark.parametrize(
    "wrong",
    [*QUICK, *(pytest.param(each, marks=pytest.mark.exhaustive) for each in WRONG)],
    ids=lambda wrong: wrong.id,
)
def test_a_wrong_kernel_is_caught(tree: Path, wrong: Wrong) -> None:
    with wrong.built_in(tree):
        config = override(load(tree / "ringbench.toml"), {"deadlines.boot": 5.0})
        result = hunt_boots(config, seed=1, count=100, until_caught=True)
    assert len(result.caught) == 1, f"not seen in {result.boots} boots"
