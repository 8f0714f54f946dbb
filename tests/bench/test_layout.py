"""Kernels whose memory management `[layout]` describes: what is shown, what is found wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbench.check.layout import check_layout
from ringbench.check.layout_frames import frame_owners
from ringbench.config import Config, load
from ringbench.errors import ConfigError
from ringbench.machine import Machine
from ringbench.observe.layout.picture import take_from
from tests.bench import command
from tests.bench.conftest import build
from tests.places import ROOT

DOCUMENTED = ROOT / "docs" / "layout.md"
AREA, PAGE = 0x40000000, 4096
MIB_4, MIB_8 = 4 << 20, 8 << 20


def documented() -> str:
    """The layout of the page, which is this kernel's."""
    _, _, after = DOCUMENTED.read_text().partition("```toml\n")
    return after.partition("```")[0]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("kept")
    build(folder, "kept")
    (folder / "ringbench.toml").write_text(
        '[kernel]\nelf = "kept.elf"\nimage = "kept32.elf"\nready = {log = "kept"}\n'
        f'[machine]\ndisplay = "none"\n{documented()}'
    )
    return load(folder / "ringbench.toml")


@pytest.fixture(scope="module")
def machine(config: Config) -> Iterator[Machine]:
    with Machine.start(config) as machine:
        yield machine


def test_everything_is_seen_by_the_kernels_own_names(machine: Machine) -> None:
    picture = take_from(machine)
    assert picture.frames is not None
    assert picture.frames.count == 16384
    assert picture.frames.free == picture.frames.kernels_free == 16384 - 0x400 - 3 - 32
    assert picture.heap is not None
    assert [(node.size, node.used) for node in picture.heap.nodes] == [
        (256, True),
        (512, False),
        (512, True),
        (4 * PAGE - 1280 - 64, False),
        (64, True),
    ]
    assert picture.heap.listed == {0: tuple(n.address for n in picture.heap.nodes if not n.used)}
    assert picture.tasks is not None
    assert [task.id for task in picture.tasks.all] == [0, 7]
    assert picture.tasks.current == 7
    [space] = picture.spaces()
    assert space.name == "t7"
    assert [(region.base, region.end) for region in space.regions] == [
        (AREA, AREA + 2 * PAGE),
        (AREA + 2 * PAGE, AREA + 3 * PAGE),
        (AREA + 3 * PAGE, AREA + 4 * PAGE),
    ]
    assert space.root != picture.root
    totals = dict(frame_owners(picture).totals())
    assert totals["regions of t7"] == 3
    assert totals["heap"] == 4
    assert totals["page tables"] == 4 + 4
    assert totals["free"] == picture.frames.free
    assert check_layout(picture) == []
    assert picture.broken == ()


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("frame_map.available", 5, "frames: free frames at the count: expected 15,3"),
        ("frame_map.bits[0x102/8]", 0, "used: image, seen free"),
        ("frame_map.bits[0x801/8]", 0, "used: regions of t7, seen free"),
        ("chunks->magic", 1, "header at node 0x"),
        ("chunks->next->prev", 0x1234, "previous at node 0x"),
        ("chunks->bytes", 1000, "apart from others, seen overlaps node"),
        ("chunks->bytes", 1 << 40, "size at node 0x"),
        ("chunks->next->next->next->next->bytes", 1 << 30, "memory of the node at node 0x"),
        ("chunks->is_free", 1, "free neighbours at node 0x"),
        ("free_chunks->is_free", 0, "free list at node 0x"),
        ("free_chunks->next_free", 0, "has every free node, seen lacks it"),
        ("free_chunks->next_free", 0x1000, "nodes of the heap, seen another address"),
        ("user_areas[0].stop", AREA + 3 * PAGE, "apart from others, seen overlaps"),
        ("user_areas[0].stop", AREA + 2 * PAGE - 8, "whole pages, seen parts of pages"),
        ("user_areas[2].prev", 0x1234, "spaces: previous at t7: 0x40003000"),
        ("user_areas[2].prot", 7, "rights at t7: 0x40003000: expected urw?, seen ur-x"),
        ("user_areas[2].prot", 8, "pages of a guard at t7: 0x40003000"),
        ("user_memory.area_count", 2, "count of regions at t7: expected 3 in the list, seen 2"),
        ("user_tables[2][0]", 0, "pages of the region at t7: 0x40000000..0x40001fff: expected 2"),
    ],
)
def test_what_is_wrong_is_found(machine: Machine, path: str, value: int, found: str) -> None:
    gdb = machine.gdb
    with machine.stopped():
        before = gdb.evaluate_int(path)
        gdb.evaluate(f"{path} = {value:#x}")
        try:
            text = [str(each) for each in check_layout(take_from(machine))]
        finally:
            gdb.evaluate(f"{path} = {before:#x}")
        assert any(found in each for each in text), text
        assert check_layout(take_from(machine)) == []


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("chunks->next", 0x1000_0000_0000, "the list leads to 0x100000000000, which is no memory"),
        ("chunks->next->next", "chunks->next", "the list returns to 0x"),
        ("shell.next", "&shell", "the list returns to 0x"),
        ("running", 8, "the current task is 0x8, which is no task of the list"),
    ],
)
def test_what_cannot_be_followed_is_noted(
    machine: Machine, path: str, value: int | str, found: str
) -> None:
    gdb = machine.gdb
    with machine.stopped():
        before = gdb.evaluate_int(path)
        gdb.evaluate(f"{path} = {value}")
        try:
            broken = take_from(machine).broken
        finally:
            gdb.evaluate(f"{path} = {before:#x}")
    assert any(found in str(each) for each in broken), broken


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ('"frame_map.bits"', '"framemap.bits"', "near it are frame_map"),
        ('"chunks"', "\"'kept.c'::chunk\"", "near it are chunks"),
        ('"frame_map.bits"', '"frame_map.bit"', "has no member 'bit'; near it are bits"),
        ('"bytes + header"', '"byte + header"', "has no member 'byte', and no enumerator is"),
        ('"chunks"', '"arena"', "say it with layout.heap.node"),
        ('first = "areas"', 'first = "area"', "layout.spaces.first: struct memory has no member"),
        ("prot & P_WRITE", "prot & P_WRIT", "layout.spaces.write: struct area has no member"),
    ],
)
def test_a_name_that_does_not_exist_is_one_line_with_near_ones(
    config: Config, tmp_path: Path, line: str, instead: str, message: str
) -> None:
    text = config.source.read_text()
    assert line in text
    changed = config.source.with_name("other.toml")
    changed.write_text(text.replace(line, instead))
    with Machine.start(load(changed)) as machine, pytest.raises(ConfigError) as caught:
        take_from(machine)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_commands_show_it(config: Config) -> None:
    done = command.run("spaces", "--config", config.source, "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [region["kind"] for region in shown["spaces"][0]["regions"]] == [
        "filled",
        "guard",
        "filled",
    ]
    assert shown["problems"] == []
    done = command.run("heap", "--config", config.source)
    assert "3 used nodes of 832 bytes, 2 free of" in done.stdout
    done = command.run("frames", "--config", config.source, "--ranges")
    assert "800000" in done.stdout


