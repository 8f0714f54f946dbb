"""Page tables of kernels that have nothing but them: `tests/kernels/tables`, booted and dumped."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.walk import translate
from ringbench.check import witnesses
from ringbench.cli.main import run
from ringbench.config import load
from ringbench.errors import Ended
from ringbench.machine import Machine
from ringbench.machine.dump import open_dump
from ringbench.observe.processor import read_features, read_registers

KERNELS = Path(__file__).parents[1] / "kernels"
GDB_COMMANDS = Path(__file__).parents[2] / "bench/ringbench/gdb_commands.py"
LINKER_SCRIPT = Path(__file__).parent / "kernels" / "kernel.ld"
LINK = ("-z", "max-page-size=4096", "-z", "noexecstack", "--no-warn-rwx-segments")

Build = Callable[..., Path]


@pytest.fixture(scope="session")
def tables_kernel(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build the kernel with a mode of paging, and return its configuration."""

    def build(paging: int, *options: str, strip: bool = False) -> Path:
        folder = tmp_path_factory.mktemp("tables")
        source, elf = KERNELS / "tables" / "boot.S", folder / "k.elf"
        made = folder / "boot.o"
        flags = ("-m64", "-g", f"-DPAGING={paging}", *options)
        subprocess.run(["gcc", *flags, "-c", source, "-o", made], check=True)
        subprocess.run(["ld", "-T", LINKER_SCRIPT, *LINK, "-o", elf, made], check=True)
        subprocess.run(["objcopy", "-O", "elf32-i386", elf, folder / "k32.elf"], check=True)
        if strip:
            subprocess.run(["strip", elf], check=True)
        config = folder / "ringbench.toml"
        config.write_text(
            '[kernel]\nelf = "k.elf"\nimage = "k32.elf"\nprompt = "ring> "\n'
            '[machine]\nmemory = "64M"\ncpu = "max,la57=on"\n[deadlines]\nboot = 10\n'
        )
        return config

    return build


