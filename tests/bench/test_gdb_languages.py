"""Kernels in C++ and Rust: what is asked of gdb, whatever its language, and functions by name."""

import subprocess
from collections.abc import Iterator

import pytest

from ringbench.config import load
from ringbench.drive.guest_calls import GuestCalls, KernelFunctions
from ringbench.errors import GdbRefused, ImageError
from ringbench.machine import Machine
from ringbench.machine.gdb import Gdb
from tests.bench.conftest import LINK, SOURCES
from tests.places import ROOT

KERNELS = ROOT / "tests" / "kernels"
RUST = ROOT / "tests" / "unit" / "listings" / "rust.s"
FLAGS = ["-m64", "-g", "-O1", "-ffreestanding", "-fpie", "-mno-red-zone", "-mgeneral-regs-only"]
FLAGS += ["-fno-stack-protector", "-DSLIDE=0"]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("mixed")
    elf, image = folder / "mixed.elf", folder / "mixed32.elf"
    objects = []
    for source in (KERNELS / "moved" / "boot.S", KERNELS / "mixed" / "kernel.cc", RUST):
        objects.append(folder / f"{source.name}.o")
        subprocess.run(["g++", *FLAGS, "-c", source, "-o", objects[-1]], check=True, timeout=60)
    layout = SOURCES / "kernel.ld"
    subprocess.run(["ld", "-T", layout, *LINK, "-o", elf, *objects], check=True, timeout=20)
    subprocess.run(["objcopy", "-O", "elf32-i386", elf, image], check=True, timeout=20)
    settings = {"kernel.elf": elf, "kernel.image": image, "kernel.prompt": "mixed> "}
    settings["machine.guest_calls"] = True
    (folder / "ringbench.toml").write_text("")
    with Machine.start(load(folder / "ringbench.toml", settings)) as machine:
        yield machine


@pytest.fixture(params=["auto", "c", "c++", "rust", "asm", "minimal"])
def gdb(request: pytest.FixtureRequest, machine: Machine) -> Gdb:
    machine.gdb.console(f"set language {request.param}")
    return machine.gdb


def test_integers_of_every_language(gdb: Gdb) -> None:
    assert gdb.evaluate_int("mem::first.base") == 0x4000
    assert gdb.evaluate_int("kernel::pmm::FREE") == 77
    assert gdb.evaluate_int("kernel::COUNT") == 5
    assert gdb.evaluate_int("sizeof(mem::Region)") == 16
    assert gdb.evaluate_int("-(long)3") == -3


def test_expressions_of_every_language(gdb: Gdb) -> None:
    assert "16384" in gdb.evaluate("mem::first")
    assert gdb.evaluate("kernel::heap::FREE") == "78"


def test_values_that_are_longer_than_gdb_reads_by_itself(machine: Machine, gdb: Gdb) -> None:
    large = machine.types.value(gdb.read_memory, "mem::large")
    assert large == [0] * (1 << 17)
    assert "0" in gdb.evaluate("mem::large")


def test_addresses_are_those_of_the_symbols(machine: Machine, gdb: Gdb) -> None:
    symbols = machine.types.symbols
    for name in ("mem::first", "kernel::pmm::FREE", "COUNT", "kernel_main"):
        assert gdb.symbol(name) == symbols.address(name), name


def test_calls_and_registers(gdb: Gdb) -> None:
    before = gdb.evaluate_int("mem::free_frames")
    assert gdb.call("mem::alloc", 2) == before - 2
    assert gdb.call("kmain") == 6
    r15 = gdb.register("r15")
    gdb.set_register("r15", 0xFEDCBA9876543210)
    assert gdb.register("r15") == 0xFEDCBA9876543210
    gdb.set_register("r15", r15)


def test_a_call_that_is_given_whole_is_no_function(gdb: Gdb) -> None:
    with pytest.raises(GdbRefused, match=r"'mem::alloc\(1\)' is no function, but of type 'long'"):
        gdb.call("mem::alloc(1)")
    with pytest.raises(GdbRefused, match="'mem::free_frames' is no function"):
        gdb.call("mem::free_frames")


def test_functions_are_called_by_their_own_names(machine: Machine) -> None:
    """After what gdb does, and put back to where they were."""
    heap = machine.types.symbols.address("mem::heap")
    with GuestCalls(machine) as guest_calls:
        calls = KernelFunctions(guest_calls, machine.config.kernel.elf)
        assert calls["mem::twice(long)"](21) == 42
        assert calls["mem::Heap::take"](heap, 5) == 5
        calls["mem::Heap::give"](heap, 5)
        assert calls["mem::Heap::take"](heap, 2) == 2
        assert calls["mem::alloc(long)"](1) == calls["mem::alloc"](1) + 1
        with pytest.raises(
            ImageError, match=r"ambiguous: mem::twice\(long\) at 0x.*, mem::twice\("
        ):
            calls["mem::twice"](21)
        with pytest.raises(ImageError, match=r"no function 'mem::twise'; near it are mem::twice"):
            calls["mem::twise"](21)


def test_what_is_nowhere_is_refused_in_words(gdb: Gdb) -> None:
    for ask in (gdb.evaluate, gdb.evaluate_int, gdb.symbol):
        with pytest.raises(GdbRefused, match="nowhere"):
            ask("mem::nowhere")
