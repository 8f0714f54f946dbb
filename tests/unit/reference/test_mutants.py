"""The mutants' own machinery: patches that apply, a list that is read as it was written, totals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.campaign import Result
from tests.mutants.generate import comment_lines, is_in_text, kind_of
from tests.mutants.mutant import (
    Change,
    DoesNotApply,
    Patch,
    Survivor,
    format_changes,
    generated,
    hand_written,
    key_of,
    parse_changes,
    read_patch,
    survivors,
)
from tests.mutants.report import totals
from tests.places import ROOT

LAYERS = {
    "memmap",
    "pmm",
    "slab",
    "paging",
    "object",
    "vmm",
    "heap",
    "buddy",
    "kmalloc",
    "task",
    "disk",
    "file",
    "cpu",
    "console",
}
HAND = hand_written()
GENERATED = generated()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel's sources, for patches to be tried on."""
    folder = tmp_path_factory.mktemp("tree")
    for path in {name for patch in HAND for name in patch.files}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes((ROOT / path).read_bytes())
    return folder


def test_there_are_many() -> None:
    assert len(HAND) >= 60
    assert len(GENERATED) >= 300


@pytest.mark.parametrize("patch", HAND, ids=lambda patch: patch.name)
def test_a_patch_applies_and_says_what_it_is(tree: Path, patch: Patch) -> None:
    """To the letter: git allows other line numbers, but no other context."""
    right = {name: (tree / name).read_bytes() for name in patch.files}
    patch.apply(tree)
    assert any((tree / name).read_bytes() != text for name, text in right.items())
    for name, text in right.items():
        (tree / name).write_bytes(text)
    assert len(patch.mistake.split()) > 3
    assert set(patch.layers) <= LAYERS


def test_patches_are_numbered_and_each_mistake_is_another() -> None:
    assert [patch.name[:3] for patch in HAND] == [f"{n:03}" for n in range(1, len(HAND) + 1)]
    assert len({patch.mistake for patch in HAND}) == len(HAND)


def test_a_patch_whose_context_has_changed_does_not_apply(tmp_path: Path) -> None:
    patch = HAND[0]
    [name] = patch.files
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / name).read_text().replace("MEMORY_AVAILABLE", "MEMORY_FREE"))
    with pytest.raises(DoesNotApply, match=patch.path.name):
        patch.apply(tmp_path)


def test_a_patch_without_words_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "001-silent.patch"
    path.write_text("--- a/kernel/x.c\n+++ b/kernel/x.c\n@@ -1 +1 @@\n-a\n+b\n")
    with pytest.raises(KeyError):
        read_patch(path)


def test_every_generated_one_applies() -> None:
    texts = {change.file: (ROOT / change.file).read_text() for change in GENERATED}
    for change in GENERATED:
        assert change.mutate(texts[change.file]) != texts[change.file]
    assert len({change.name for change in GENERATED}) == len(GENERATED)


def test_a_line_is_changed_in_its_own_place() -> None:
    text = "a;\nb;\na;\n"
    assert Change("kernel/x.c", 2, "a;", "c;\nd;").mutate(text) == "a;\nb;\nc;\nd;\n"
    with pytest.raises(DoesNotApply):
        Change("kernel/x.c", 3, "a;", "c;").mutate(text)


def test_a_list_is_read_as_it_was_written() -> None:
    changes = [
        Change("kernel/pmm/a.c", 1, "    @ - + x;", "    y;"),
        Change("kernel/pmm/a.c", 2, "x;", "x;\n    break;"),
        Change("kernel/pmm/b.h", 1, "x;", ""),
    ]
    assert list(parse_changes(format_changes(changes, "about\nthem"))) == changes


def test_lines_of_comments() -> None:
    lines = [
        "/* one */\n",
        "int a; /* two\n",
        " * three\n",
        " */\n",
        "int b;\n",
        "/*\n",
        "*/ int c;\n",
    ]
    assert comment_lines(lines) == {3, 4, 7}


def test_changes_of_words_alone_are_known() -> None:
    line = '    panic("at 0x%lx", 0);'
    assert is_in_text(Change("kernel/x.c", 1, line, '    panic("at 1x%lx", 0);'))
    assert not is_in_text(Change("kernel/x.c", 1, line, '    panic("at 0x%lx", 1);'))
    assert not is_in_text(Change("kernel/x.c", 1, line, ""))


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (r"(\D)(\d+)(\D) ==> \g<1>0\3", "constant"),
        (r"== ==> !=", "operator"),
        (r"&& ==> ||", "condition"),
        (r"if (\(.*\)) ==> if (!\1)", "condition"),
        (r"(^\s*)(\S+.*)\n ==> \1\2\n\1break;\n", "inserted"),
        (r"(^\s*)(\S+[^{}]+.*)\n ==> \1/*\2*/\n", "deleted"),
        (r"min ==> max", "argument"),
    ],
)
def test_kinds_of_rules(rule: str, kind: str) -> None:
    assert kind_of(rule) == kind


# --- survivors ------------------------------------------------------------------------------------


def test_survivors_are_of_the_list_and_few() -> None:
    known = survivors()
    keys = {key_of(change) for change in GENERATED}
    assert set(known) <= keys, "a survivor that is no longer generated"
    equivalent = sum(each.kind == "equivalent" for each in known.values())
    assert (len(known) - equivalent) / (len(GENERATED) - equivalent) <= 0.05
    assert all(len(each.reason.split()) > 3 for each in known.values())


def test_a_survivor_of_an_unknown_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "survivors.toml"
    path.write_text(
        '[[survivor]]\nfile = "f"\nline = "l"\nmutated = "m"\nclass = "bored"\nreason = "r"\n'
    )
    with pytest.raises(ValueError, match="bored"):
        survivors(path)


def row(name: str, verdict: str, stage: str = "run") -> Result:
    return Result(name, verdict, stage, "x" if verdict == "caught" else "", 7, 1.0)  # type: ignore[arg-type]


def test_totals() -> None:
    changes = [Change("kernel/pmm/a.c", n, "x", "y") for n in range(1, 7)]
    names = [change.name for change in changes]
    verdicts = ("caught", "survived", "survived", "survived", "no mutant", "bench hung")
    results = {name: row(name, verdict) for name, verdict in zip(names, verdicts, strict=True)}
    hand = HAND[:2]
    results |= {hand[0].name: row(hand[0].name, "caught", "boots")}
    results |= {hand[1].name: row(hand[1].name, "survived")}
    known = {
        key_of(changes[0]): Survivor("missed", "but it is caught"),
        key_of(changes[1]): Survivor("equivalent", ""),
        key_of(changes[2]): Survivor("missed", ""),
    }
    found = totals([*hand, *changes], results, known)
    assert found.hand == (1, 2)
    assert found.generated == (1, 4)
    assert found.share == 25.0
    assert found.equivalent == 1
    assert found.unlisted == (hand[1].name, names[3], names[5])
    assert found.needless == (names[0],)
    assert found.stages == {"run": 1, "boots": 1}
    assert found.classes == {"equivalent": 1, "missed": 1}
