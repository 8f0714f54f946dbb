"""A line as a terminal shows it, and what a reply is without its echo."""

import pytest

from ringbench.machine.prompt import Prompt, without_echo
from ringbench.machine.terminal import shown


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"plain\r", "plain"),
        (b"one\rtwo", "two"),
        (b"three\rtwo", "twoee"),
        (b"ab\b\bcd", "cd"),
        (b"\x1b[32mgreen\x1b[0m", "green"),
        (b"\r\x1b[K> h\r\x1b[K> he", "> he"),
        (b"abc\x1b[2D\x1b[K", "a"),
        (b"abc\x1b[3D\x1b[Px", "xc"),
        (b"abc\x1b[3D\x1b[@x", "xabc"),
        (b"a\x1b[5Gb", "a   b"),
        (b"\x1b]0;title\x07> ", "> "),
        (b"> \x1b[3", "> "),
        (b"a\tb\x00\x07", "a\tb"),
        (b"\xff", "\ufffd"),
        (b"\x1b[999999999999Gx", " " * 4095 + "x"),
    ],
)
def test_what_is_shown(raw: bytes, line: str) -> None:
    assert shown(raw) == line


def test_where_a_prompt_is() -> None:
    assert Prompt("> ", None).at_end("heap ok > ") == 8
    assert Prompt("> ", None).at_end("> x") is None
    assert Prompt("> ", None, padded=True).at_end(">") == 0
    assert Prompt(None, r"\w+:\S*> ").at_end("up at:/usr> ") == 3
    assert Prompt(None, r"\w+:\S*> ").after("at:/> ls") == "ls"


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["ls", "a"], ["a"]),
        (["> ls", "a"], ["a"]),
        (["> l", "[log]", "s", "a"], ["a"]),
        (["a", "ls"], None),
        ([], None),
        (["l", "s"], []),
    ],
)
def test_the_reply_without_its_echo(lines: list[str], reply: list[str] | None) -> None:
    assert without_echo(lines, "ls", Prompt("> ", None)) == reply
