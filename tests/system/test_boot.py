"""The kernel boots on every machine, knows what the loader said, and ends recognisably."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ringbench.config import Config, Module, override, parse_size
from ringbench.errors import Ended
from ringbench.machine import Ending, EndKind, Machine
from tests.places import ROOT

MIB, GIB = 1 << 20, 1 << 30
DIRECT_MAP = 0xFFFF_8000_0000_0000
HEX = r"0x[0-9a-f]+"


@contextmanager
def booted(ringbench_config: Config, changes: Mapping[str, object]) -> Iterator[Machine]:
    with Machine.start(override(ringbench_config, changes)) as machine:
        assert machine.command("echo off") == "ok"
        yield machine


def info(machine: Machine) -> dict[str, str]:
    """Return the pairs that `info` replies with."""
    first, *pairs = machine.command("info").split()
    assert first == "ok"
    return dict(pair.split("=") for pair in pairs)


def c_string(machine: Machine, expression: str) -> str:
    """Return what a character array of the kernel holds, read by gdb; the guest stays stopped."""
    address = machine.gdb.evaluate_int(f"(unsigned long)&{expression}")
    length = machine.gdb.evaluate_int(f"sizeof {expression}")
    return machine.gdb.read_memory(address, length).partition(b"\0")[0].decode()


# --- memory and processors -----------------------------------------------------------------------


@pytest.mark.parametrize("size", ["16M", "64M", "1G", "6G"])
def test_all_memory_is_used(ringbench_config: Config, size: str) -> None:
    memory = parse_size(size)
    with booted(ringbench_config, {"machine.memory": size}) as machine:
        managed = int(info(machine)["managed"]) * 4096
        # The first MiB, the image, metadata of 1/8000 of all memory, and firmware's tables go.
        assert memory - 2 * MIB - memory // 2048 < managed < memory - 1 * MIB
        free = int(info(machine)["free"]) * 4096
        assert managed - 1 * MIB < free < managed
        # Frame by frame to the last: an odd number of frames, so that every block is broken up.
        assert machine.command(f"pmm alloc {free // 4096 + 1}").startswith("err no_memory ")
        highest = machine.command("pmm alloc 1 0x100000000")
        if memory > 4 * GIB:
            assert highest == "ok 0x100000000"
            leaf = machine.command(f"page query kernel {DIRECT_MAP + 4 * GIB:#x}")
            assert leaf == f"ok {DIRECT_MAP + 4 * GIB:#x} 0x100000000 0x40000000 rwg"
            assert machine.command(f"touch kernel {DIRECT_MAP + 6 * GIB:#x} w") == "ok"
        else:
            assert highest.startswith("err no_memory ")


@pytest.mark.parametrize(
    ("cpu", "gib_pages"), [("max", True), ("qemu64", False), ("max,-pdpe1gb", False)]
)
def test_processors(ringbench_config: Config, cpu: str, gib_pages: bool) -> None:
    with booted(ringbench_config, {"machine.cpu": cpu, "machine.memory": "3G"}) as machine:
        assert info(machine)["gib_pages"] == str(int(gib_pages))
        assert info(machine)["physical_bits"] == "40"
        leaf = machine.command(f"page query kernel {DIRECT_MAP + GIB:#x}").split()
        assert leaf[3] == ("0x40000000" if gib_pages else "0x200000")
        assert machine.command("page new") == "ok r0"
        reply = machine.command("page map r0 0x40000000 0 0x40000000 1g r")
        assert reply.split()[:2] == (["ok"] if gib_pages else ["err", "unsupported"])
        assert machine.command("page map r0 0 0 0x200000 2m r") == "ok"


def test_the_identity_map_is_gone_and_the_image_has_its_permissions(
    ringbench_config: Config,
) -> None:
    with booted(ringbench_config, {}) as machine, ringbench_config.kernel.elf.open("rb") as file:
        assert machine.command("page query kernel 0x100000").startswith("err not_mapped ")
        assert machine.command("page query kernel 0").startswith("err not_mapped ")
        elf = ELFFile(file)
        flags = {1: "rx", 4: "r", 5: "rx", 6: "rw"}
        high = [s for s in elf.iter_segments("PT_LOAD") if s["p_vaddr"] >= DIRECT_MAP]
        assert {flags[s["p_flags"]] for s in high} == {"rx", "r", "rw"}
        for segment in high:
            for address in (segment["p_vaddr"], segment["p_vaddr"] + segment["p_memsz"] - 1):
                leaf = machine.command(f"page query kernel {address:#x}").split()
                assert leaf[3:] == ["0x1000", flags[segment["p_flags"]] + "g"], hex(address)
        guard = symbols(ringbench_config)["image_stack_bottom"] - 1
        assert machine.command(f"page query kernel {guard:#x}").startswith("err not_mapped ")
        reply = machine.command(f"touch kernel {guard:#x} w")
        assert reply == "err fault page_fault error=0x2 cause=not_mapped"


# --- loaders -------------------------------------------------------------------------------------


def test_multiboot_1_brings_command_line_and_modules(
    ringbench_config: Config, tmp_path: Path
) -> None:
    """Their bytes are where boot_info says, and no frame of theirs is managed."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(bytes(range(256)) * 33)
    second.write_bytes(b"two")
    modules = [Module(first, "one 1"), Module(second)]
    changes = {"kernel.command_line": "alpha beta=2", "kernel.modules": modules}
    with booted(ringbench_config, changes) as machine:
        assert info(machine)["loader"] == "multiboot1"
        assert c_string(machine, "boot_info.command_line").endswith(" alpha beta=2")
        assert machine.gdb.evaluate_int("boot_info.module_count") == 2
        for number, (path, name) in enumerate([(first, f"{first} one 1"), (second, str(second))]):
            room = machine.gdb.evaluate_int("sizeof boot_info.modules[0].name") - 1
            assert c_string(machine, f"boot_info.modules[{number}].name") == name[:room]
            check_module(machine, number, path.read_bytes())


