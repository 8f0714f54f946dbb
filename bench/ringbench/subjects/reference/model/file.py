"""Files: members of the USTAR archive on the disk `data`, and their pages in memory."""

from collections.abc import Iterator, Mapping
from typing import Final

from ringbench.subjects.reference.model import pmm as frames
from ringbench.subjects.reference.model.disk import (
    PAGE_SECTORS,
    disk_find,
    disk_flush,
    disk_read,
    disk_write,
)
from ringbench.subjects.reference.model.state import CachedPage, File, KernelState, replace
from ringbench.subjects.reference.vocabulary.constants import (
    FILE_PAGES_MAX,
    FILES_MAX,
    FRAME_SIZE,
    SECTOR_SIZE,
    VIRTIO_BLK_FRAMES,
)
from ringbench.subjects.reference.vocabulary.status import Status

ARCHIVE_DISK: Final = "data"
REGULAR: Final = (b"0", b"\0", b"7")
_CHECKSUM: Final = slice(148, 156)


def file_open(state: KernelState, name: str) -> tuple[KernelState, Status, int]:
    """Open a member of the archive; its number."""
    _, status, disk = disk_find(state, ARCHIVE_DISK)
    if status:
        return state, Status.NOT_FOUND, 0
    for number, file in state.files.items():
        if file.name == name:
            again = replace(file, references=file.references + 1)
            return with_file(state, number, again), Status.OK, number
    number = next((n for n in range(FILES_MAX) if n not in state.files), FILES_MAX)
    if number == FILES_MAX:
        return state, Status.NO_SPACE, 0
    if not state.pmm.free_count:
        return state, Status.NO_MEMORY, 0
    index = state.pmm.free.edges[0] * FRAME_SIZE
    state, status, place = archive_find(state, disk, name)
    if status is Status.OK and place[1] > FILE_PAGES_MAX * FRAME_SIZE:
        status = Status.OUT_OF_RANGE
    if status:
        return state, status, 0
    pmm, _, _ = frames.pmm_alloc_run(state.pmm, 1, FRAME_SIZE)
    file = File(name, *place, disk, index)
    return with_file(replace(state, pmm=pmm), number, file), Status.OK, number


