"""Each access is watched of a kernel that does many things wrong, and some that only look so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbench.config import Config, not_watched, override
from ringbench.errors import ConfigError, MachineError
from ringbench.machine import Machine
from ringbench.microscope.findings import Seen, left_out
from ringbench.report.why import why_json
from tests.bench.command import run
from tests.bench.conftest import KernelConfigs

pytest_plugins = ["pytester"]

ALLOCATORS = {
    "watch.heap.alloc": ["kmalloc({size})"],
    "watch.heap.zalloc": ["kzalloc({size})"],
    "watch.heap.realloc": ["krealloc({block}, {size})"],
    "watch.heap.free": ["kfree({block})"],
    "watch.heap.usable": ["kusable({block})"],
    "watch.frames.alloc": ["frame_alloc()"],
    "watch.frames.free": ["frame_free({frame})"],
}
MISUSED = {
    **ALLOCATORS,
    "kernel.prompt": "> ",
    "machine.watch": ["heap", "frames", "stacks", "unwritten"],
}

EXPECTED = {
    "a": ("overrun", "write_behind"),
    "b": ("underrun", "write_before"),
    "c": ("overrun", "read_half_behind"),
    "d": ("overrun", "memcpy"),
    "e": ("use after free", "use_after_free"),
    "f": ("use after free", "read_after_realloc"),
    "g": ("double free", "free_twice"),
    "h": ("free inside a block", "free_inside"),
    "i": ("unwritten read", "read_unwritten"),
    "j": ("use of a free frame", "use_free_frame"),
    "k": ("free frame still mapped", "use_free_mapping"),
    "l": ("frame freed twice", "free_frame_twice"),
}
"""Letter at the kernel's prompt -> kind of the finding, and the function in which it is."""


@pytest.fixture(scope="module")
def config(kernels: KernelConfigs) -> Config:
    return kernels("misused", MISUSED)


@pytest.fixture(scope="module")
def guest(config: Config) -> Iterator[Machine]:
    with Machine.start(config) as guest:
        yield guest


@pytest.fixture(scope="module")
def found(guest: Machine) -> dict[str, Seen]:
    """What each letter is found to do: the first finding of it. None comes before the first."""
    seen: dict[str, Seen] = {}
    assert guest.seen() == ()
    for letter in EXPECTED:
        before = len(guest.seen())
        guest.command(letter)
        with guest.stopped():
            new = guest.seen()[before:]
        assert new, letter
        seen[letter] = new[0]
    assert left_out(guest.microscope) == ()
    return seen


def function(seen: Seen) -> str:
    return seen.path.place.symbol.partition("+")[0]


def test_each_mistake_is_named_by_kind_and_place(found: dict[str, Seen]) -> None:
    assert {letter: (each.kind, function(each)) for letter, each in found.items()} == EXPECTED
    for each in found.values():
        assert each.path.place.file.endswith("tests/kernels/misused/kernel.c")
        assert each.path.callers[-1].symbol.startswith("higher_half+")


def test_distances_and_sizes(found: dict[str, Seen]) -> None:
    def words(letter: str) -> str:
        return found[letter].words

    assert ": byte 1 behind the end of the block of 40 bytes at " in words("a")
    assert ": byte 1 before the beginning of the block of 40 bytes at " in words("b")
    assert "reads 8 bytes at " in words("c")
    assert ", 4 of them wrong: byte 1 behind the end of the block of 44 bytes" in words("c")
    assert "byte 1 behind the end of the block of 16 bytes" in words("d")
    assert "writes 8 bytes at " in words("e")
    assert ": byte 8 of the block of 64 bytes at " in words("e")
    assert "byte 3 of the block of 24 bytes" in words("f")
    assert "which is byte 48 of the block of 96 bytes" in words("h")
    assert "byte 4 of the block of 12 bytes" in words("i")
    assert found["k"].address == 0x8000002028
    assert found["k"].physical == found["j"].physical - 0x48 + 0x28 if found["j"].physical else 0


def test_where_the_memory_came_from(found: dict[str, Seen]) -> None:
    def before(letter: str) -> list[tuple[str, str]]:
        paths = found[letter].before
        return [(each.what, each.place.symbol.partition("+")[0]) for each in paths]

    assert before("a") == [("allocated at", "write_behind")]
    assert before("e") == [("allocated at", "use_after_free"), ("given back at", "use_after_free")]
    assert before("f")[1] == ("given back at", "read_after_realloc")
    assert before("k")[1] == ("given back at", "use_free_mapping")
    called = [each.symbol.partition("+")[0] for each in found["d"].path.callers]
    assert called[:2] == ["copy_one_more", "kernel_main"]


