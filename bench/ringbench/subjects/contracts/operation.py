"""What every operation has: a layer, a word, and a line that a person can read and type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import ClassVar, Final

from ringbench.config.contracts import Contracts
from ringbench.errors import ConfigError
from ringbench.subject import Unpredictable
from ringbench.subjects.contracts.state import State

MOST: Final = (1 << 64) - 1

TABLES: Final = 3
"""Page tables that a page may need: those below the root."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a kernel is asked, whose fields are texts (names) and numbers.

    Attributes:
        layer: whose function is called.
        word: what stands behind the layer in its line.
        alone: whether it takes calls that depend on one another, and so goes by itself.
        needs: keys of the configuration, of the layer, without which it cannot be.
    """

    layer: ClassVar[str]
    word: ClassVar[str]
    alone: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def most_frames(self) -> int:
        """About how many frames it may need, and be refused without; 0 for what takes none."""
        return 0

    def missing(self, contracts: Contracts) -> str | None:
        """Return a call that it needs and that the layer does not have; None if it has all."""
        calls = getattr(contracts, self.layer)
        return next((each for each in self.needs if getattr(calls, each) is None), None)

    def after(self, state: State) -> State:
        """Return what is held after it.

        Raises:
            Unpredictable: it is of something that is not there.
        """
        raise NotImplementedError

    def plainer(self) -> Iterator[Operation]:
        """Yield operations that say the same with plainer values, plainest first."""
        return iter(())

    def __str__(self) -> str:
        values = (getattr(self, each.name) for each in fields(self))
        return " ".join((self.layer, self.word, *map(_word, values)))


@dataclass(frozen=True, slots=True)
class FreedAgain(Operation):
    """Give back what was given back already: a mistake that some survive."""

    word: ClassVar[str] = "free-again"
    alone: ClassVar[bool] = True
    name: str

    def after(self, state: State) -> State:
        """Return that nothing has changed.

        Raises:
            Unpredictable: it was never given back, or too long ago.
        """
        if all(self.name != name for name, _ in getattr(state, self.layer).freed):
            raise Unpredictable(f"{self.name} was not freed")
        return state.but()


def _word(value: object) -> str:
    """Return a value as it is written: addresses and huge sizes in hexadecimal."""
    return f"{value:#x}" if isinstance(value, int) and value >= 1 << 24 else str(value)


def parse(line: str, kinds: Iterable[type[Operation]]) -> Operation:
    """Return the operation, of some kinds, that a line says.

    Raises:
        ConfigError: it says none; the text has what is wrong.
    """
    words = line.split()
    for kind in kinds:
        if words[:2] == [kind.layer, kind.word]:
            names = [each.name for each in fields(kind)]
            if len(names) != len(words) - 2:
                wanted = " ".join((kind.layer, kind.word, *map(str.upper, names)))
                raise ConfigError(f"{line.strip()!r}: expected {wanted}")
            texts = zip(fields(kind), words[2:], strict=True)
            return kind(*(_value(line, str(each.type), word) for each, word in texts))
    known = ", ".join(f"{kind.layer} {kind.word}" for kind in kinds)
    raise ConfigError(f"{line.strip()[:80]!r}: expected one of {known}")


def _value(line: str, kind: str, word: str) -> str | int:
    if kind == "str":
        if not word.isidentifier() or len(word) > 20:
            raise ConfigError(f"{line.strip()!r}: {word!r} is no name: letters, then digits")
        return word
    return parse_number(line, word)


def parse_number(line: str, word: str) -> int:
    """Return the number that a word of a line is.

    Raises:
        ConfigError: it is none.
    """
    try:
        number = int(word, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= MOST:
        raise ConfigError(f"{line.strip()!r}: {word!r} is no number of at most 64 bits")
    return number
