"""A kernel that runs elsewhere than it was linked, and a second ELF file: symbols, types, gdb."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbench.config import Config, load, override
from ringbench.debuginfo.dwarf import Types
from ringbench.drive.guest_calls import GuestCalls, KernelFunctions, function_address
from ringbench.errors import Ended, ImageError, MachineError
from ringbench.machine import Machine
from ringbench.subjects.contracts.frames.operations import Alloc
from ringbench.subjects.contracts.kernel import ContractKernel
from tests.bench.conftest import LINK, SOURCES
from tests.places import ROOT

MOVED = ROOT / "tests" / "kernels" / "moved"
SLIDE = 0x2C00000
FLAGS = ["-m64", "-g", "-O1", "-ffreestanding", "-fpie", "-fvisibility=hidden", "-mno-red-zone"]
FLAGS += ["-mgeneral-regs-only", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror"]


def _run(*command: object) -> None:
    subprocess.run(list(map(str, command)), check=True, timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moved")
    for name in ("boot.S", "kernel.c"):
        _run("gcc", *FLAGS, f"-DSLIDE={SLIDE:#x}", "-c", MOVED / name, "-o", folder / f"{name}.o")
    elf, objects = folder / "moved.elf", [folder / "boot.S.o", folder / "kernel.c.o"]
    _run("ld", "-T", SOURCES / "kernel.ld", *LINK, "-o", elf, *objects)
    _run("objcopy", "-O", "elf32-i386", elf, folder / "moved32.elf")
    static = ["-nostdlib", "-no-pie", "-Wl,-Ttext-segment=0x400000"]
    _run("gcc", "-g", *static, MOVED / "user.c", "-o", folder / "user.elf")
    return folder


def configure(folder: Path, slide: int | str, ready: str = '"prompt"') -> Config:
    (folder / "ringbench.toml").write_text(
        '[kernel]\nelf = "moved.elf"\nimage = "moved32.elf"\nprompt = "moved> "\n'
        f'more = ["user.elf"]\nslide = {slide!r}\nready = {ready}\nsubject = "contracts"\n'
        '[contracts.frames]\nalloc = "count(3)"\nfree = "count({frame})"\nnone = 41\n'
    )
    return load(folder / "ringbench.toml")


@pytest.fixture(scope="module", params=[SLIDE, "auto"])
def machine(request: pytest.FixtureRequest, folder: Path) -> Iterator[Machine]:
    with Machine.start(configure(folder, request.param)) as machine:
        assert machine.command("one") == "ok"
        yield machine


def test_gdb_has_the_symbols_where_the_kernel_runs(machine: Machine, folder: Path) -> None:
    linked = Types.load(folder / "moved.elf")
    gdb = machine.gdb
    assert machine.slide == SLIDE
    assert gdb.symbol("counter") == linked.variable("counter").address + SLIDE
    assert gdb.evaluate_int("counter") == 41
    assert gdb.call("count", 5) == 42
    made = gdb.break_("count")
    gdb.continue_()
    machine.serial.send("four")
    frame = gdb.wait_stop().frame
    assert frame is not None
    assert frame.function == "count"
    assert gdb.backtrace()[1].function == "kernel_main"
    gdb.delete(made)


def test_types_have_their_addresses_there(machine: Machine) -> None:
    types = machine.types
    assert types.variable("counter").address == machine.gdb.symbol("counter")
    assert types.value(machine.gdb.read_memory, "last").length == 5
    rip = machine.gdb.register("rip")
    assert str(types.symbols.at(rip)).startswith("count")


def test_the_second_file_is_known_as_well(machine: Machine) -> None:
    assert machine.gdb.symbol("session") == machine.types.variable("session").address
    assert machine.types.struct("struct session").size == 16
    assert machine.types.symbols.describe(machine.gdb.symbol("session")).endswith("<session>")
    entry = machine.gdb.symbol("_start")
    assert machine.names.describe(entry) == f"{entry:#x} (_start)"
    place = machine.names.place(entry)
    assert str(place).startswith("_start+0x0 (")
    assert "user.c:" in str(place)
    assert machine.names.is_code(entry)
    assert not machine.names.is_code(machine.gdb.symbol("session"))


def test_where_it_crashed_is_known_though_nobody_asked_where_it_runs(folder: Path) -> None:
    with Machine.start(configure(folder, "auto")) as machine:
        with pytest.raises(Ended) as caught:
            machine.command("seven77")
        why = str(caught.value.explanation)
        assert re.search(r"#UD .* at crash\+?\w* \(.*kernel\.c:\d+\)", why), why
        assert machine.slide == SLIDE


def test_its_functions_are_called_where_it_runs(folder: Path) -> None:
    config = override(configure(folder, "auto"), {"machine.guest_calls": True})
    with Machine.start(config) as machine, GuestCalls(machine) as calls:
        assert KernelFunctions(calls, config.kernel.elf, machine.slide).count(5) == 41
        assert function_address(config.kernel.elf, "count", SLIDE) == machine.gdb.symbol("count")
    kernel = ContractKernel.start(config)
    try:
        assert kernel.channel("calls").perform(Alloc("f1")).status == "none"
    finally:
        kernel.close()


def test_it_is_ready_at_a_function_where_it_runs(folder: Path) -> None:
    ready = '{ function = "count" }'
    with Machine.launch(configure(folder, SLIDE, ready)) as machine:
        machine.serial.send("five5")
        machine.boot()  # which would not end, were the function awaited elsewhere
    with (
        Machine.launch(configure(folder, "auto", ready)) as machine,
        pytest.raises(MachineError, match=r'kernel\.ready.*kernel\.slide = "auto"'),
    ):
        machine.boot()


def test_a_slide_that_cannot_be_found_is_an_error(folder: Path) -> None:
    with Machine.launch(configure(folder, "auto")) as machine:
        for _ in range(2):
            with pytest.raises(MachineError, match=r'kernel\.slide = "auto" cannot be found'):
                _ = machine.types
        machine.boot()
        assert machine.types.variable("counter").address == machine.gdb.symbol("counter")


def test_a_further_file_that_is_none_is_named(folder: Path) -> None:
    (folder / "none.elf").write_text("no ELF")
    configure(folder, SLIDE)
    source = folder / "ringbench.toml"
    source.write_text(source.read_text().replace("user.elf", "none.elf"))
    with (
        Machine.launch(load(source)) as machine,
        pytest.raises(ImageError, match=r"none\.elf: not an ELF file"),
    ):
        _ = machine.types
