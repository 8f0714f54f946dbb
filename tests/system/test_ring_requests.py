"""What the ring answers to garbage: each wrong number of each command, with the status it must get.

The numbers that a request may have are stated here, by the words that they stand for
(kernel/console/README.md), not asked of the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.system.disassembly import body_of
from tests.system.serving import Request, Serving

ABOVE_32: Final = 1 << 32
LAST: Final = (1 << 64) - 1
PATTERNS: Final = {
    "info": "",
    "echo on": "",
    "echo off": "",
    "pmm alloc": "[COUNT [ALIGN]]",
    "pmm alloc2m": "",
    "pmm free": "PA [COUNT]",
    "pmm info": "",
    "page new": "",
    "page delete": "ROOT",
    "page map": "ROOT VA PA LENGTH SIZE FLAGS",
    "page unmap": "ROOT VA LENGTH",
    "page protect": "ROOT VA LENGTH FLAGS",
    "page query": "ROOT VA",
    "vm alloc": "SPACE LENGTH KIND FLAGS [PLACE [OFFSET]]",
    "vm at": "SPACE VA LENGTH KIND FLAGS [PLACE [OFFSET]]",
    "vm free": "SPACE VA",
    "vm protect": "SPACE VA FLAGS",
    "vm resize": "SPACE VA LENGTH",
    "vm query": "SPACE VA",
    "vm list": "SPACE",
    "vm read": "SPACE VA LENGTH",
    "vm write": "SPACE VA HEX",
    "vm copy": "SPACE VA SPACE VA LENGTH",
    "touch": "ROOT VA MODE",
    "heap alloc": "BYTES",
    "heap zalloc": "BYTES",
    "heap align": "ALIGN BYTES",
    "heap realloc": "VA BYTES",
    "heap free": "VA",
    "heap info": "",
    "heap check": "",
    "heap list": "",
    "task new": "",
    "task switch": "TASK",
    "task delete": "TASK",
    "task list": "",
    "disk list": "",
    "disk find": "NAME",
    "disk info": "DISK",
    "disk read": "DISK SECTOR COUNT",
    "disk write": "DISK SECTOR COUNT HEX",
    "disk flush": "DISK",
    "file list": "",
    "file open": "NAME",
    "file close": "FILE",
    "file read": "FILE OFFSET LENGTH",
    "file write": "FILE OFFSET HEX",
    "file sync": "FILE",
    "file evict": "COUNT",
    "program load": "TASK MODULE [NUMBER]",
    "program run": "TASK",
    "slab new": "BYTES ALIGN",
    "slab delete": "CACHE",
    "slab alloc": "CACHE",
    "slab free": "CACHE VA",
    "slab list": "",
    "buddy alloc": "BYTES",
    "buddy free": "VA",
    "buddy info": "",
    "buddy list": "",
    "object new": "LENGTH",
    "object drop": "OBJECT",
    "object list": "",
    "space clone": "SPACE SPACE",
    "kmalloc alloc": "BYTES",
    "kmalloc free": "VA",
}
"""Every command but those that end the console or print a page: `help`, `ring`, `poweroff`."""

T77, R77 = 4 * 77 + 1, 4 * 77 + 2
FINE: Final = {"SPACE": T77, "ROOT": R77, "TASK": T77, "KIND": 3, "SIZE": 4096, "HEX": 1}
"""A number of each kind that has a meaning; handles of nothing, so that nothing is changed."""

NO_HANDLE: Final = (3, 7, 4 * 77 + 3, LAST)
WRONG: Final[dict[str, tuple[int, ...]]] = {
    "SPACE": (2, R77, *NO_HANDLE),
    "ROOT": NO_HANDLE,
    "TASK": (0, 2, R77, *NO_HANDLE),
    "FLAGS": (0x80, 0x81, 5 << 4, 6 << 4, 7 << 4, 1 << 31, ABOVE_32, ABOVE_32 + 1, LAST),
    "KIND": (6, 7, 255, ABOVE_32, LAST),
    "SIZE": (0, 1, 4095, 4097, 8192, 1 << 31, ABOVE_32, ABOVE_32 + 4096, LAST),
    "MODE": (3, 4, 256, ABOVE_32, LAST),
    "HEX": (0, 65, 66, 256, ABOVE_32 + 1, LAST),
    "NAME": (0, 1, 64, 65, 66, 256, ABOVE_32 + 1, LAST),  # the bytes are NULs
}
"""Numbers of each kind that stand for no word."""


def words_of(pattern: str) -> tuple[list[str], int]:
    """The kinds of a command's words, and how many of them must be there."""
    needed, _, optional = pattern.partition("[")
    more = optional.replace("[", " ").replace("]", " ").split()
    return [*needed.split(), *more], len(needed.split())


def fine(words: list[str]) -> list[int]:
    """A number for each word that has a meaning."""
    return [FINE.get(word, 0) for word in words]


def wrong_requests(serving: Serving, name: str) -> Iterator[tuple[str, Request]]:
    """Requests for a command that are wrong in one thing, said in words."""
    words, needed = words_of(PATTERNS[name])
    number = serving.format.commands[name]
    for at, word in enumerate(words):
        for wrong in WRONG.get(word, ()):
            numbers = fine(words[: max(needed, at + 1)])
            numbers[at] = wrong
            yield f"{name}: {word} {wrong:#x}", Request(number, tuple(numbers))
    counts = [len(words) + 1, 7, 256, 257, ABOVE_32 - 1]
    counts += [needed - 1] if needed else []
    for count in counts:
        yield f"{name}: {count} words", Request(number, tuple(fine(words)), count)


