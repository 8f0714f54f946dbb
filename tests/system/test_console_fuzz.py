"""No line, however wrong, ends the kernel; each gets exactly one reply and a new prompt."""

import random
import re

import pytest

from ringbench.config import Config
from ringbench.machine import Machine
from tests.system.replies import HEX, LINE_MAX, REPLY, status

PROMPT = "ring> "
LINES = 3000
NUMBERS = [
    *(
        "0",
        "1",
        "2",
        "7",
        "15",
        "16",
        "63",
        "64",
        "65",
        "512",
        "4096",
        "8192",
        "0x1000",
        "0x3000",
        "0x10000",
        "0x100000",
        "0x200000",
        "0x400000",
    ),
    *(
        "0x40000000",
        "0x3fff000",
        "0x4000000",
        "0xfee00000",
        "0x100000000",
        "0xfffffff000",
        "0x10000000000",
    ),
    *(
        "0x7ffffffff000",
        "0x800000000000",
        "0x8000000000000000",
        "0xffff800000000000",
        "0xffff800000100000",
    ),
    *("0xffffc00000000000", "0xffffc00000000010", "0xffffd00000000000", "0xffffd00000001000"),
    *("0xffffd07ffffff000", "0xffffffff80100000", "0xffffffff80000000", "0xfffffffffffff000"),
    *("0xffffffffffffffff"),
]
WORDS = {
    "SPACE": ["kernel", "t0", "t1", "t2", "t3"],
    "ROOT": ["kernel", "t0", "t1", "t2", "r0", "r1", "r2", "r16"],
    "TASK": ["t0", "t1", "t2", "t3", "t99999"],
    "FLAGS": ["r", "rw", "rx", "rwx", "ru", "rwu", "rxu", "rwg", "rw:uc", "r:wc", "rwxug:uc-"],
    "KIND": ["anonymous", "demand", "physical", "guard", "shared", "private"],
    "OBJECT": ["o0", "o1", "o9"],
    "PLACE": ["o0", "o1", "o9", "0xb8000", "0"],
    "SIZE": ["4k", "2m", "1g"],
    "MODE": ["r", "w", "x"],
    "HEX": ["00", "c3", "ff" * 64, "c3" * 8],
}
NOISE = ["", "0x", "help", "\b\b\b", "\x7f", "\t", "pmm", "é", "\x00", "%s%n", "r" * 40, "-1"]


def patterns(machine: Machine) -> list[list[str]]:
    """Return the words of every command, as `help` shows them, but those that a test cannot use."""
    usages = [line.partition(":")[0] for line in machine.command("help").splitlines()[:-1]]
    left_out = ("poweroff", "echo on", "ring")  # the last takes no more lines
    return [usage.split() for usage in usages if usage.strip() not in left_out]


def near_valid_line(rng: random.Random, patterns: list[list[str]], seen: list[str]) -> str:
    """Return a command with values that mean something, now and then with a mistake in it."""
    words: list[str] = []
    for name in rng.choice(patterns):
        if name.startswith("[") and rng.random() < 0.5:
            break
        kind = name.strip("[]")
        if not kind.isupper():
            words.append(kind)
        elif kind in WORDS:
            words.append(rng.choice(WORDS[kind]))
        else:
            words.append(rng.choice(seen[-20:] + NUMBERS))
    if rng.random() < 0.1:
        words.insert(rng.randrange(len(words) + 1), rng.choice(NOISE))
    if rng.random() < 0.05:
        del words[rng.randrange(len(words))]
    return " ".join(words)


def random_line(rng: random.Random) -> str:
    """Return characters of any kind but the two that end a line."""
    characters = [chr(c) for c in range(1, 256) if chr(c) not in "\r\n"]
    return "".join(rng.choices(characters, k=rng.randrange(300)))


def is_blank(typed: str) -> bool:
    """Tell whether the line editor makes an empty line of it (too long ones are not)."""
    line: list[str] = []
    for character in typed.replace("\t", " ").encode():
        if character in (0x08, 0x7F):
            del line[-1:]
        elif 0x20 <= character <= 0x7E:
            if len(line) == LINE_MAX:
                return False
            line.append(chr(character))
    return not "".join(line).strip()


@pytest.mark.parametrize("seed", [1, 2])
def test_each_line_gets_one_reply(ringbench_config: Config, seed: int) -> None:
    rng = random.Random(seed)
    seen: list[str] = []  # addresses that replies had
    replies: dict[str, int] = {}
    with Machine.start(ringbench_config) as machine:
        machine.command("echo off")
        commands = patterns(machine)
        prompts = machine.serial.transcript.read_bytes().count(PROMPT.encode())
        for _ in range(LINES):
            line = random_line(rng) if rng.random() < 0.1 else near_valid_line(rng, commands, seen)
            reply = machine.command(line)
            if is_blank(line):
                assert reply == "", line
                continue
            assert REPLY.fullmatch(reply), (line, reply)
            said = status(reply)
            replies[said] = replies.get(said, 0) + 1
            seen += re.findall(HEX, reply) if said == "ok" else []
        after = machine.serial.transcript.read_bytes().count(PROMPT.encode())
        assert after - prompts == LINES
        assert machine.command("heap check") == "ok"
        assert machine.command("info").startswith("ok ")
    # It did get somewhere: most of what can be answered was.
    assert replies["ok"] > LINES / 10
    assert len(replies) >= 12, replies