def test_the_reference_kernels_state_can_be_described_as_well(tmp_path: Path) -> None:
    """So nothing that its kind of structures needs is missing in the notation."""
    source = tmp_path / "ringbench.toml"
    build_folder = ROOT / "build"
    source.write_text(
        f'[kernel]\nelf = "{build_folder}/kernel.elf"\nimage = "{build_folder}/kernel32.elf"\n'
        'prompt = "ring> "\nprompt_rest = 0\n[machine]\ndisplay = "none"\n' + REFERENCE
    )
    with Machine.start(load(source)) as machine:
        for line in (
            "task new",
            "vm alloc t1 0x4000 demand rwu",
            "vm alloc t1 0x8000 anonymous rw",
        ):
            assert machine.command(line).startswith("ok")
        assert machine.command("touch t1 0x10000 w") == "ok"
        blocks = [machine.command(f"heap alloc {size}").split()[1] for size in (1000, 30, 5000, 70)]
        assert machine.command(f"heap free {blocks[0]}") == "ok"
        picture = take_from(machine)
        assert machine.command("pmm info").split()[1:]
    assert check_layout(picture) == []
    assert picture.broken == ()
    assert picture.heap is not None
    assert len(picture.heap.nodes) >= 5
    assert picture.frames is not None
    assert picture.frames.free == picture.frames.kernels_free
    [kernel, first, second] = picture.spaces()
    assert (kernel.name, first.name, second.name) == ("kernel", "t0", "t1")
    assert [(each.end - each.base, each.filled) for each in second.regions] == [
        (0x4000, False),
        (0x8000, True),
    ]
    totals = dict(frame_owners(picture).totals())
    assert totals["regions of t1"] == 1 + 8


REFERENCE = """
[layout.frames]
bits = "pmm.free_bits"
set = "free"
count = "pmm.frame_limit"
free = "pmm.free_count"
[layout.heap]
first = "heap.space.base"
node = "heap_node"
size = "(tag & ~1) * 8"
used = "tag & 1"
previous = "(before != 0) * (here - before * 8)"
end = "heap.end"
merges = true
free_first = "heap.free"
free_next = "next_free"
[layout.spaces]
kernel = "kernel_space"
first = "first"
root = "root"
count = "region_count"
base = "base"
length = "length"
next = "next"
previous = "previous"
write = "flags & PAGE_WRITE"
user = "flags & PAGE_USER"
execute = "flags & PAGE_EXEC"
filled = "kind == VM_ANONYMOUS || kind == VM_PHYSICAL"
guard = "kind == VM_GUARD"
physical = "physical"
[layout.tasks]
first = "boot_task"
next = "next"
id = "id"
space = "space"
current = "current_task"
"""
