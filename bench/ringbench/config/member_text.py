"""Numbers made of a struct's members, as `[layout]` writes them: `flags & 1`, `!is_free`.

The notation is that of C: members with `.`, `->` and `[3]`, numbers, and C's operators on them, of
which `&`, `^` and `|` bind tighter than comparisons here: `flags & 1 == 0` is what it looks like.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

LONGEST: Final = 500
LARGEST_SHIFT: Final = 64

_BINARY: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.floordiv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: lambda value, by: value << min(by, LARGEST_SHIFT),
    ast.RShift: operator.rshift,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[[int], int]]] = {
    ast.UAdd: operator.not_,  # what `!` is written as to be parsed: it binds as tight as in C
    ast.Invert: operator.invert,
    ast.USub: operator.neg,
}
_PLUS: Final = re.compile(r"(?:^|[-+*/%&|^<>=!~(])\s*\+")
_NOT_BEHIND: Final = re.compile(r"[\w)\]]\s*!(?!=)")
"""What is no expression, and would be taken for one: a sign `+`, and `!` behind an operand."""
_COMPARE: Final[dict[type[ast.cmpop], Callable[[int, int], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass(frozen=True, slots=True)
class MemberText:
    """A number made of members; `names` are the paths in it, each once."""

    text: str
    names: tuple[str, ...]
    _tree: ast.expr = field(repr=False, compare=False)

    def value(self, member: Callable[[str], int]) -> int:
        """Return the number, in 64 bits, where `member` gives that of a path.

        Raises:
            ArithmeticError: it divides by zero, or shifts by a negative number.
        """
        try:
            return int(_value(self._tree, member)) % (1 << 64)
        except ValueError as error:
            raise ArithmeticError(str(error)) from None

    def __str__(self) -> str:
        return self.text


def parse_members(text: str) -> MemberText:
    """Return what a text means.

    Raises:
        ValueError: it is no such expression; the message completes "expected ...".
    """
    python = text.strip().replace("->", ".").replace("&&", " and ").replace("||", " or ")
    python = re.sub(r"!(?!=)", "+", python).strip()
    try:
        if len(text) > LONGEST or _PLUS.search(text) or _NOT_BEHIND.search(text):
            raise ValueError
        tree = ast.parse(python, mode="eval").body
        names: dict[str, int] = {}
        _value(tree, lambda name: names.setdefault(name, 1), dry=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(
            "a number made of a struct's members, in the notation of C, such as "
            '"size", "flags & 1", "!is_free"'
        ) from None
    return MemberText(text, tuple(names), tree)


def path_of(node: ast.expr) -> str:
    """Return the members that a part of an expression goes through: `a.b[2]`.

    Raises:
        ValueError: it is no path.
    """
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=of, attr=name):
            return f"{path_of(of)}.{name}"
        case ast.Subscript(value=of, slice=ast.Constant(value=int(index))):
            return f"{path_of(of)}[{index}]"
    raise ValueError


def _value(node: ast.expr, member: Callable[[str], int], dry: bool = False) -> Any:
    """Return what a part of an expression comes to; `dry` only goes through all of it."""

    def of(part: ast.expr) -> Any:
        return _value(part, member, dry)

    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            parts = of(left), of(right)
            return 1 if dry else _BINARY[type(op)](*parts)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](of(operand))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            parts = of(left), of(right)
            return _COMPARE[type(op)](*parts)
        case ast.BoolOp(op=op, values=values):
            found = [of(each) for each in values]
            return all(found) if isinstance(op, ast.And) else any(found)
        case _:
            return member(path_of(node))
