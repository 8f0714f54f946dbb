"""Files in the model: members, pages, frames, what is written and when; stated by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.subjects.reference.model.disk import held
from ringbench.subjects.reference.model.file import octal, read_header
from ringbench.subjects.reference.model.kernel import boot, perform
from ringbench.subjects.reference.model.state import KernelState, Sizes
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations.file import (
    FileClose,
    FileOpen,
    FileRead,
    FileSync,
    FileWrite,
)
from tests.system.archives import FILES, archive
from tests.unit.reference.booted import IMAGE, MEMORY, booted, disk, performed, with_free

PAGES = FILES["pages.bin"]


@pytest.fixture(scope="module")
def state() -> KernelState:
    """A kernel with an archive on its data disk."""
    image = archive()
    features = booted().features
    return boot(MEMORY, IMAGE, features, Sizes(), (disk("data", image, len(image) // 512),))


def test_an_open_file_is_one_frame_and_a_page_another(state: KernelState) -> None:
    after = performed(state, FileOpen("pages.bin"), FileRead("f0", FRAME_SIZE - 1, 2))
    file = after.files[0]
    lowest = state.pmm.free.edges[0] * FRAME_SIZE
    assert (file.size, file.references, file.index) == (len(PAGES), 1, lowest)
    assert [page.frame for page in file.pages.values()] == [
        lowest + FRAME_SIZE,
        lowest + 2 * FRAME_SIZE,
    ]
    assert file.pages[1].data == PAGES[FRAME_SIZE : 2 * FRAME_SIZE]
    assert after.disks[0].requests - state.disks[0].requests == 8, "7 headers, two pages at once"


def test_the_last_page_ends_with_zeros(state: KernelState) -> None:
    after = performed(state, FileOpen("pages.bin"), FileRead("f0", len(PAGES) - 1, 1))
    assert after.files[0].pages[5].data == PAGES[5 * FRAME_SIZE :].ljust(FRAME_SIZE, b"\0")


def test_adjacent_dirty_pages_are_written_in_one_request(state: KernelState) -> None:
    writes = [FileWrite("f0", page * FRAME_SIZE, b"x") for page in (4, 0, 1)]
    dirty = performed(state, FileOpen("pages.bin"), *writes)
    assert [n for n, page in sorted(dirty.files[0].pages.items()) if page.dirty] == [0, 1, 4]
    assert not dirty.disks[0].written
    clean = performed(dirty, FileSync("f0"))
    assert clean.disks[0].requests - dirty.disks[0].requests == 3, "two runs, and a flush"
    assert not any(page.dirty for page in clean.files[0].pages.values())
    sector = clean.files[0].sector
    assert held(clean.disks[0], sector, 1)[:2] == b"x" + PAGES[1:2]
    assert performed(clean, FileClose("f0")).pmm == state.pmm


def test_without_a_frame_nothing_changes(state: KernelState) -> None:
    none = with_free(state, 0)
    assert perform(none, FileOpen("pages.bin"))[1].status == "no_memory"
    opened = performed(state, FileOpen("pages.bin"))
    for free, status in ((1, "no_memory"), (2, "ok")):
        before = with_free(opened, free)
        after, reply = perform(before, FileRead("f0", FRAME_SIZE - 1, 2))
        assert reply.status == status
        assert reply.ok or after == before


@pytest.mark.parametrize(
    ("field", "number"),
    [
        (b"00000000017\0", 15),
        (b"     17 ", 15),
        (b"17", 15),
        (b"", None),
        (b"\0" * 12, None),
        (b"18 ", None),
        (b"-7 ", None),
        (b"\x80\0\0\0\0\0\0\1", None),
    ],
)
def test_octal_numbers(field: bytes, number: int | None) -> None:
    assert octal(field) == number


@given(st.binary(min_size=512, max_size=512))
def test_what_is_no_header_is_none(data: bytes) -> None:
    assert read_header(data) is None or data[257:262] == b"ustar"


def test_a_long_name_has_a_prefix() -> None:
    name = "a" * 90 + "/" + "b" * 40
    [member] = [read_header(archive({name: b"x"})[512:1024])]
    assert member == (1, True, name.encode())
