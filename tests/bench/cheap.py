"""Every sub-command at its cheapest, for tests of what surrounds the work: streams, signals, files.

Placeholders: {dump} is a memory dump, {root} its PML4, {ring} a sequence, {out} a folder.
"""

from __future__ import annotations

from pathlib import Path

SMALL = ("--memory", "16M")

CHEAP: dict[str, tuple[str, ...]] = {
    "frames": ("frames", *SMALL),
    "heap": ("heap", *SMALL),
    "spaces": ("spaces", *SMALL),
    "pages": ("pages", "--dump", "{dump}", "--root", "{root}"),
    "translate": ("translate", "0xffffffff80110000", "--dump", "{dump}", "--root", "{root}"),
    "run": ("run", *SMALL, "--ops", "5", "--gdb-ops", "1", "--ring-ops", "0"),
    "hunt": ("hunt", *SMALL, "--batches", "1", "--minutes", "0.005", "--corpus", "{out}/corpus"),
    "replay": ("replay", "{ring}"),
    "starve": ("starve", *SMALL, "--case", "run of frames", "--count", "0"),
    "flips": ("flips", "--count", "1"),
    "boot-map": ("boot-map", "--seed", "1", "--number", "0"),
}


def cheap(name: str, place: Path) -> list[str]:
    """Return a command's arguments, with the files that it needs in the folder `place`."""
    words = {"dump": place / "dump", "root": "0", "ring": place / "one.ring", "out": place}
    dump = place / "dump"
    if (
        not dump.exists()
    ):  # an empty PML4 and nothing else: no booted kernel is needed to look at it
        dump.write_bytes(bytes(1 << 16))
        (place / "one.ring").write_text("# ringbench 1: memory=16M\npmm alloc\n")
    return [word.format(**words) for word in CHEAP[name]]
