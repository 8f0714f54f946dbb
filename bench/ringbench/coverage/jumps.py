"""Where a kernel has conditional jumps, executed or not: by objdump of binutils, if it is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from ringbench.errors import CoverageError

OBJDUMP: Final = "objdump"
SECONDS: Final = 300.0
_JUMP: Final = re.compile(
    r"^\s*([0-9a-f]+):\s+(?:(?:bnd|notrack|cs|ds|data16) )*(?:j(?!mp)[a-z]+|loop[a-z]*)\s",
    re.MULTILINE,
)


def conditional_jumps(elf: Path) -> frozenset[int]:
    """Return the addresses of all conditional jumps; none without objdump.

    Raises:
        CoverageError: objdump does not read the file.
    """
    if shutil.which(OBJDUMP) is None:
        return frozenset()
    try:
        done = subprocess.run(
            [OBJDUMP, "--disassemble", "--no-show-raw-insn", elf],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CoverageError(f"{OBJDUMP} {elf}: {error}") from None
    if done.returncode != 0:
        raise CoverageError(f"{OBJDUMP} {elf}: {done.stderr.strip()}")
    return frozenset(int(address, 16) for address in _JUMP.findall(done.stdout))
