"""Why an exception cannot be delivered: each step of the delivery made to fail."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from ringbench.explain.delivery import why_undelivered
from ringbench.explain.log import Logged
from ringbench.explain.registers import Cpu, Segment
from ringbench.explain.space import Space
from ringbench.machine.memory import BytesMemory

ROOT, IDT, GDT, TSS, STACK = 0x1000, 0x5000, 0x6000, 0x7000, 0x9000
UNMAPPED = 0x20_0000
GATE = 14
CODE_64 = 0x00209A0000000000


class Guest:
    """A guest of 64 KiB, mapped one to one by 4 KiB pages, in which a page fault can be delivered.

    The one page at 0xa000 is read-only.
    """

    def __init__(self) -> None:
        self.data = bytearray(0x10000)
        for table, entry in ((ROOT, 0x2003), (0x2000, 0x3003), (0x3000, 0x4003)):
            self.put(table, entry)
        for page in range(16):
            self.put(0x4000 + 8 * page, page << 12 | (1 if page == 10 else 3))
        self.put(GDT + 8, CODE_64)
        self.gate()
        self.segments = {
            "CS": Segment(8, 0, 0, 0x209A00),
            "IDT": Segment(0, IDT, 0xFFF, 0),
            "GDT": Segment(0, GDT, 0xF, 0),
            "TR": Segment(0x18, TSS, 0x67, 0),
        }
        self.sp = STACK
        self.cpl = 0

    def put(self, address: int, word: int) -> None:
        struct.pack_into("<Q", self.data, address, word)

    def gate(self, kind: int = 0x8E, selector: int = 8, ist: int = 0) -> None:
        self.put(IDT + 16 * GATE, 0x8000 | selector << 16 | ist << 32 | kind << 40)

    def reason(self) -> str:
        values = {"cr0": 0x80010011, "cr3": ROOT, "cr4": 0x20, "efer": 0xD00}
        cpu = Cpu(values, self.segments)
        event = Logged(GATE, 2, False, False, self.cpl, 0x8000, self.sp, UNMAPPED, None, cpu)
        return why_undelivered(Space(BytesMemory(self.data), cpu), event)


def no_idt(guest: Guest) -> None:
    guest.segments["IDT"] = Segment(0, 0, 0x3FF, 0)


def idt_of_no_length(guest: Guest) -> None:
    guest.segments["IDT"] = Segment(0, 0, 0, 0)


def short_idt(guest: Guest) -> None:
    guest.segments["IDT"] = Segment(0, IDT, 16 * GATE + 14, 0)


def idt_unmapped(guest: Guest) -> None:
    guest.segments["IDT"] = Segment(0, UNMAPPED, 0xFFF, 0)


def empty_gate(guest: Guest) -> None:
    guest.put(IDT + 16 * GATE, 0)


def no_gate(guest: Guest) -> None:
    guest.gate(0x82)


def absent_gate(guest: Guest) -> None:
    guest.gate(0x0E)


def null_selector(guest: Guest) -> None:
    guest.gate(selector=0)


def far_selector(guest: Guest) -> None:
    guest.gate(selector=0x10)


def data_selector(guest: Guest) -> None:
    guest.put(GDT + 8, 0x0000920000000000)


def code_of_32_bits(guest: Guest) -> None:
    guest.put(GDT + 8, 0x00CF9A000000FFFF)


def stack_unmapped(guest: Guest) -> None:
    guest.sp = UNMAPPED


def stack_not_canonical(guest: Guest) -> None:
    guest.sp = 1 << 63


def stack_read_only(guest: Guest) -> None:
    guest.sp = 0xB000


def no_tss(guest: Guest) -> None:
    guest.gate(ist=1)
    guest.segments["TR"] = Segment()


def ist_of_nothing(guest: Guest) -> None:
    guest.gate(ist=2)


def ist_unmapped(guest: Guest) -> None:
    guest.gate(ist=1)
    guest.put(TSS + 36, UNMAPPED)


def from_user_mode(guest: Guest) -> None:
    guest.cpl = 3


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_idt, "no IDT is loaded: IDTR still has base 0 and limit 0x3ff"),
        (idt_of_no_length, "no IDT is loaded: its limit is 0"),
        (short_idt, "the IDT ends before gate 14: its limit is 0xee, which has room for 14 gates"),
        (
            idt_unmapped,
            "gate 14 of the IDT cannot be read: 0x2000e0 is not mapped: PD 0x3000 entry 1",
        ),
        (empty_gate, "gate 14 of the IDT at 0x5000 is empty"),
        (no_gate, "has type 0x2: no interrupt or trap gate"),
        (absent_gate, "gate 14 of the IDT at 0x5000 is not present"),
        (null_selector, "has the null selector"),
        (far_selector, "names segment 0x10, past the GDT's limit of 0xf"),
        (data_selector, "names segment 0x8, which is no code segment"),
        (code_of_32_bits, "names segment 0x8, which is not of 64 bits"),
        (stack_unmapped, "no room for its frame on the stack at 0x200000: 0x1ffff8 is not mapped"),
        (
            stack_not_canonical,
            "the stack is at 0x8000000000000000, which is not a canonical address",
        ),
        (stack_read_only, "0xaff8 is mapped read-only"),
        (no_tss, "its stack is IST1 of the TSS, and no TSS is loaded: TR is 0"),
        (ist_of_nothing, "its stack is IST2 of the TSS at 0x7000, which is 0"),
        (ist_unmapped, "no room for its frame on IST1 of the TSS at 0x200000"),
        (from_user_mode, "its stack is RSP0 of the TSS at 0x7000, which is 0"),
    ],
)
def test_each_reason(spoil: Callable[[Guest], None], words: str) -> None:
    guest = Guest()
    spoil(guest)
    assert words in guest.reason()


def test_nothing_is_wrong_with_a_delivery_that_works() -> None:
    assert Guest().reason() == ""
    guest = Guest()
    guest.gate(ist=1)
    guest.put(TSS + 36, STACK)
    assert guest.reason() == ""
    guest = Guest()
    guest.cpl = 3
    guest.put(TSS + 4, STACK)
    assert guest.reason() == ""
