"""Choose the generated mutants: universalmutator makes them, the compiler says which are distinct.

    python -m tests.mutants.generate

The tool's rules for C are applied to every line of the kernel's memory layers, which gives some
twenty thousand changes. They are drawn in an order that a seed decides, files and kinds of change
taking turns so that no long file and no prolific rule fills the set; of each one drawn, the files
that it is compiled into are compiled, and what they come to is compared with the right kernel's and
with all those before: what does not compile is no mutant, what makes no difference is equivalent,
and what makes a difference that another one has made is a duplicate.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import shutil
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

import click
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from tests.mutants.mutant import GENERATED, Change, format_changes
from tests.places import ROOT

LAYERS: Final = ("base", "memmap", "pmm", "paging", "vmm", "heap", "task")
RULES: Final = ("universal.rules", "c_like.rules", "c.rules")
WANTED: Final = 420
SEED: Final = 1

TEXT: Final = re.compile(r'"[^"]*"')
NO_CODE: Final = re.compile(r"\s*(#include|#pragma|/\*|\*|//|_Static_assert)|\s*$")


def candidates(file: str) -> Iterator[tuple[str, Change]]:
    """Every change that the tool makes to a file, with the kind of its rule."""
    # Not among what .venv is made of: only choosing anew needs it (`make mutants-anew`).
    from universalmutator.mutator import mutants_regexp

    lines = (ROOT / file).read_text().splitlines(keepends=True)
    with contextlib.redirect_stdout(io.StringIO()):
        mutants = mutants_regexp(lines, ruleFiles=list(RULES), ignorePatterns=[])
    in_comment = comment_lines(lines)
    for number, text, (rule, _), _ in mutants:
        line = lines[number - 1]
        if number in in_comment or NO_CODE.match(line):
            continue
        occurrence = lines[:number].count(line)
        yield (
            kind_of(rule),
            Change(file, occurrence, line.removesuffix("\n"), text.removesuffix("\n")),
        )


def comment_lines(lines: list[str]) -> set[int]:
    """Numbers of lines that are wholly in a comment of several lines."""
    inside, found = False, set()
    for number, line in enumerate(lines, 1):
        if inside:
            found.add(number)
        opened, closed = line.rfind("/*"), line.rfind("*/")
        inside = opened > closed or (inside and closed < 0)
    return found


def is_in_text(change: Change) -> bool:
    """Whether it changes nothing but the words of a message, which are not what is tested here."""
    return TEXT.sub("", change.line) == TEXT.sub("", change.mutated)


def kind_of(rule: str) -> str:
    """A rule's kind: operator, constant, condition, deleted, inserted, argument or other."""
    pattern, _, replacement = rule.partition(" ==> ")
    if "\\d" in pattern:
        return "constant"
    if replacement.endswith(("break;\\n", "continue;\\n")):
        return "inserted"
    if "/*" in replacement:
        return "deleted"
    if pattern.startswith(("if", "while", "else")):
        return "condition"
    if "0==1" in replacement or "1==1" in replacement or "&&" in pattern or "||" in pattern:
        return "condition"
    if pattern.startswith(("([,", "(min", "min", "max")):
        return "argument"
    return "operator"