def test_data_for_programs(found: dict[str, Seen]) -> None:
    data = json.loads(json.dumps(why_json(None, [found["a"]])))
    [seen] = data["watched"]
    assert (seen["instrument"], seen["kind"]) == ("heap", "overrun")
    assert seen["path"]["place"]["file"].endswith("kernel.c")
    assert seen["before"][0]["what"] == "allocated at"


def test_a_finding_counts_and_is_kept_once(guest: Machine, found: dict[str, Seen]) -> None:
    before = len(guest.seen())
    guest.command("j")
    with guest.stopped():
        again = guest.seen()
    assert len(again) == before
    [same] = [each for each in again if each.path.place == found["j"].path.place]
    assert same.times == found["j"].times + 1


def test_freezing_and_restoring_puts_back_what_is_known(config: Config) -> None:
    with Machine.start(config) as guest:
        frozen = guest.freeze()
        guest.command("j")
        guest.command("e")
        assert len(guest.seen()) == 2
        guest.restore(frozen)
        assert guest.seen() == ()
        guest.command("k")
        guest.command("a")
        assert [each.kind for each in guest.seen()] == ["free frame still mapped", "overrun"]


@pytest.fixture(scope="module")
def file(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration file of the kernel, of whose allocators it knows the heap."""
    told = {key: calls for key, calls in ALLOCATORS.items() if key.startswith("watch.heap")}
    lines = [f"{key.rpartition('.')[2]} = {json.dumps(calls)}" for key, calls in told.items()]
    file = tmp_path_factory.mktemp("misused") / "ringbench.toml"
    file.write_text(
        f'[kernel]\nelf = "{config.kernel.elf}"\nimage = "{config.kernel.image}"\n'
        'prompt = "> "\nprompt_rest = 0\n[machine]\ndisplay = "none"\n[watch.heap]\n'
        + "\n".join(lines)
    )
    return file


def test_the_commands_say_it(file: Path) -> None:
    wrong = run("why", "--config", file, "--watch", "heap", "--command", "a")
    assert wrong.returncode == 1
    assert "heap: overrun: writes 1 byte at " in wrong.stdout
    assert "\n  at write_behind+" in wrong.stdout
    none = run("boot", "--config", file, "--watch", "frames")
    assert none.returncode == 2
    assert "needs [contracts.frames] or [watch.frames]" in none.stderr


def test_a_test_fails_in_which_an_access_was_wrong(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(
        """
        def test_wrong(machine):
            machine.command("e")

        def test_right_after_it(machine):
            machine.command("z")
        """
    )
    result = pytester.runpytest_subprocess(
        f"--ringbench-config={file}", "--ringbench-watch=heap", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["heap: use after free: writes 8 bytes at *", "  at use_after_free+*"]
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"watch.heap.alloc": ["kmaloc({size})"]}, "no symbol 'kmaloc'"),
        ({"watch.heap.alloc": ["zzqqx({size})"]}, "mark it noinline"),
        ({"machine.watch": ["unwritten"]}, 'add "heap"'),
        ({"kernel.slide": "auto"}, "nobody knows before the boot"),
    ],
)
def test_what_cannot_be_watched_is_said(
    config: Config, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=r"machine\.watch") as raised:
        Machine.launch(override(config, changes))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "watched", "left_out"),
    [
        ({}, {"heap", "frames", "translations", "stacks"}, []),
        ({"kernel.slide": "auto"}, {"translations"}, ["heap", "frames", "stacks"]),
    ],
)
def test_all_is_what_the_configuration_has_enough_for(
    config: Config, changes: dict[str, object], watched: set[str], left_out: list[str]
) -> None:
    chosen = override(config, {"machine.watch": "all", **changes})
    assert set(chosen.machine.watch) == {"all", *watched}
    assert [line.partition(":")[0] for line in not_watched(chosen)] == left_out
    assert override(chosen, {}) == chosen


def test_what_all_leaves_out_is_said(kernels: KernelConfigs) -> None:
    kernel = kernels("kept").kernel
    options = ("--elf", kernel.elf, "--image", kernel.image, "--watch", "all")
    done = run("why", "--config", kernels("kept").source, *options)
    assert done.returncode == 0, done.stderr
    assert "ringbench: not watched: heap: neither [contracts.heap] nor [watch.heap]" in done.stderr
    assert "ringbench: not watched: frames:" in done.stderr


def test_a_machine_without_a_microscope(kernels: KernelConfigs) -> None:
    with Machine.launch(kernels("misused", {"kernel.prompt": "> "})) as guest:
        assert guest.seen() == ()
        with pytest.raises(MachineError, match=r"set machine\.watch"):
            guest.microscope  # noqa: B018
