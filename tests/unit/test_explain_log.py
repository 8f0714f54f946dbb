"""QEMU's log of exceptions: read into values, and grouped by what caused what."""

from __future__ import annotations

import pytest

from ringbench.explain.chains import chains
from ringbench.explain.log import parse_log
from ringbench.explain.registers import parse_cpu, parse_cpus

IP = 0xFFFFFFFF80107115
SP = 0x4000000010

REGISTERS = """\
RAX=000000000000000a RBX=0000000000009500 RCX=00000000000003fd RDX=00000000000003f8
RSI=ffffffff80108004 RDI=0000000000000000 RBP=ffffffff8010dff0 RSP=0000004000000010
R8 =00000000000003f8 R9 =0000000000000000 R10=0000000000000000 R11=0000000000000000
RIP=ffffffff80107115 RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0
ES =0010 0000000000000000 00000000 00009300 DPL=0 DS   [-WA]
CS =0008 0000000000000000 00000000 00209a00 DPL=0 CS64 [-R-]
SS =0010 0000000000000000 00000000 00009300 DPL=0 DS   [-WA]
TR =0000 0000000000000000 0000ffff 00008b00 DPL=0 TSS64-busy
GDT=     00000000001010b0 00000017
IDT=     ffffffff8010d020 000001ff
CR0=80010011 CR2=0000004000000008 CR3=0000000000102000 CR4=00000020
EFER=0000000000000d00
"""
FIRMWARE = """\
CPU Reset (CPU 0)
EAX=00000000 EBX=00000000 ECX=00000000 EDX=00060fb1
EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
CS =f000 ffff0000 0000ffff 00009b00
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
SMM: enter
EAX=00000001 EBX=00000000 ECX=02000000 EDX=02000628
SMM: after RSM
EAX=00000001 EBX=00000000 ECX=02000000 EDX=02000628
Servicing hardware INT=0x08
"""


def entry(
    vector: int,
    code: int = 0,
    ip: int = IP,
    sp: int = SP,
    *,
    software: bool = False,
    tail: str = "",
) -> str:
    head = f"     1: v={vector:02x} e={code:04x} i={int(software)} cpl=0 IP=0008:{ip:016x}"
    return f"{head} pc={ip:016x} SP=0010:{sp:016x} {tail}\n{REGISTERS}"


def checked(old: int, new: int) -> str:
    return f"check_exception old: {old:#x} new {new:#x}\n"


NONE = 0xFFFF_FFFF
WANTED = "CR2=0000004000000008"
TRIPLE = (
    FIRMWARE
    + checked(NONE, 14)
    + entry(14, 2, tail=WANTED)
    + checked(14, 14)
    + entry(8, tail="env->regs[R_EAX]=000000000000000a")
    + checked(8, 14)
    + "Triple fault\n"
)


def test_exceptions_in_order_and_nothing_of_the_firmware() -> None:
    first, second = parse_log(TRIPLE)
    assert (first.vector, first.code, first.ip, first.sp) == (14, 2, IP, SP)
    assert first.cr2 == 0x4000000008
    assert (first.old, second.old) == (None, 14)
    assert (first.triple, second.triple) == (False, True)
    assert second.cr2 is None
    assert first.cpu["rbp"] == 0xFFFFFFFF8010DFF0
    assert first.cpu.segment("IDT").limit == 0x1FF
    assert first.cpu.runs_64_bit


@pytest.mark.parametrize("cut", range(0, 2000, 97))
def test_the_end_of_a_log_reads_as_its_last_entries(cut: int) -> None:
    whole = parse_log(TRIPLE)
    found = parse_log(TRIPLE[cut:])
    assert [(each.vector, each.triple) for each in found] == [
        (each.vector, each.triple) for each in whole[len(whole) - len(found) :]
    ]


def test_text_of_other_logs_between_is_left_out() -> None:
    text = TRIPLE.replace(
        checked(14, 14),
        "----------------\nIN: kmain\n0xffffffff80107115:  90  nop\n\n" + checked(14, 14),
    )
    assert [each.vector for each in parse_log(text)] == [14, 8]
    assert parse_log(text)[0].cpu == parse_log(TRIPLE)[0].cpu


def test_a_devices_interrupt_is_no_exception_whatever_its_vector() -> None:
    [interrupt] = parse_log("Servicing hardware INT=0x08\n" + entry(8))
    assert interrupt.hardware
    assert not interrupt.is_exception
    [by_program] = parse_log(entry(3, software=True))
    assert by_program.software
    assert not by_program.is_exception


def test_a_double_fault_belongs_to_what_it_came_of() -> None:
    [chain] = chains(parse_log(TRIPLE))
    assert chain.first.vector == 14
    assert chain.triple
    assert [each.vector for each in chain.undelivered] == [14, 8]


def test_a_general_protection_of_an_empty_gate_belongs_to_what_was_to_be_delivered() -> None:
    log = checked(NONE, 6) + entry(6) + checked(NONE, 13) + entry(13, 0x62)
    [chain] = chains(parse_log(log))
    assert [each.vector for each in chain.undelivered] == [6]


@pytest.mark.parametrize(
    "other",
    [
        entry(14, 2, tail="CR2=0000000000001000"),  # of the instruction itself, by its address
        entry(14, 2, ip=IP + 2, tail=WANTED),
        entry(14, 2, sp=SP - 8, tail=WANTED),
        entry(13),
    ],
)
def test_an_exception_after_an_interrupt_that_was_delivered_stands_alone(other: str) -> None:
    log = "Servicing hardware INT=0x20\n" + entry(0x20) + checked(NONE, 14) + other
    assert len(chains(parse_log(log))) == 2


def test_a_page_fault_that_comes_again_is_another() -> None:
    again = checked(NONE, 14) + entry(14, 2, tail=WANTED)
    assert len(chains(parse_log(again * 3))) == 3


def test_registers_of_every_processor() -> None:
    other = "EIP=000fd09a EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=1\nCR0=00000011\n"
    first, second = parse_cpus(f"\nCPU#0\n{REGISTERS}\nCPU#1\n{other}")
    assert (first.number, second.number) == (0, 1)
    assert first["cr3"] == 0x102000
    assert not first.asleep_for_good
    assert second["rip"] == 0xFD09A
    assert second.asleep_for_good
    assert parse_cpus("") == ()


@pytest.mark.parametrize(
    ("flags", "halt", "expected"), [(2, 1, True), (0x202, 1, False), (2, 0, False)]
)
def test_asleep_for_good_is_halted_with_interrupts_off(
    flags: int, halt: int, expected: bool
) -> None:
    cpu = parse_cpu(f"RIP=0000000000000000 RFL={flags:08x} [-] CPL=0 II=0 A20=1 SMM=0 HLT={halt}")
    assert cpu.asleep_for_good is expected
