"""Open files against the model: their records, their indices, every byte of every cached page.

What is clean is compared with the disk as well: the host reads it from the file that QEMU writes.
"""

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.check.comparison import Comparison, hexadecimal
from ringbench.check.mismatch import Finding
from ringbench.subjects.reference.model.disk import PAGE_SECTORS, held
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.handles import file_handle


def compare_file(picture: Picture, state: KernelState) -> Comparison:
    """Compare the records of open files, and where each page is."""
    tally, names = Comparison("file"), picture.layout.files
    tally.equal("open files", sorted(state.files), sorted(picture.files), names.all)
    for number in state.files.keys() & picture.files.keys():
        file, seen, where = state.files[number], picture.files[number], file_handle(number)
        tally.equal("name", file.name, seen.name, where)
        tally.equal("size", file.size, seen.size, where)
        tally.equal("first sector", file.sector, seen.sector, where)
        if file.disk < len(picture.disks):
            tally.equal("disk", picture.disks[file.disk].address, seen.disk, where, hexadecimal)
        tally.equal("references", file.references, seen.references, where)
        tally.equal("index", file.index, seen.index, where, hexadecimal)
        entries = {
            page: it.frame | names.cached | (names.dirty if it.dirty else 0)
            for page, it in file.pages.items()
        }
        for page in sorted(entries.keys() | seen.entries.keys()):
            one, other = entries.get(page, 0), seen.entries.get(page, 0)
            tally.equal("entry of the index", one, other, f"{where}: page {page}", hexadecimal)
    return tally


def compare_cache(memory: PhysicalMemory, state: KernelState) -> Finding:
    """Compare every byte of every page of files that is in memory, and clean ones with the disk.

    Raises:
        MemoryUnreadable: the model believes in a frame that the machine does not have.
    """
    tally = Comparison("file")
    for number, file in state.files.items():
        for page, it in file.pages.items():
            where = f"{file_handle(number)}: page {page} (physical {it.frame:#x})"
            seen = memory.read(it.frame, FRAME_SIZE)
            tally.equal_bytes("contents", it.data, seen, where)
            if not it.dirty:
                disk = state.disks[file.disk]
                on_disk = held(disk, file.sector + page * PAGE_SECTORS, PAGE_SECTORS)
                end = file.size - page * FRAME_SIZE
                tally.equal_bytes("clean page", on_disk[:end], seen[:end], where)
    return tally.done()