def test_what_no_word_stands_for_is_refused(serving: Serving) -> None:
    ends = {"help", "ring", "poweroff"}
    assert set(PATTERNS) == set(serving.format.commands) - ends
    asked = [each for name in PATTERNS for each in wrong_requests(serving, name)]
    serving.begin()
    for start in range(0, len(asked), serving.format.slots):
        part = asked[start : start + serving.format.slots]
        answers = serving.ask([request for _, request in part])
        for (words, _), answer in zip(part, answers, strict=True):
            assert (answer.status, answer.count) == ("syntax", 0), words
    assert serving.end() == f"ok {len(asked)}"
    serving.lockstep.look("after requests without a meaning")


def test_a_command_that_is_none(serving: Serving) -> None:
    last = max(serving.format.commands.values())
    numbers = (last + 1, last + 2, 255, 256, 1 << 16, 1 << 31, ABOVE_32 - 1)
    serving.begin()
    for answer in serving.ask([Request(number, (0,) * 6) for number in numbers]):
        assert (answer.status, answer.count) == ("syntax", 0)
    assert serving.end() == f"ok {len(numbers)}"


def test_every_number_is_read_before_anything_is_done(serving: Serving) -> None:
    """A handle of nothing is found out later than a number without a meaning, wherever that is."""
    number = serving.format.commands
    serving.begin()
    asked = [
        Request(number["page map"], (R77, 0, 0, 4096, 4096, 0x80)),
        Request(number["page map"], (R77, 0, 0, 4096, 4096, 0)),
        Request(number["vm write"], (T77, 0, 65)),
        Request(number["vm write"], (T77, 0, 64)),
        Request(number["vm alloc"], (T77, 4096, 2, 0)),  # a physical region without an address
        Request(number["vm alloc"], (T77, 4096, 0, 0, 0)),  # another one with one
        Request(number["vm alloc"], (T77, 4096, 0, 0)),
        Request(number["vm copy"], (0, 0, T77, 0, 1)),
        Request(number["task switch"], (T77,)),
    ]
    statuses = ["syntax", "not_found", "syntax", "not_found", "syntax", "syntax"]
    statuses += ["not_found"] * 3
    assert [answer.status for answer in serving.ask(asked)] == statuses
    serving.end()


@pytest.mark.parametrize("waiting", [1, 3, 256])
def test_stop_with_requests_waiting(serving: Serving, waiting: int) -> None:
    """They are served first, however many there are."""
    info = serving.format.commands["pmm info"]
    serving.begin()
    with serving.machine.stopped():
        serving.put([Request(info)] * waiting)
        serving.write(serving.place.stop, 1)
        serving.write(serving.place.submitted, waiting)
    assert serving.machine.finish() == f"ok {waiting}"
    assert all((each.status, each.count) == ("ok", 2) for each in serving.answers(0, waiting))
    with serving.ring() as ring:  # and the next ring is not stopped by it
        assert ring.perform_many([]) == []


def test_stop_between_the_looks_at_requests_and_at_stop(serving: Serving) -> None:
    """A request comes, and then `stop` is raised, right behind a look that saw none."""
    machine, info = serving.machine, serving.format.commands["pmm info"]
    serving.begin()
    gdb = machine.gdb
    load = re.compile(rf"mov +0x[0-9a-f]+\(%rip\),%e.x +# {gdb.evaluate_int('&ring.stop'):#x} ")
    looks = [each.at for each in body_of(gdb, "command_ring") if load.match(each.text)]
    assert looks
    set_ = [gdb.break_(f"*{at:#x}", hardware=True) for at in looks]
    gdb.continue_()
    machine.serial.nudge()  # it may be asleep
    gdb.wait_stop()
    for each in set_:
        gdb.delete(each)
    serving.put([Request(info)])
    serving.write(serving.place.submitted, 1)
    serving.write(serving.place.stop, 1)
    machine.detach_gdb()
    assert machine.finish() == "ok 1"


def test_a_reply_has_no_bytes_of_the_one_before(serving: Serving) -> None:
    number = serving.format.commands
    base = 0xFFFF_D000_0000_0000
    data = bytes(range(1, 65))
    serving.begin()
    made, wrote, whole, part, refused, plain = serving.ask(
        [
            Request(number["vm alloc"], (0, 4096, 0, 1)),
            Request(number["vm write"], (0, base, 64), data=data),
            Request(number["vm read"], (0, base, 64)),
            Request(number["vm read"], (0, base, 5)),
            Request(number["vm read"], (0, base + 4095, 2)),
            Request(number["pmm info"]),
        ]
    )
    assert (made.status, made.values[0]) == ("ok", base)
    assert (whole.values[0], whole.data) == (64, data)
    assert (part.values[0], part.data) == (5, data[:5] + bytes(59))
    assert (refused.status, refused.count, refused.data) == ("not_mapped", 0, bytes(64))
    assert wrote.data == plain.data == bytes(64)
    serving.ask([Request(number["vm free"], (0, base))])
    serving.end()