def archive_find(
    state: KernelState, disk: int, name: str
) -> tuple[KernelState, Status, tuple[int, int]]:
    """Look through an archive for a regular member: its first sector and its bytes."""
    found, at, sectors = (0, 0), 0, state.disks[disk].sectors
    while at < sectors:
        state, status, header = disk_read(state, disk, at, 1)
        if status:
            return state, status, found
        if not any(header):
            missing = Status.NOT_FOUND if at else Status.CORRUPT
            return state, Status.OK if found[0] else missing, found
        member = read_header(header)
        if member is None:
            break
        size, regular, called = member
        length = -(-size // SECTOR_SIZE)
        if length > sectors - at - 1:
            break
        if regular and called == name.encode():
            if found[0]:
                break
            found = at + 1, size
        at += 1 + length
    return state, Status.CORRUPT, found


def read_header(header: bytes) -> tuple[int, bool, bytes] | None:
    """Return a member's size, whether it is a regular file, and its name; None: no header."""
    total = sum(header) - sum(header[_CHECKSUM]) + len(header[_CHECKSUM]) * ord(" ")
    size, checksum = octal(header[124:136]), octal(header[_CHECKSUM])
    if header[257:262] != b"ustar" or checksum != total or size is None:
        return None
    name, prefix = (text.split(b"\0", 1)[0] for text in (header[:100], header[345:500]))
    return size, header[156:157] in REGULAR, prefix + b"/" + name if prefix else name


def octal(field: bytes) -> int | None:
    """Return an octal number that a space or a NUL ends, or its field; None: it is none."""
    text = field.lstrip(b" ")
    digits = text[: len(text) - len(text.lstrip(b"01234567"))]
    after = text[len(digits) : len(digits) + 1]
    return int(digits, 8) if digits and after in (b"", b" ", b"\0") else None


def file_close(state: KernelState, number: int) -> tuple[KernelState, Status, None]:
    """Close a file once; the last time, write what is dirty and give the frames back."""
    file = state.files[number]
    if file.references > 1:
        fewer = replace(file, references=file.references - 1)
        return with_file(state, number, fewer), Status.OK, None
    state, status, _ = file_sync(state, number)
    if status:
        return state, status, None
    for page in state.files[number].pages.values():
        state = _give(state, page.frame)
    state = _give(state, file.index)
    rest = {n: each for n, each in state.files.items() if n != number}
    return replace(state, files=rest), Status.OK, None


def file_read(
    state: KernelState, number: int, offset: int, length: int
) -> tuple[KernelState, Status, bytes]:
    """Read bytes of a file."""
    state, status = _prepare(state, number, offset, length)
    if status:
        return state, status, b""
    pages = state.files[number].pages
    first, end = offset // FRAME_SIZE, -(-(offset + length) // FRAME_SIZE)
    data = b"".join(pages[page].data for page in range(first, end))
    return state, status, data[offset - first * FRAME_SIZE :][:length]


def file_write(
    state: KernelState, number: int, offset: int, data: bytes
) -> tuple[KernelState, Status, None]:
    """Write bytes of a file; its pages are dirty then."""
    state, status = _prepare(state, number, offset, len(data), write=True)
    if status:
        return state, status, None
    file = state.files[number]
    pages = dict(file.pages)
    for page in range(offset // FRAME_SIZE, -(-(offset + len(data)) // FRAME_SIZE)):
        at = page * FRAME_SIZE
        low, high = max(offset, at), min(offset + len(data), at + FRAME_SIZE)
        before = pages[page].data
        new = before[: low - at] + data[low - offset : high - offset] + before[high - at :]
        pages[page] = CachedPage(pages[page].frame, True, new)
    return with_file(state, number, replace(file, pages=pages)), status, None


def file_sync(state: KernelState, number: int) -> tuple[KernelState, Status, None]:
    """Write the dirty pages of a file, adjacent ones in one request, then flush the disk."""
    file = state.files[number]
    dirty = [page for page in sorted(file.pages) if file.pages[page].dirty]
    for first, count in _runs(dirty):
        file = state.files[number]
        data = b"".join(file.pages[page].data for page in range(first, first + count))
        sector, sectors = _place(file, first, count)
        state, status, _ = disk_write(state, file.disk, sector, data[: sectors * SECTOR_SIZE])
        if status:
            return state, status, None
        clean = {n: file.pages[n]._replace(dirty=False) for n in range(first, first + count)}
        state = with_file(state, number, replace(file, pages={**file.pages, **clean}))
    return disk_flush(state, file.disk)


def file_evict(state: KernelState, count: int) -> tuple[KernelState, Status, int]:
    """Put pages out of memory, the lowest of the first file first; how many went."""
    gone = 0
    for number in sorted(state.files):
        for page in sorted(state.files[number].pages):
            if gone >= count:
                break
            if state.files[number].pages[page].dirty:
                state, status, _ = file_sync(state, number)
                if status:
                    return state, status, gone
            file = state.files[number]
            state = _give(state, file.pages[page].frame)
            rest = {n: each for n, each in file.pages.items() if n != page}
            state = with_file(state, number, replace(file, pages=rest))
            gone += 1
    return state, Status.OK, gone


def with_file(state: KernelState, number: int, file: File) -> KernelState:
    """Return the state with another state of one file, or with a new one."""
    return replace(state, files={**state.files, number: file})


def _prepare(
    state: KernelState, number: int, offset: int, length: int, *, write: bool = False
) -> tuple[KernelState, Status]:
    """Have the pages of a range of bytes in memory."""
    file = state.files[number]
    if length == 0:
        return state, Status.INVALID
    if offset + length > file.size:
        return state, Status.OUT_OF_RANGE
    if write and state.disks[file.disk].read_only:
        return state, Status.DENIED
    pages = range(offset // FRAME_SIZE, -(-(offset + length) // FRAME_SIZE))
    missing = [page for page in pages if page not in file.pages]
    if state.pmm.free_count < len(missing):
        return state, Status.NO_MEMORY
    new: dict[int, CachedPage] = {}
    pmm = state.pmm
    for page in missing:
        pmm, _, frame = frames.pmm_alloc_run(pmm, 1, FRAME_SIZE)
        new[page] = CachedPage(frame, False, b"")
    for first, count in _runs(missing):
        sector, sectors = _place(file, first, count)
        state, status, data = disk_read(state, file.disk, sector, sectors)
        if status:
            return state, status
        data = data[: file.size - first * FRAME_SIZE].ljust(count * FRAME_SIZE, b"\0")
        for n in range(count):
            part = data[n * FRAME_SIZE : (n + 1) * FRAME_SIZE]
            new[first + n] = new[first + n]._replace(data=part)
    if not new:
        return state, Status.OK
    there: Mapping[int, CachedPage] = {**file.pages, **new}
    return with_file(replace(state, pmm=pmm), number, replace(file, pages=there)), Status.OK


def _place(file: File, first: int, count: int) -> tuple[int, int]:
    """Return where on the disk adjacent pages of a file are, and how many sectors they have."""
    left = -(-file.size // SECTOR_SIZE) - first * PAGE_SECTORS
    return file.sector + first * PAGE_SECTORS, min(count * PAGE_SECTORS, left)


def _runs(pages: list[int]) -> Iterator[tuple[int, int]]:
    """Yield ascending pages as runs that one request each takes: first and count."""
    first, count = 0, 0
    for page in pages:
        if count and page == first + count and count < VIRTIO_BLK_FRAMES:
            count += 1
            continue
        if count:
            yield first, count
        first, count = page, 1
    if count:
        yield first, count


def _give(state: KernelState, frame: int) -> KernelState:
    pmm, _, _ = frames.pmm_free(state.pmm, frame, 1)
    return replace(state, pmm=pmm)
