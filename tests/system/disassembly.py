"""A function of the kernel, instruction by instruction."""

from __future__ import annotations

from typing import Any, NamedTuple

from ringbench.machine import Gdb


class Instruction(NamedTuple):
    """An instruction's address and its text."""

    at: int
    text: str


def body_of(gdb: Gdb, function: str) -> list[Instruction]:
    """The instructions of a function, as gdb has them."""
    start = gdb.symbol(function)
    found: list[dict[str, Any]] = gdb.execute(f"-data-disassemble -a {start:#x} -- 0")["asm_insns"]
    return [Instruction(int(each["address"], 16), each["inst"].strip()) for each in found]
