"""The parts of a kernel's ELF file that are meant to be executed."""

from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile

from ringbench.debuginfo.symbols import damage


@dataclass(frozen=True, slots=True)
class Segment:
    """`length` bytes that are linked to run at `vaddr`, and to be loaded at `paddr`."""

    vaddr: int
    paddr: int
    length: int


def executable_segments(path: Path) -> tuple[Segment, ...]:
    """Return the loaded segments with the right to execute; neither symbols nor DWARF are needed.

    Raises:
        ImageError: not an ELF file, or a damaged one.
    """
    with damage(path), path.open("rb") as file:
        headers = [segment.header for segment in ELFFile(file).iter_segments()]
        return tuple(
            Segment(header["p_vaddr"], header["p_paddr"], header["p_memsz"])
            for header in headers
            if header["p_type"] == "PT_LOAD" and header["p_flags"] & P_FLAGS.PF_X
            if header["p_memsz"]
        )