def compiler_flags() -> list[str]:
    """The Makefile's, without -g: a line's number is no difference."""
    command = ["make", "-s", "--eval=flags: ; @echo $(CODEGEN) $(WARNINGS)", "flags"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [flag for flag in done.stdout.split() if flag != "-g"]


class Compiler:
    """What a change comes to: a digest of all code and data that it is compiled into."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._right: dict[str, bytes] = {}
        self._users = users()
        self._command = ["gcc", *compiler_flags(), "-Ikernel", "-c", "-o"]

    def fingerprint(self, change: Change) -> str | None:
        """A digest that equals "" for the right kernel's; None: it does not compile."""
        path = self._tree / change.file
        right = path.read_text()
        units = self._users[change.file]
        originals = [self._right_digest(unit) for unit in units]
        path.write_text(change.mutate(right))
        try:
            digests = []
            for unit in units:
                digest = self._compile(unit)
                if digest is None:
                    return None
                digests.append(digest)
        finally:
            path.write_text(right)
        if digests == originals:
            return ""
        different = [
            unit.encode() + digest
            for unit, digest, original in zip(units, digests, originals, strict=True)
            if digest != original
        ]
        return hashlib.sha256(b"\0".join(different)).hexdigest()

    def _right_digest(self, unit: str) -> bytes:
        if unit not in self._right:
            digest = self._compile(unit)
            assert digest is not None, f"{unit} does not compile as it is"
            self._right[unit] = digest
        return self._right[unit]

    def _compile(self, unit: str) -> bytes | None:
        output = self._tree / "unit.o"
        command = [*self._command, str(output), unit]
        done = subprocess.run(command, cwd=self._tree, capture_output=True, check=False)
        return digest_of(output) if done.returncode == 0 else None


def digest_of(file: Path) -> bytes:
    """Of everything in an object file that gets into the kernel."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        elf = ELFFile(stream)
        for section in elf.iter_sections():
            if section["sh_flags"] & 2 or isinstance(section, RelocationSection):  # SHF_ALLOC
                digest.update(f"{section.name} {section['sh_size']} ".encode())
                digest.update(b"" if section["sh_type"] == "SHT_NOBITS" else section.data())
        symbols = elf.get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        for symbol in symbols.iter_symbols():
            if symbol["st_info"]["type"] != "STT_FILE":
                entry = (symbol.name, symbol["st_value"], symbol["st_size"], symbol["st_shndx"])
                digest.update(repr(entry).encode())
    return digest.digest()


def users() -> dict[str, list[str]]:
    """Source file -> the C files that it is compiled into, as make found them."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "build/kernel").rglob("*.d")):
        rule = path.read_text().replace("\\\n", " ").splitlines()[0]
        unit, *headers = rule.partition(":")[2].split()
        headers = [name for name in headers if name != "Makefile"]
        if unit.endswith(".c"):
            for name in (unit, *headers):
                found[name].append(unit)
    return found


def in_turns(random: Random) -> Iterator[tuple[str, Change]]:
    """All candidates, files and kinds taking turns, each pile shuffled."""
    piles: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for layer in LAYERS:
        for path in sorted((ROOT / "kernel" / layer).glob("*.[ch]")):
            for kind, change in candidates(path.relative_to(ROOT).as_posix()):
                piles[path.name + layer, kind].append(change)
    weights = {name: max(1, len(pile) // 60) for name, pile in piles.items()}
    for pile in piles.values():
        random.shuffle(pile)
    while piles:
        for name in list(piles):
            for _ in range(weights[name]):
                if piles[name]:
                    yield name[1], piles[name].pop()
            if not piles[name]:
                del piles[name]


def forget_lines(panic_header: Path) -> None:
    """Have every panic name line 0, so that a line more or less makes no difference behind it."""
    text = panic_header.read_text()
    assert "__LINE__" in text
    panic_header.write_text(text.replace("__LINE__", "0"))


@click.command()
@click.option("--wanted", default=WANTED, show_default=True, help="How many distinct ones.")
@click.option("--seed", default=SEED, show_default=True, help="What the choice is made from.")
def main(wanted: int, seed: int) -> None:
    """Choose generated mutants anew, and write them to generated.txt. The kernel must be built."""
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    seen: dict[str, Change] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        shutil.copytree(ROOT / "kernel", tree / "kernel")
        forget_lines(tree / "kernel/cpu/panic.h")
        compiler = Compiler(tree)
        for kind, change in in_turns(Random(seed)):
            if is_in_text(change):
                continue
            counts["drawn"] += 1
            print_ = compiler.fingerprint(change)
            if print_ is None:
                counts["refused by the compiler"] += 1
            elif not print_:
                counts["equivalent by object code"] += 1
            elif print_ in seen:
                counts["duplicates"] += 1
            else:
                seen[print_] = change
                kinds[kind] += 1
                if len(seen) == wanted:
                    break
            if counts["drawn"] % 100 == 0:
                click.echo(f"{dict(counts)} chosen {len(seen)}", err=True)
    changes = sorted(seen.values(), key=lambda change: (change.file, change.line, change.mutated))
    comment = "\n".join(
        (
            "Generated mutants: `python -m tests.mutants.generate` chose them; see README.md.",
            f"universalmutator's rules {', '.join(RULES)}; seed {seed}.",
            *(f"{count:6} {what}" for what, count in counts.items()),
            f"{len(seen):6} chosen: "
            + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        )
    )
    GENERATED.write_text(format_changes(changes, comment))
    click.echo(comment)


if __name__ == "__main__":
    main()