def check_module(machine: Machine, number: int, content: bytes) -> None:
    base = machine.gdb.evaluate_int(f"boot_info.modules[{number}].base")
    length = machine.gdb.evaluate_int(f"boot_info.modules[{number}].length")
    assert machine.memory.read(base, length) == content
    machine.detach_gdb()
    for frame in range(base & ~0xFFF, base + length, 4096):
        assert machine.command(f"pmm free {frame:#x}").startswith("err foreign ")


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_multiboot_2_from_the_iso(ringbench_config: Config, firmware: str) -> None:
    changes: dict[str, object] = {
        "kernel.image": ROOT / "build/ringbench.iso",
        "machine.firmware": firmware,
        "machine.memory": "128M",
        "deadlines.boot": 60.0,
    }
    with booted(ringbench_config, changes) as machine:
        assert info(machine)["loader"] == "multiboot2"
        assert int(info(machine)["managed"]) * 4096 > 64 * MIB
        assert c_string(machine, "boot_info.command_line") == "loader=grub"
        assert machine.gdb.evaluate_int("boot_info.module_count") == 1
        assert c_string(machine, "boot_info.modules[0].name") == "module.txt"
        check_module(machine, 0, (ROOT / "tools/iso/module.txt").read_bytes())
        machine.detach_gdb()
        frozen = machine.freeze()
        assert machine.command("task new") == "ok t1"
        machine.restore(frozen)
        assert machine.command("task new") == "ok t1"


# --- ends ----------------------------------------------------------------------------------------


def symbols(ringbench_config: Config) -> dict[str, int]:
    with ringbench_config.kernel.elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}


def failure_of(ringbench_config: Config, kind: str, boot_seconds: float = 10.0) -> Ended:
    """Boot with `crash=kind` and return how that failed."""
    changes = {"kernel.command_line": f"a crash={kind} b", "deadlines.boot": boot_seconds}
    with pytest.raises(Ended) as caught, Machine.start(override(ringbench_config, changes)):
        pass
    return caught.value


def ending_of(failure: Ended) -> Ending:
    assert failure.ending is not None
    return failure.ending


BACKTRACE = re.compile(rf"!! backtrace (\d+) ({HEX}) (\S+)\+({HEX})")
HEADLINE = re.compile(
    rf"!! exception vector=(?P<vector>\d+) name=(?P<name>\w+) error=(?P<error>{HEX}) "
    rf"bits=(?P<bits>\S+) rip=(?P<rip>{HEX}) symbol=(?P<symbol>\w+)\+(?P<offset>{HEX})"
)
REGISTERS = (
    "cr0 cr2 cr3 cr4 rflags rsp",
    "rax rbx rcx rdx rsi rdi rbp",
    "r8 r9 r10 r11 r12 r13 r14 r15",
)


