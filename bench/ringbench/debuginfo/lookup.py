"""Which entry a name means: in one linked file, what was split off it, and its symbol table."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

from ringbench.debuginfo.compressed import contents
from ringbench.debuginfo.entry import (
    address,
    begins,
    is_declaration,
    language,
    name_of,
    number,
    source,
    text,
)
from ringbench.debuginfo.index import RECORDS, C, Index, tags_of
from ringbench.debuginfo.information import Information, debug_information
from ringbench.debuginfo.metered import Meter
from ringbench.debuginfo.names import Name, parse
from ringbench.debuginfo.search import Found, Search
from ringbench.debuginfo.split import Split, find_split
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ImageError

_SHOWN: Final = 8
_LONGEST_PATH: Final = 4096
_THREAD_LOCAL: Final = ([0x9B], [0xE0])  # DW_OP_form_tls_address, DW_OP_GNU_push_tls_address


class Lookup:
    """Finds variables and types of one ELF file; addresses are those that it was linked to."""

    def __init__(self, path: Path, elf: ELFFile, where: Path, symbols: Symbols) -> None:
        """Take the file that messages name, and that with the debug information, opened.

        `symbols` are the first one's.
        """
        _refuse_dwz(elf, where)
        self._path = path
        self._symbols = symbols
        self._meter = Meter(where)
        self._information = debug_information(where, elf, self._meter)
        self._allocated = _allocated(elf)
        self._searches: dict[Information, Search] = {}

    def variable(self, wanted: str) -> tuple[int, DIE] | None:
        """Return where a variable is, and the entry that has its type; None if there is none.

        Raises:
            ImageError: there are several, or it has no fixed address.
        """
        name = parse(wanted)
        linked = self._symbols.linked(wanted)
        if len(linked) > 1 and (several := self._symbols.files(wanted)):
            raise self._ambiguous(wanted, several)
        found = self._best(name, self._search(self._information).at(name, linked)) if linked else []
        if not found:
            found = self._best(name, self._variables(name, inside=False))
        if not found:
            found = self._best(name, self._variables(name, inside=True))
        if not found:
            return None
        places: dict[int, Found] = {}
        for each in found:
            place = address(each.die)
            if place is not None and self._is_there(place):
                places.setdefault(place, each)
        if not places:
            return self._by_symbol(wanted, found[0]), found[0].die
        strangers = [each for each in linked if each not in places]
        if len(places) > 1 or (strangers and not name.file):
            more = [self._symbols.place(each, wanted) for each in strangers]
            raise self._ambiguous(wanted, _told_apart(list(places.values())) + more)
        [(place, one)] = places.items()
        return place, one.die

    def _variables(self, name: Name, inside: bool) -> Iterator[Found]:
        for search in self._everywhere():
            yield from search.variables(name, inside)

    def _ambiguous(self, wanted: str, several: list[str]) -> ImageError:
        shown = several[:_SHOWN] + (["..."] if len(several) > _SHOWN else [])
        return ImageError(f"{self._path}: {wanted!r} is ambiguous: there are {', '.join(shown)}")

    def _by_symbol(self, wanted: str, found: Found) -> int:
        """Return the address of what is declared here, and defined in assembly or by the linker."""
        if not is_declaration(found.die):
            why = _why_nowhere(found.die)
            raise ImageError(f"{self._path}: variable {wanted!r} has no fixed address: {why}")
        for symbol in (wanted, text(found.die, "DW_AT_linkage_name"), name_of(found.die)):
            addresses = self._symbols.linked(symbol) if symbol else ()
            if len(addresses) == 1:
                return addresses[0]
            if addresses and symbol:
                self._symbols.address(symbol)  # raises: ambiguous
        raise ImageError(f"{self._path}: variable {wanted!r} has no fixed address")

    def _best(self, name: Name, found: Iterable[Found]) -> list[Found]:
        """Return those whose whole name it is; without any, those whose name ends so."""
        every = list(found)
        return [each for each in every if each.parts == name.parts] or every

    def _is_there(self, place: int) -> bool:
        """Say whether the linker kept what was to be at an address."""
        return not self._allocated or any(a <= place < b for a, b in self._allocated)

    def type(self, wanted: str) -> DIE | None:
        """Return the entry of a type that is more than declared; None if there is none.

        Raises:
            ImageError: there are several, in different scopes.
        """
        name = parse(wanted)
        shorter: dict[str, Found] = {}
        for tags in tags_of(name):
            for found in self._types(name, tags):
                if is_declaration(found.die):
                    continue
                if found.parts == name.parts:
                    return found.die
                shorter.setdefault(found.whole, found)
        if len(shorter) > 1:
            raise self._ambiguous(wanted, list(shorter))
        return next((found.die for found in shorter.values()), None)

    def function(self, wanted: str, linked: int | None = None) -> DIE | None:
        """Return the entry of a function's definition; None if there is none.

        Of several it is that which was linked to an address, if one is given and is theirs.
        """
        name = parse(wanted)
        every = (each.die for search in self._everywhere() for each in search.functions(name))
        found = (die for die in every if not is_declaration(die))
        if linked is None:
            return next(found, None)
        several = list(found)
        here = [die for die in several if begins(die) == linked]
        return next(iter(here or (several if len(several) == 1 else ())), None)

    def enumerator(self, name: str) -> int | None:
        """Return the value of an enumerator; None if no enumeration has one of that name."""
        found = (search.enumerator(name) for search in self._everywhere())
        return next((value for value in found if value is not None), None)

    def struct_names(self) -> set[str]:
        """Return the names of all structs, unions and classes, without their scopes.

        That takes reading all of the debug information: it is for messages.
        """
        return {
            name
            for search in self._everywhere()
            for name, items in search.everything()
            if any(die.tag in RECORDS for _, die in items)
        }

    def _types(self, name: Name, tags: frozenset[str]) -> Iterator[Found]:
        for search in self._everywhere():
            yield from search.types(name, tags)

    def _index(self, die: DIE) -> Index | None:
        """Return what knows the scopes of an entry; None where the language has none."""
        information = die.dwarfinfo
        if language(die) in C or not isinstance(information, Information):
            return None
        return self._search(information).index(die.cu)

    def whole(self, die: DIE) -> str | None:
        """Return an entry's name with all scopes; None in a language without any."""
        index = self._index(die)
        item = None if index is None else index.by_offset.get(die.offset)
        return None if index is None or item is None else index.written(item.parts)

    def complete(self, die: DIE, keyword: str) -> DIE | None:
        """Return the definition of the struct, class, union or enum that an entry declares."""
        index = self._index(die)
        item = None if index is None else index.by_offset.get(die.offset)
        own = name_of(die)
        if item is None and own is None:
            return None
        parts = item.parts if item is not None else (own or "",)
        name = Name(parts, "", keyword)
        for found in self._types(name, tags_of(name)[0]):
            if found.parts == parts and not is_declaration(found.die):
                return found.die
        return None

    # -- files ---------------------------------------------------------------------------------

    def _search(self, information: Information) -> Search:
        if information not in self._searches:
            self._searches[information] = Search(information)
        return self._searches[information]

    @cached_property
    def _split(self) -> Split:
        return find_split(self._information, self._meter)

    def _everywhere(self) -> Iterator[Search]:
        """Yield the linked file, and what was split off it, which is opened then."""
        yield self._search(self._information)
        for information in self._split.found:
            yield self._search(information)

    def missing(self) -> str:
        """Return what to add to a message that something is not there."""
        missing = self._split.missing
        if not missing:
            return ""
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return f"; split off it, and not to be had: {'; '.join(missing[:3])}{more}"


