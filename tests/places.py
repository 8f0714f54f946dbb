"""Where things of this tree are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
KERNEL: Final = ROOT / "kernel"
BENCH: Final = ROOT / "bench"