def backtrace(lines: list[str], known: dict[str, int]) -> list[str]:
    """Return the functions of a backtrace whose every line keeps to the grammar and is true."""
    functions = []
    for number, line in enumerate(lines):
        match = BACKTRACE.fullmatch(line)
        assert match, line
        assert int(match[1]) == number
        assert known[match[3]] + int(match[4], 16) == int(match[2], 16)
        functions.append(match[3])
    return functions


@pytest.mark.parametrize(
    ("kind", "vector", "name", "error", "bits"),
    [
        ("divide", 0, "divide_error", 0, "-"),
        ("opcode", 6, "invalid_opcode", 0, "-"),
        ("pagefault", 14, "page_fault", 2, "not_present,write,supervisor"),
        ("stack", 8, "double_fault", 0, "-"),
    ],
)
def test_the_exception_block(
    ringbench_config: Config, kind: str, vector: int, name: str, error: int, bits: str
) -> None:
    ending = ending_of(failure_of(ringbench_config, kind))
    assert ending.kind is EndKind.EXCEPTION
    headline, *rest = ending.block
    match = HEADLINE.fullmatch(headline)
    assert match, headline
    known = symbols(ringbench_config)
    seen = match.groupdict()
    assert (int(seen["vector"]), seen["name"]) == (vector, name)
    assert (int(seen["error"], 16), seen["bits"]) == (error, bits)
    assert seen["symbol"] == f"crash_{kind}"
    assert known[seen["symbol"]] + int(seen["offset"], 16) == int(seen["rip"], 16)
    registers: dict[str, int] = {}
    for line, names in zip(rest[:3], REGISTERS, strict=True):
        pairs = re.findall(rf"(\w+)=({HEX})", line)
        assert line == "!! registers " + " ".join(f"{name}={value}" for name, value in pairs)
        assert [name for name, _ in pairs] == names.split()
        registers |= {name: int(value, 16) for name, value in pairs}
    assert registers["cr0"] & 0x80010001 == 0x80010001  # PG, WP, PE
    assert registers["cr4"] & 0x20  # PAE
    bottom, top = known["image_stack_bottom"], known["image_stack_top"]
    if kind == "stack":
        assert bottom - 4096 <= registers["cr2"] < bottom
        assert registers["rsp"] == bottom
    else:
        assert bottom < registers["rsp"] < top
    if kind == "pagefault":
        assert registers["cr2"] == 0xDEAD0000
    *trace, end = rest[3:]
    assert end == "!! end exception"
    functions = backtrace(trace, known)
    assert functions[0] == f"crash_{kind}"
    assert "kmain" in functions[1:]  # after a leaf, which has no frame, its caller is missing


def test_the_panic_block(ringbench_config: Config) -> None:
    ending = ending_of(failure_of(ringbench_config, "panic"))
    assert ending.kind is EndKind.KERNEL_PANIC
    headline, *trace, end = ending.block
    assert re.fullmatch(
        r"!! panic kernel/console/crash\.c:\d+ asked for with crash=panic", headline
    )
    assert end == "!! end panic"
    functions = backtrace(trace, symbols(ringbench_config))
    assert functions[:3] == ["crash_panic", "crash_on_request", "kmain"]


def test_a_triple_fault_is_told_from_a_reset(ringbench_config: Config) -> None:
    assert ending_of(failure_of(ringbench_config, "triple")).kind is EndKind.TRIPLE_FAULT


@pytest.mark.parametrize("kind", ["hang", "halfline"])
def test_hangs_end_at_the_deadline(ringbench_config: Config, kind: str) -> None:
    failure = failure_of(ringbench_config, kind, boot_seconds=2.0)
    assert ending_of(failure).kind is EndKind.HANG
    assert failure.serial_tail.endswith("\nthis line does not") == (kind == "halfline")


@pytest.mark.parametrize("command_line", ["crash=none", "xcrash=panic", "crash", "crash=panics"])
def test_what_asks_for_no_known_crash_boots(ringbench_config: Config, command_line: str) -> None:
    with booted(ringbench_config, {"kernel.command_line": command_line}) as machine:
        has_known_key = command_line.startswith("crash=")
        assert ("no such crash" in machine.boot_text) == has_known_key
