"""How entries are laid out, told to pyelftools in forms that it reads.

Texts and addresses by number have forms of GNU's before DWARF 5. Where a unit's part of the table
of texts begins is not stated in a split file, as it is always the same (DWARF 5, 7.26).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from elftools.common.exceptions import DWARFError
from elftools.construct.lib.container import Container
from elftools.dwarf.abbrevtable import AbbrevDecl, AbbrevTable

if TYPE_CHECKING:
    from elftools.dwarf.structs import DWARFStructs

_RENAMED: Final = {
    "DW_FORM_GNU_str_index": "DW_FORM_strx",
    "DW_FORM_GNU_addr_index": "DW_FORM_addrx",
    # Numbers of lists that nobody asks for here, and that a split file has no base for.
    "DW_FORM_loclistx": "DW_FORM_udata",
    "DW_FORM_rnglistx": "DW_FORM_udata",
}
_UNITS: Final = {
    "DW_TAG_compile_unit",
    "DW_TAG_partial_unit",
    "DW_TAG_skeleton_unit",
    "DW_TAG_type_unit",
}


class Abbreviations(AbbrevTable):
    """A table of abbreviations, each mended when it is first asked for."""

    def __init__(self, structs: DWARFStructs, stream: Any, offset: int, base: int) -> None:
        """Read the table; `base` is where texts by number begin in units that do not say it."""
        super().__init__(structs, stream, offset)
        self._base = base
        self._mended: set[int] = set()

    def get_abbrev(self, code: int) -> AbbrevDecl:
        """Return how the entries with this code are laid out."""
        try:
            found = super().get_abbrev(code)
        except KeyError:
            raise DWARFError(f"no abbreviation {code}") from None
        if code not in self._mended:
            self._mended.add(code)
            for spec in found["attr_spec"]:
                spec.form = _RENAMED.get(spec.form, spec.form)
            names = {spec.name for spec in found["attr_spec"]}
            if found["tag"] in _UNITS and "DW_AT_str_offsets_base" not in names:
                stated = Container(
                    name="DW_AT_str_offsets_base", form="DW_FORM_implicit_const", value=self._base
                )
                found["attr_spec"].insert(0, stated)
        return found


def texts_base(units: bytes) -> int:
    """Return where the table of texts by number begins: behind its header, since DWARF 5."""
    is_long = units[:4] == b"\xff" * 4
    at = 12 if is_long else 4
    version = int.from_bytes(units[at : at + 2], "little")
    return (16 if is_long else 8) if version >= 5 else 0
