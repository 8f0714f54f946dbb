"""What others know of a kernel, asked and compared: its loader, QEMU, and the kernel itself.

The loader and QEMU are asked while the guest stands still, of what the picture of that moment has;
the kernel answers only while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import ADDRESS_END, LOWER_HALF_END
from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.leaves import Leaves
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.records import Stop
from ringbench.arch.x86_64.walk import translate
from ringbench.check.mismatch import MACHINE, Finding
from ringbench.check.witnesses import (
    compare_gva2gpa,
    compare_info_mem,
    compare_info_tlb,
    parse_gva2gpa,
    parse_info_mem,
    parse_info_tlb,
)
from ringbench.drive.channel import Channel
from ringbench.machine import Machine, PaddedMemory
from ringbench.subjects.reference.check.boot import compare_loader, expected_boot_info
from ringbench.subjects.reference.check.page_query import LAYER, KernelMapping, compare_query
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.observe.boot import SeenBoot
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import PageQuery

SAMPLED_QUERIES: Final = 12
"""Addresses of each root at which the kernel's own query and QEMU's translation are asked for."""

ASKED_LEAVES: Final = 1 << 17
"""Records of a root, 512 MiB in 4 KiB pages, up to which QEMU is asked for all of its leaves."""


def processors_memory(machine: Machine) -> PhysicalMemory:
    """Return physical memory as the processor reads it, where there is no RAM too."""
    return PaddedMemory(machine.memory, machine.ram)


def ask_loader(machine: Machine, boot: SeenBoot, features: Features) -> Finding:
    """Compare what the loader passed, read where it lies, with what the kernel kept of it."""
    memory, elf = processors_memory(machine), machine.config.kernel.elf
    expected = expected_boot_info(memory, boot, features, elf)
    return Finding(MACHINE, 1 + len(expected.modules), compare_loader(boot, expected))


def ask_qemu(machine: Machine, root: int, features: Features, random: Random) -> Iterator[Finding]:
    """Compare QEMU's own walk of the root in CR3: leaf by leaf, range by range, and at samples.

    Of tables with more than `ASKED_LEAVES` leaves QEMU would make hundreds of megabytes of text, or
    never end: there it is asked at samples only.
    """
    hmp = machine.qmp.hmp
    space = decode(machine.memory, root, features, ASKED_LEAVES)
    if not any(problem.stop is Stop.LIMIT for problem in space.problems):
        leaves = list(space.leaves)
        tlb = parse_info_tlb(hmp("info tlb"))
        yield Finding(LAYER, len(leaves), compare_info_tlb(leaves, space.problems, tlb))
        mem = parse_info_mem(hmp("info mem"))
        yield Finding(LAYER, len(mem), compare_info_mem(leaves, mem))
    for address in sample(space.leaves, random):
        walk = translate(machine.memory, root, address, features)
        answer = parse_gva2gpa(hmp(f"gva2gpa {address:#x}"))
        yield Finding(LAYER, 1, compare_gva2gpa(walk, answer))


def ask_kernel(
    memory: PhysicalMemory,
    state: KernelState,
    features: Features,
    channel: Channel[Operation],
    random: Random,
) -> Iterator[Finding]:
    """Compare the kernel's own query, through a channel, at samples of every root of the model."""
    questions = [
        (root, PageQuery(handle, address))
        for handle, root in state.roots().items()
        for address in sample(decode(memory, root, features, ASKED_LEAVES).leaves, random)
    ]
    replies = channel.perform_many([question for _, question in questions])
    for (root, question), reply in zip(questions, replies, strict=True):
        walk = translate(memory, root, question.vaddr, features)
        answer = KernelMapping.of_reply(reply.values) if reply.ok else None
        yield Finding(LAYER, 1, compare_query(walk, answer))


def sample(leaves: Leaves, random: Random) -> list[int]:
    """Draw addresses inside leaves, and just past their ends, where there may be nothing."""
    count = min(SAMPLED_QUERIES // 2, len(leaves))
    chosen = list(leaves.pick(np.array(random.sample(range(len(leaves)), count), np.intp)))
    inside = [leaf.vaddr + random.randrange(leaf.size) for leaf in chosen]
    ends = (leaf.vaddr + leaf.size for leaf in chosen)
    return inside + [end for end in ends if end < ADDRESS_END and end != LOWER_HALF_END]
