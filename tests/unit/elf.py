"""ELF files of a few lines of assembly, made by the compiler at hand."""

import subprocess
from pathlib import Path


def link(folder: Path, source: str, *flags: str) -> Path:
    """Assemble and link `source` into an ELF in `folder`."""
    file, elf = folder / "k.S", folder / "k.elf"
    file.write_text(source)
    subprocess.run(
        ["gcc", "-nostdlib", "-static", "-Wl,--build-id=none", *flags, "-o", elf, file],
        check=True,
    )
    return elf
