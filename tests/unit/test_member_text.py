"""Expressions about a struct's members, as `[layout]` has them."""

import pytest

from ringbench.config.member_text import parse_members

MEMBERS = {"size": 24, "flags": 5, "is_free": 0, "node.next": 0x1000, "tag[1]": 7}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("size", 24),
        ("node->next", 0x1000),
        ("tag[1] * 8", 56),
        ("(flags & ~1) * 8", 32),
        ("-1", (1 << 64) - 1),
        ("!is_free", 1),
        ("!flags", 0),
        ("!!flags", 1),
        ("!flags & 4", 0),  # C's `!` binds tighter than `&`
        ("!is_free == 0", 0),  # and than `==`
        ("!is_free + 1", 2),
        ("!(flags & 2)", 1),
        ("flags & 4 == 4", 1),
        ("flags != 5 || size > 20 && !is_free", 1),
        ("1 << 3 | 1", 9),
        ("size / 5", 4),
    ],
)
def test_values(text: str, value: int) -> None:
    assert parse_members(text).value(MEMBERS.__getitem__) == value


@pytest.mark.parametrize(
    "text", ["", "+size", "size + +1", "size !flags", "f(size)", "0 < size < 9", "a b", "x" * 600]
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ValueError, match="in the notation of C"):
        parse_members(text)


def test_division_by_zero_is_an_arithmetic_error() -> None:
    with pytest.raises(ArithmeticError):
        parse_members("size / is_free").value(MEMBERS.__getitem__)
