"""The kernel's embedded symbol table: what tools/symbols.py puts into section .ksyms."""

import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tests.places import ROOT

SCRIPT = ROOT / "tools" / "symbols.py"

NM = """\
0000000000100028 T _start
ffffffff80001040 0000000000000010 t second
ffffffff80001000 T __text_start
ffffffff80001000 0000000000000008 T b_first
ffffffff80001000 0000000000000008 T a_first
ffffffff80002000 0000000000000008 R a_constant
ffffffff80003000 0000000000000008 D a_variable
                 U undefined
ffffffff80001080 t label.without.size
"""


def table(nm_output: str, folder: Path) -> list[tuple[int, str]]:
    """Make the table of some nm output, assemble it, and read it back as the kernel does."""
    source = subprocess.run(
        [sys.executable, SCRIPT], input=nm_output, capture_output=True, text=True, check=True
    ).stdout
    (folder / "symbols.S").write_text(source)
    subprocess.run(
        ["gcc", "-c", "-o", folder / "symbols.o", folder / "symbols.S"], check=True, timeout=60
    )
    elf = ELFFile(BytesIO((folder / "symbols.o").read_bytes()))
    section, symbols = elf.get_section_by_name(".ksyms"), elf.get_section_by_name(".symtab")
    assert section is not None
    assert isinstance(symbols, SymbolTableSection)
    data = section.data()
    at = {symbol.name: symbol["st_value"] for symbol in symbols.iter_symbols()}
    (count,) = struct.unpack_from("<Q", data, at["ksyms_count"])
    addresses = struct.unpack_from(f"<{count}Q", data, at["ksyms_addresses"])
    offsets = struct.unpack_from(f"<{count}I", data, at["ksyms_names"])
    strings = data[at["ksyms_strings"] :]
    names = [strings[o : strings.index(b"\0", o)].decode() for o in offsets]
    return list(zip(addresses, names, strict=True))


def test_higher_half_text_in_order_one_name_an_address(tmp_path: Path) -> None:
    assert table(NM, tmp_path) == [
        (0xFFFFFFFF80001000, "a_first"),
        (0xFFFFFFFF80001040, "second"),
        (0xFFFFFFFF80001080, "label.without.size"),
    ]


def test_order_of_the_input_does_not_matter(tmp_path: Path) -> None:
    shuffled = "\n".join(reversed(NM.splitlines()))
    assert table(shuffled, tmp_path) == table(NM, tmp_path)


def test_no_symbols_make_an_empty_table(tmp_path: Path) -> None:
    assert table("", tmp_path) == []
