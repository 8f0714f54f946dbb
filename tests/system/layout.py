"""Where things are in the kernel's address space, as the tests state it on their own account."""

from __future__ import annotations

from typing import Final

PAGE: Final = 0x1000
MIB2: Final = 2 << 20
"""What a page table spans."""

TASK: Final = 0x10000
TASK_END: Final = 0x7FFF_FFFF_F000
"""The window of a task's space."""

WINDOW: Final = 0xFFFF_D000_0000_0000
WINDOW_END: Final = 0xFFFF_D080_0000_0000
"""The window of the kernel's own space."""

BASES: Final = (("kernel", WINDOW), ("t1", TASK))
"""The spaces in which regions are made, and where their windows begin."""

HEAP: Final = 0xFFFF_C000_0000_0000
