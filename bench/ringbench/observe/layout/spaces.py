"""The address spaces and tasks of a kernel that `[layout.spaces]` and `[layout.tasks]` describe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringbench.arch.x86_64.address import ADDRESS_END
from ringbench.arch.x86_64.walk import root_table
from ringbench.config.layout import Layout, SpacesLayout, TasksLayout
from ringbench.debuginfo.dwarf import Pointer, Struct, Type
from ringbench.observe.layout.fields import Fields, Names, Row
from ringbench.observe.layout.list import rows
from ringbench.observe.notebook import TASK
from ringbench.observe.reader import UNREADABLE

LAYER = "spaces"
NOWHERE = (1 << 64) - 1
"""What `physical` says of a region whose pages may be anywhere."""


@dataclass(frozen=True, slots=True)
class SeenRegion:
    """A region of virtual memory; what is None is not told.

    Attributes:
        address: where its record is.
        base, end: its range, `end` excluded.
        physical: what `base` is mapped to, where that is fixed.
        filled: whether all of its pages must be mapped.
        guard: whether none must be.
    """

    address: int
    base: int
    end: int
    write: bool | None
    user: bool | None
    execute: bool | None
    physical: int | None
    filled: bool
    guard: bool
    previous: int | None


@dataclass(frozen=True, slots=True)
class SeenSpace:
    """A space: its root table's physical address, its regions, and the kernel's count of them."""

    name: str
    root: int
    regions: tuple[SeenRegion, ...]
    count: int | None


@dataclass(frozen=True, slots=True)
class SeenTask:
    """A task: its number, where its record is, and its space, if it has one of its own."""

    id: int
    address: int
    space: SeenSpace | None


@dataclass(frozen=True, slots=True)
class SeenTasks:
    """All tasks in the order of their list, and the number of the one that runs, if told."""

    all: tuple[SeenTask, ...]
    current: int | None


def read_spaces(names: Names, layout: Layout) -> tuple[SeenSpace | None, SeenTasks | None]:
    """Read the kernel's own space and all tasks, each as far as the layout tells of it.

    Raises:
        ConfigError: a name that does not exist.
    """
    reader = _Spaces(names, layout.spaces)
    kernel = reader.kernel()
    tasks = None if layout.tasks is None else reader.tasks(layout.tasks)
    return kernel, tasks


class _Spaces:
    def __init__(self, names: Names, layout: SpacesLayout | None) -> None:
        self._names = names
        self._layout = layout
        self._structs: dict[int, Fields] = {}
        self._regions: Fields | None = None

    def kernel(self) -> SeenSpace | None:
        """Return the kernel's space; None if nothing tells where it is."""
        names, layout = self._names, self._layout
        if layout is None:
            return None
        if layout.kernel is not None:
            place = names.place("layout.spaces.kernel", layout.kernel)
            return self.space("kernel", place.value, place.type, "layout.spaces.kernel")
        if layout.regions is not None:
            key = "layout.spaces.regions"
            first, struct = names.first(key, layout.regions, layout.region, "layout.spaces.region")
            return self._with("kernel", first, struct, None, None)
        return None

    def space(self, name: str, address: int, type_: Type | None, key: str) -> SeenSpace:
        """Return the space whose struct is at an address."""
        layout = self._layout
        struct = type_.target if isinstance(type_, Pointer) else type_
        if layout is None or not isinstance(struct, Struct):
            raise self._names.wrong(key, "leads to no struct of a space", "", ())
        fields = self._of_space(struct)
        try:
            row = fields.row(address)
        except UNREADABLE:
            self._names.guest.note(LAYER, f"the space at {address:#x} is no memory", name)
            return SeenSpace(name, 0, (), None)
        if "first" not in fields:
            raise self._names.wrong("layout.spaces.first", "missing: a space has a list", "", ())
        region = self._region_type(fields)
        return self._with(name, row["first"], region, row.get("root"), row.get("count"))

    def tasks(self, layout: TasksLayout) -> SeenTasks:
        """Return the tasks, each with its space."""
        names, keys = self._names, ("next", "id", "space", "root", "regions")
        first, struct = names.first(
            "layout.tasks.first", layout.first, layout.task, "layout.tasks.task"
        )
        fields = names.fields(struct, "layout.tasks.", {k: getattr(layout, k) for k in keys})
        found = []
        for place, row in enumerate(rows(names.guest, LAYER, fields, first, "task", cost=TASK)):
            number = row.get("id", place)
            assert number is not None
            found.append(SeenTask(number, row.address, self._of_task(f"t{number}", row)))
        current = None
        if layout.current is not None:
            address = names.number("layout.tasks.current", layout.current)
            current = next((task.id for task in found if task.address == address), None)
            if current is None:
                what = f"the current task is {address:#x}, which is no task of the list"
                names.guest.note(LAYER, what, layout.current)
        return SeenTasks(tuple(found), current)

    def _of_task(self, name: str, row: Row) -> SeenSpace | None:
        fields = row.fields
        if "space" in fields:
            address = row["space"]
            type_ = fields.type_of("space")
            return self.space(name, address, type_, "layout.tasks.space") if address else None
        root, first = row.get("root"), row.get("regions")
        if root is None and first is None:
            return None
        type_ = fields.type_of("regions") if first is not None else None
        return self._with(name, first or 0, self._pointed(type_), root, None)

    def _of_space(self, struct: Struct) -> Fields:
        layout = self._layout
        assert layout is not None
        if id(struct) not in self._structs:
            texts = {key: getattr(layout, key) for key in ("first", "root", "count")}
            self._structs[id(struct)] = self._names.fields(struct, "layout.spaces.", texts)
        return self._structs[id(struct)]

    def _region_type(self, fields: Fields) -> Struct | None:
        return self._pointed(fields.type_of("first"))

    def _pointed(self, type_: Type | None) -> Struct | None:
        struct = type_.target if isinstance(type_, Pointer) else type_
        return struct if isinstance(struct, Struct) else None

    def _with(
        self, name: str, first: int, struct: Struct | None, root: int | None, count: int | None
    ) -> SeenSpace:
        """Return a space by its first region, of a type unless the layout says another."""
        guest, layout = self._names.guest, self._layout
        regions: tuple[SeenRegion, ...] = ()
        if first and layout is not None:
            if self._regions is None:
                self._regions = self._bound(layout, struct)
            every = rows(guest, LAYER, self._regions, first, f"region of {name}")
            regions = tuple(_region(row) for row in every)
        return SeenSpace(name, self._root(name, root), regions, count)

    def _root(self, name: str, root: int | None) -> int:
        """Return a root table's physical address, of what the kernel keeps: that, or a virtual."""
        guest = self._names.guest
        if not root:
            return root_table(guest.root, guest.features)
        if root >= ADDRESS_END // 2 or root >> guest.features.physical_bits:
            paddr = guest.paddr_of(root)
            if paddr is None:
                guest.note(LAYER, f"the root {root:#x} is no memory", name)
                return root_table(guest.root, guest.features)
            root = paddr
        return root_table(root, guest.features)

    def _bound(self, layout: SpacesLayout, struct: Struct | None) -> Fields:
        if layout.region is not None:
            struct = self._names.struct("layout.spaces.region", layout.region)
        if struct is None:
            raise self._names.wrong(
                "layout.spaces.region", "missing: no pointer says the type of a region", "", ()
            )
        keys = ("base", "next", "length", "end", "previous", "write", "user", "execute")
        more = ("physical", "filled", "guard")
        texts = {key: getattr(layout, key) for key in (*keys, *more)}
        return self._names.fields(struct, "layout.spaces.", texts)


def _region(row: Row) -> SeenRegion:
    base, end, physical = row["base"], row.get("end"), row.get("physical")
    return SeenRegion(
        address=row.address,
        base=base,
        end=end if end is not None else base + row["length"],
        write=_flag(row, "write"),
        user=_flag(row, "user"),
        execute=_flag(row, "execute"),
        physical=physical if physical != NOWHERE else None,
        filled=bool(row.get("filled", 0)),
        guard=bool(row.get("guard", 0)),
        previous=row.get("previous"),
    )


def _flag(row: Row, key: str) -> bool | None:
    value = row.get(key)
    return None if value is None else value != 0


def all_spaces(kernel: SeenSpace | None, tasks: SeenTasks | None) -> Iterator[SeenSpace]:
    """Yield every space: the kernel's, and those of tasks."""
    if kernel is not None:
        yield kernel
    for task in tasks.all if tasks is not None else ():
        if task.space is not None:
            yield task.space
