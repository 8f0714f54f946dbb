"""Sleeping and being woken: no wake-up is lost, and a spurious interrupt is not acknowledged.

QEMU hardly ever gets an interrupt between two given instructions, and its interrupt controller has
no spurious ones. So it is seen to here at the instructions themselves: those behind `sti`, and the
`out` of the handler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import pytest

from ringbench.arch.x86_64.control import Rflags
from ringbench.machine import Deadline, Gdb, Machine
from ringbench.subjects.reference.vocabulary.constants import IMAGE_BASE
from tests.system.disassembly import Instruction, body_of
from tests.system.serving import Request, Serving

IRQ_VECTOR: Final = 32
PIC1, PIC2 = 0x20, 0xA0
READ_IN_SERVICE, END = 0x0B, 0x20
IN_SERVICE: Final = 1 << 7
OUT: Final = re.compile(r"out\s+%al,(?:\$(0x[0-9a-f]+)|\(%dx\))")
IN: Final = re.compile(r"in\s+(?:\$0x[0-9a-f]+|\(%dx\)),%al")
NEVER_CALLED: Final = "crash_divide"
REPLY_SECONDS: Final = 20.0
"""A function whose code nobody has run yet: other code can be put there."""


@pytest.fixture
def machine(serving: Serving) -> Machine:
    """A kernel of the test's own, at its prompt."""
    return serving.machine


def sti_of(gdb: Gdb) -> tuple[int, list[Instruction]]:
    """Where the kernel turns interrupts on, and the two instructions behind that."""
    body = body_of(gdb, "serial_sleep")
    [number] = [n for n, each in enumerate(body) if each.text == "sti"]
    return body[number].at, body[number + 1 : number + 3]


def test_the_processor_sleeps_right_behind_sti(machine: Machine) -> None:
    """Interrupts stay off for one instruction behind STI (SDM 2B): that one must be HLT."""
    _, behind = sti_of(machine.gdb)
    assert [each.text for each in behind] == ["hlt", "cli"]


def test_a_character_that_comes_right_before_the_sleep_wakes(machine: Machine) -> None:
    gdb = machine.gdb
    place, _ = sti_of(gdb)
    gdb.break_(f"*{place:#x}", hardware=True, temporary=True)
    gdb.continue_()
    machine.serial.nudge()  # it is dropped, and then the kernel goes to sleep once more
    stopped = gdb.wait_stop()
    assert stopped.frame is not None
    assert stopped.frame.address == place
    machine.serial.begin("pmm info", Deadline(REPLY_SECONDS))
    machine.detach_gdb()
    assert machine.serial.finish("pmm info", Deadline(REPLY_SECONDS)).startswith("ok ")


@pytest.mark.parametrize("index", ["submitted", "stop"])
def test_what_comes_right_before_the_ring_sleeps_is_heeded(serving: Serving, index: str) -> None:
    """Whoever writes before the kernel says that it sleeps does not see that, and wakes nobody."""
    machine, place = serving.machine, serving.place
    serving.begin()
    serving.put([Request(serving.format.commands["pmm info"])])
    gdb = machine.gdb
    gdb.watch("ring.asleep")
    gdb.continue_()
    machine.serial.nudge()  # it is awake for a moment, and then goes to sleep once more
    said_so = False
    while not said_so:
        gdb.wait_stop()
        said_so = any(machine.memory.read(*place.asleep))
        if not said_so:
            gdb.continue_()
    where, size = getattr(place, index)
    machine.memory.write(where, (1).to_bytes(size, "little"))
    machine.detach_gdb()
    if index == "submitted":
        serving.wait(place.served, 1)
        assert serving.end() == "ok 1"
    else:
        assert machine.finish() == "ok 0"


def test_interrupts_are_off_again_after_a_sleep(machine: Machine) -> None:
    gdb = machine.gdb
    gdb.break_("reply_print", hardware=True, temporary=True)
    gdb.continue_()
    machine.begin("pmm info")
    gdb.wait_stop()
    assert not gdb.register("eflags") & Rflags.IF
    machine.detach_gdb()
    assert machine.finish().startswith("ok ")


def acknowledged(machine: Machine, irq: int, in_service: bool) -> Iterator[tuple[int, int]]:
    """Have an interrupt come by INT, and yield what its handler writes to which port.

    `in_service` is what the controller says when it is asked whether that line is being served.
    """
    gdb = machine.gdb
    injected = gdb.symbol(NEVER_CALLED)
    code = bytes((0xCD, IRQ_VECTOR + irq, 0x90))  # int, nop
    machine.memory.write(injected - IMAGE_BASE, code)
    body = body_of(gdb, "pic_acknowledge")
    outs = {each.at: match for each in body if (match := OUT.search(each.text))}
    answered = {behind.at for each, behind in pairwise(body) if IN.search(each.text)}
    assert outs
    assert answered
    gdb.break_("reply_print", hardware=True, temporary=True)
    gdb.continue_()
    machine.begin("pmm info")
    gdb.wait_stop()
    back = gdb.register("rip")
    for address in (*outs, *answered, injected + 2):
        gdb.break_(f"*{address:#x}")
    gdb.set_register("rip", injected)
    while True:
        gdb.continue_()
        frame = gdb.wait_stop().frame
        assert frame is not None
        if frame.address in answered:
            gdb.set_register("al", IN_SERVICE if in_service else 0)
        if frame.address in outs:
            port = outs[frame.address][1]
            where = int(port, 16) if port else gdb.register("rdx") & 0xFFFF
            yield where, gdb.register("rax") & 0xFF
        if frame.address == injected + 2:
            break
    gdb.set_register("rip", back)
    machine.detach_gdb()
    assert machine.finish().startswith("ok ")


ASK1, ASK2 = (PIC1, READ_IN_SERVICE), (PIC2, READ_IN_SERVICE)
END1, END2 = (PIC1, END), (PIC2, END)


@pytest.mark.parametrize(
    ("irq", "in_service", "written"),
    [
        (4, False, [END1]),
        (7, False, [ASK1]),
        (7, True, [ASK1, END1]),
        (12, False, [END2, END1]),
        (15, False, [ASK2, END1]),
        (15, True, [ASK2, END2, END1]),
    ],
)
def test_what_is_said_to_the_interrupt_controllers(
    machine: Machine, irq: int, in_service: bool, written: list[tuple[int, int]]
) -> None:
    """A spurious interrupt of a controller is not ended there, but the second's is at the first."""
    assert list(acknowledged(machine, irq, in_service)) == written
    assert machine.command("heap check") == "ok"