def _why_nowhere(die: DIE) -> str:
    """Return why a variable that is defined has no fixed address."""
    location = die.attributes.get("DW_AT_location")
    if location is None:
        value = number(die, "DW_AT_const_value")
        return "the compiler left it out" + ("" if value is None else f", its value is {value}")
    if isinstance(location.value, list) and location.value[-1:] in _THREAD_LOCAL:
        return "each thread has its own"
    return "the compiler has it in pieces, or moves it"


def _told_apart(found: list[Found]) -> list[str]:
    """Return what each is to be called, so that it alone is meant."""
    whole = [each.whole for each in found]
    if len(set(whole)) == len(whole):
        return whole
    sources = [source(each.die) for each in found]
    short = [Path(each).name for each in sources]
    files = short if len(set(short)) == len(short) else sources
    return [f"{file}:{name}" for file, name in zip(files, whole, strict=True)]


def _refuse_dwz(elf: ELFFile, path: Path) -> None:
    for name in (".gnu_debugaltlink", ".debug_sup"):
        section = elf.get_section_by_name(name)
        if section is not None:
            data = contents(section, path)[:_LONGEST_PATH].lstrip(b"\5\0")
            other = data.split(b"\0")[0].decode(errors="replace")
            raise ImageError(
                f"{path}: part of its debug information is in {other!r} ({name}, as dwz leaves "
                "it), which is not read; use a file from before dwz"
            )


def _allocated(elf: ELFFile) -> list[tuple[int, int]]:
    """Return where the linker put things; empty for a file that was not linked."""
    if elf["e_type"] == "ET_REL":
        return []
    return [
        (section["sh_addr"], section["sh_addr"] + max(section["sh_size"], 1))
        for section in elf.iter_sections()
        if section["sh_flags"] & 2 and section["sh_addr"]
    ]