@pytest.fixture
def ringbench(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        return (run([str(each) for each in arguments]), *capfd.readouterr())

    return call


def mapped(pages: dict[str, Any]) -> list[tuple[int, int, int]]:
    return [(r["virtual"], r["physical"], r["length"]) for r in pages["ranges"]]


@pytest.mark.parametrize("paging", [4, 5])
def test_qemu_and_the_bench_see_the_same_pages(tables_kernel: Build, paging: int) -> None:
    """Through the recursive slot too, which both follow."""
    with Machine.start(load(tables_kernel(paging, "-DSLOT=509"), {})) as machine:
        registers = read_registers(machine)
        features = read_features(machine, registers)
        assert features.levels == paging
        space = decode(machine.memory, registers.cr3, features)
        lines = witnesses.parse_info_tlb(machine.qmp.hmp("info tlb"))
        assert len(space.leaves) > 2**paging
        assert witnesses.compare_info_tlb(space.leaves, space.problems, lines) == []
        for leaf in space.leaves:
            walk = translate(machine.memory, registers.cr3, leaf.vaddr + 0x123, features)
            answer = witnesses.parse_gva2gpa(machine.qmp.hmp(f"gva2gpa {leaf.vaddr + 0x123:#x}"))
            assert witnesses.compare_gva2gpa(walk, answer) == []


@pytest.mark.parametrize("paging", [4, 5])
def test_live_and_from_every_form_of_dump_the_same(
    tables_kernel: Build,
    paging: int,
    ringbench: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
) -> None:
    config = tables_kernel(paging, "-DSLOT=300", strip=True)
    raw, plain, paged = (tmp_path / name for name in ("raw", "plain", "paged"))
    with Machine.start(load(config, {})) as machine:
        machine.qmp.hmp(f"dump-guest-memory {plain}")
        machine.qmp.hmp(f"dump-guest-memory -p {paged}")
        machine.qmp.hmp(f"dump-guest-memory -z {tmp_path / 'kdump'}")
    status, out, err = ringbench("pages", "--config", config, "--json", "--save-dump", raw)
    assert (status, err) == (0, "")
    live = json.loads(out)
    assert len(live["recursive"]) == 1
    assert live["recursive"][0]["slot"] == 300
    assert next(iter(live["tables"].values())) == 1
    for dump in (raw, plain, paged):
        root = ("--root", live["root"]) if dump is raw else ()
        pages = json.loads(ringbench("pages", "--dump", dump, *root, "--json")[1])
        # A dump does not say how wide addresses are, so that 52 bits are no problem there.
        assert [each for each in mapped(pages) if each[1] < 1 << 40] == mapped(live)
        for key in ("root", "levels", "tables", "recursive"):
            assert pages[key] == live[key], (dump, key)
        vaddr, paddr, _ = mapped(live)[-2]
        walk = json.loads(ringbench("translate", vaddr + 5, "--dump", dump, *root, "--json")[1])
        assert walk["physical"] == paddr + 5
        assert len(walk["levels"]) == paging
    status, out, err = ringbench("pages", "--dump", tmp_path / "kdump")
    assert (status, out) == (2, "")
    assert "a compressed dump (kdump" in err


def test_what_stands_below_the_table(
    tables_kernel: Build, ringbench: Callable[..., tuple[int, str, str]]
) -> None:
    status, out, _ = ringbench("pages", "--config", tables_kernel(4, "-DSLOT=300"))
    assert status == 0
    for line in (
        "window on the tables, slot 300, 0xffff960000000000..0xffff967fffffffff -rwx",
        "problem: 0x203000 + 0x1000: reserved bit set: PT 0x",
        "warning: writable and executable: 0x0..0x1fffff -> 0x0",
        "warning: kernel text that user code can write: 0x200000..0x200fff -> 0x100000",
        "information: not RAM: 0x202000..0x202fff -> 0xfee00000",
    ):
        assert line in out
    assert re.search("warning: page table that user code can write: 0x201000..0x201fff", out)


def test_a_dump_has_the_kernels_text_if_its_elf_file_is_given(
    tables_kernel: Build, ringbench: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    config, raw = tables_kernel(5, strip=True), tmp_path / "raw"
    with Machine.start(load(config, {})) as machine:
        machine.save_dump(raw)
        root = read_registers(machine).cr3
    dump = ("pages", "--dump", raw, "--root", root)
    assert "kernel text" not in ringbench(*dump)[1]
    _, out, err = ringbench(*dump, "--elf", config.with_name("k.elf"))
    assert "kernel text that user code can write: 0x200000..0x200fff -> 0x100000" in out
    assert f"{root:#x} reads well as a PML5 alone" in err
    assert "information" not in out


def test_the_commands_in_gdb_know_levels_and_windows(tables_kernel: Build) -> None:
    with Machine.start(load(tables_kernel(5, "-DSLOT=300"), {})) as machine:
        gdb = machine.gdb
        gdb.console(f"source {GDB_COMMANDS}")
        registers = read_registers(machine)
        features = read_features(machine, registers)
        space = decode(machine.memory, registers.cr3, features, fold=True)
        lines = gdb.console("rb-pages").splitlines()
        # The commands take every physical address to be possible.
        assert [line[:18] for line in lines if " -> " in line and " 0x8000000" not in line] == [
            f"{each.vaddr:#018x}" for each in space.leaves.merged()
        ]
        assert f"{space.recursive[0]} -rwx" in lines
        walk = gdb.console("rb-translate 0xffff80000123").splitlines()
        assert walk[0].startswith("PML5 0x")
        assert walk[-1].startswith("0xffff80000123 -> 0x123 ")
        assert "5-level paging is on" in gdb.console("rb-control")


@pytest.mark.parametrize("slot", [0x3, 511])
def test_any_slot_can_be_the_recursive_one(
    tables_kernel: Build, ringbench: Callable[..., tuple[int, str, str]], slot: int
) -> None:
    """Also one that takes the place of another entry."""
    config = tables_kernel(4, f"-DSLOT={slot}")
    found = json.loads(ringbench("pages", "--config", config, "--json")[1])
    assert [each["slot"] for each in found["recursive"]] == [slot]
    frame = found["root"]
    reached = json.loads(
        ringbench("pages", "--config", config, "--json", "--physical", frame, "--size", "4K")[1]
    )
    digits = slot << 39 | slot << 30 | slot << 21 | slot << 12
    assert [each[0] % 2**48 for each in mapped(reached)] == [digits]


@pytest.mark.parametrize(
    ("paging", "name"), [(0, "no paging"), (32, "32-bit paging"), (36, "PAE paging")]
)
def test_what_is_not_read_is_refused_by_name(
    tables_kernel: Build,
    paging: int,
    name: str,
    ringbench: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
) -> None:
    config, core = tables_kernel(paging), tmp_path / "core"
    with Machine.start(load(config, {})) as machine:
        machine.qmp.hmp(f"dump-guest-memory {core}")
    for where in (("--config", config), ("--dump", core)):
        for command in (("pages",), ("translate", "0x1000")):
            status, out, err = ringbench(*command, *where)
            assert (status, out) == (3, "")
            assert f"the guest uses {name} (cr0 0x" in err
            assert "32-bit paging and PAE are not" in err
    with open_dump(core) as dump:
        assert dump.control is not None
        assert not dump.control.is_64_bit


def test_a_fault_under_five_levels_is_explained(tables_kernel: Build) -> None:
    config = load(tables_kernel(5, "-DTOUCH=0xff11000000001000"), {"kernel.ready": "end"})
    with pytest.raises(Ended) as caught:
        Machine.start(config)
    why = caught.value.explanation
    assert why is not None
    assert why.fault is not None
    assert why.fault.walk.startswith("0xff11000000001000 is not mapped: PML5 0x")
    assert "entry 273 is 0x0, not present" in why.fault.walk
