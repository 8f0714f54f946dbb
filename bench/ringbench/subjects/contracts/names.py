"""The names in a configuration's calls, found in the kernel's ELF file, and checked against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Final

from ringbench.config import Config
from ringbench.config.call_text import CallText
from ringbench.config.contracts import LAYERS, PREFIX, Contracts
from ringbench.debuginfo.elf import load_segments
from ringbench.debuginfo.functions import PLAIN, Functions
from ringbench.debuginfo.near import near
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ConfigError, ImageError

VALUES: Final = ("count", "space")
"""Keys of what may be a variable."""


@dataclass(frozen=True, slots=True)
class Names:
    """Where the functions and variables are.

    Attributes:
        addresses, sizes: of functions and variables, and of variables.
        at: where calls are made, if that is set.
        silent: functions that return nothing: whatever is in the register is none of their doing.
    """

    addresses: dict[str, int]
    sizes: dict[str, int]
    at: int | None
    silent: frozenset[str] = frozenset()

    def moved(self, slide: int) -> Names:
        """Return the names of a kernel that runs `slide` higher than it was linked."""
        addresses = {name: address + slide for name, address in self.addresses.items()}
        return replace(self, addresses=addresses, at=None if self.at is None else self.at + slide)


def find_names(config: Config) -> Names:
    """Find what the tables `[contracts]` name.

    Raises:
        ConfigError: something is not there, is no function, or takes other arguments.
    """
    search = _Search(config)
    addresses: dict[str, int] = {}
    sizes: dict[str, int] = {}
    silent: set[str] = set()
    for key, call in _calls(config.contracts):
        if isinstance(call, CallText):
            addresses[call.function] = search.function(key, call.function)
            search.check(key, call, addresses[call.function])
            if search.is_silent(call.function, addresses[call.function]):
                silent.add(call.function)
        else:
            addresses[call], sizes[call] = search.variable(key, call)
    at = config.contracts.at
    place = None if at is None else search.function("contracts.at", at)
    return Names(addresses, sizes, place, frozenset(silent))


def named_values(contracts: Contracts) -> Iterator[tuple[str, CallText | str]]:
    """Yield what is looked at for its value alone, as it is written, with its key."""
    for layer in LAYERS:
        for key in VALUES:
            value = getattr(getattr(contracts, layer), key, None)
            if value is not None:
                yield f"{PREFIX}{layer}.{key}", value


def _calls(contracts: Contracts) -> Iterator[tuple[str, CallText | str]]:
    """Yield each call, and each variable, with its key."""
    for layer in LAYERS:
        calls = getattr(contracts, layer)
        for field in () if calls is None else fields(calls):
            value = getattr(calls, field.name)
            if isinstance(value, CallText):
                yield from ((f"{PREFIX}{layer}.{field.name}", call) for call in value.calls())
            elif field.name in VALUES and value is not None:
                yield f"{PREFIX}{layer}.{field.name}", value.removeprefix("&")


class _Search:
    def __init__(self, config: Config) -> None:
        self._source = config.source
        self._elf = config.kernel.elf
        self._symbols = Symbols.load(self._elf)
        self._code = [
            range(segment.vaddr, segment.vaddr + segment.size)
            for segment in load_segments(self._elf)
            if segment.executable
        ]
        try:
            self._functions: Functions | None = Functions(self._elf)
        except ImageError:  # without debug information, nothing is known of parameters
            self._functions = None

    def function(self, key: str, name: str) -> int:
        """Return a function's address."""
        address = self._address(key, name)
        if not any(address in code for code in self._code):
            raise self._error(key, f"{name!r} is not a function: {address:#x} is no code")
        return address

    def variable(self, key: str, name: str) -> tuple[int, int]:
        """Return a variable's address and size."""
        address = self._address(key, name)
        size = self._symbols.size(name)
        if any(address in code for code in self._code) and size > 8:
            raise self._error(key, f'{name!r} is a function: to have it called, write "{name}()"')
        return address, size or 8

    def check(self, key: str, call: CallText, address: int) -> None:
        """Hold a call's arguments against the function's parameters, where they are known."""
        signature = self._functions and self._functions.signature(call.function, address)
        if not signature:
            return
        parameters = signature.parameters
        given, wanted = len(call.arguments), len(parameters)
        if given != wanted and not (signature.variadic and given > wanted):
            names = ", ".join(each.name for each in parameters) or "nothing"
            raise self._error(
                key, f"{call}: {call.function} takes {names}: {wanted} arguments, not {given}"
            )
        for parameter in parameters:
            if parameter.kind not in PLAIN.values():
                raise self._error(
                    key,
                    f"{call}: parameter {parameter.name!r} is a {parameter.kind}: only integers "
                    "and pointers can be given",
                )

    def is_silent(self, name: str, address: int) -> bool:
        """Whether a function is known to return nothing."""
        signature = self._functions and self._functions.signature(name, address)
        return not signature.returns if signature else False

    def _address(self, key: str, name: str) -> int:
        found = self._symbols.addresses(name)
        if len(found) == 1:
            return found[0]
        if found:
            places = ", ".join(self._symbols.place(each, name) for each in sorted(found))
            raise self._error(key, f"there are several of the name {name!r}: {places}")
        signature = self._functions and self._functions.signature(name)
        if signature and signature.inlined:
            raise self._error(
                key,
                f"the compiler has put all of {name!r} into its callers, so that it cannot be "
                "called: mark it __attribute__((noinline, used))",
            )
        others = near(name, self._symbols.names)
        raise self._error(key, f"{self._elf.name} has no symbol {name!r}{others}")

    def _error(self, key: str, words: str) -> ConfigError:
        return ConfigError(f"{self._source}: {key}: {words}")
