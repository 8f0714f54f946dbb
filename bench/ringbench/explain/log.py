"""QEMU's log of exceptions and interrupts (`-d int`), read into values.

Reference: QEMU 7.2, target/i386/tcg/excp_helper.c (check_exception) and seg_helper.c
(do_interrupt_all); 10.0 prints the same::

    check_exception old: 0xe new 0xe
         1: v=08 e=0000 i=0 cpl=0 IP=0008:ffffffff80107115 pc=ffffffff80107115 SP=0010:... CR2=...
    RAX=000000000000000a RBX=...

What does not say ``v=`` is left out, the firmware's way through system management mode with it. The
log does not say which processor it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from ringbench.arch.x86_64.vectors import EXCEPTIONS
from ringbench.explain.registers import Cpu, parse_cpu

TRIPLE_FAULT: Final = "Triple fault"
NONE_BEFORE: Final = 0xFFFF_FFFF

_ENTRY: Final = re.compile(
    r"^ *(?P<number>\d+): v=(?P<vector>[0-9a-f]+) e=(?P<code>[0-9a-f]+) "
    r"i=(?P<software>\d) cpl=(?P<cpl>\d) "
    r"IP=[0-9a-f]+:(?P<ip>[0-9a-f]+) pc=[0-9a-f]+ SP=(?P<ss>[0-9a-f]+):(?P<sp>[0-9a-f]+)"
    r"(?: CR2=(?P<cr2>[0-9a-f]+))?.*$"
    r"|^check_exception old: 0x(?P<old>[0-9a-f]+) new 0x[0-9a-f]+$"
    rf"|^(?P<triple>{TRIPLE_FAULT})$"
    r"|^Servicing hardware INT=0x(?P<hardware>[0-9a-f]+)$"
    r"|^(?:SMM: .*|CPU Reset .*|-+|IN: .*)$",  # where registers of an entry have ended
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Logged:
    """An exception or interrupt that a processor began to deliver.

    Attributes:
        vector, code: number and error code; an exception without one has 0.
        software: whether an instruction asked for it (INT n).
        hardware: whether a device asked for it.
        cpl: privilege level that it interrupted.
        ip, sp: instruction and stack pointer that it interrupted; no segment's base is added.
        cr2: the address of a page fault; None of others.
        old: the exception whose delivery it was found in, if that counts towards a double fault;
            None otherwise.
        cpu: all registers, as they were.
        triple: whether its own delivery ended in a triple fault.
        number: how many were logged before it, since QEMU started.
    """

    vector: int
    code: int
    software: bool
    hardware: bool
    cpl: int
    ip: int
    sp: int
    cr2: int | None
    old: int | None
    cpu: Cpu
    triple: bool = False
    number: int = 0

    @property
    def is_exception(self) -> bool:
        """Whether the processor raised it by itself."""
        return self.vector < EXCEPTIONS and not (self.software or self.hardware)


def parse_log(text: str) -> tuple[Logged, ...]:
    """Read a log, or the end of one: a first entry that is cut is left out."""
    found: list[Logged] = []
    old: int | None = None
    asked: int | None = None  # the vector that a device asked for
    matches = list(_ENTRY.finditer(text))
    ends = [*(match.start() for match in matches[1:]), len(text)]
    for match, end in zip(matches, ends, strict=True):
        if match["old"] is not None:
            number = int(match["old"], 16)
            old = None if number == NONE_BEFORE else number
        elif match["hardware"] is not None:
            asked = int(match["hardware"], 16)
        elif match["triple"] is not None and found:
            found[-1] = replace(found[-1], triple=True)
        elif match["vector"] is not None:
            found.append(_logged(match, parse_cpu(text[match.end() : end]), old, asked))
            old = asked = None
    return tuple(found)


def _logged(match: re.Match[str], cpu: Cpu, old: int | None, asked: int | None) -> Logged:
    vector = int(match["vector"], 16)
    return Logged(
        vector=vector,
        code=int(match["code"], 16),
        software=match["software"] != "0",
        hardware=vector == asked,
        cpl=int(match["cpl"]),
        ip=int(match["ip"], 16),
        sp=int(match["sp"], 16),
        cr2=int(match["cr2"], 16) if match["cr2"] is not None else None,
        old=old,
        cpu=cpu,
        number=int(match["number"]),
    )
