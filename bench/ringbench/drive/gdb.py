"""Operations by calling kernel functions through GDB, with the monitor's replies and refusals.

The guest must be stopped between two commands of the monitor, and awake: a processor that sleeps
in `hlt` executes nothing that gdb sets up. `GdbChannel.at_prompt` brings it there. What cannot be
called sensibly is left to the monitor: `supports` says so. That is `Touch`, which switches roots
under the caller, and `HeapInfo`, which is the monitor's own count.
"""

from collections.abc import Callable
from struct import pack
from typing import Any, Final, Self

from ringbench.drive import operations as ops
from ringbench.drive.channel import Channel
from ringbench.drive.flags import flags_text
from ringbench.drive.gdb_kernel import FRAME_SIZE, PADDR_NONE, SCRATCH_BYTES, GdbKernel, Refused
from ringbench.drive.operations import Operation, Reply
from ringbench.machine import Deadline, Gdb, Machine

_FRAMES_2M: Final = 512
_BIT_63: Final = 1 << 63
_READS_LINE: Final = "line_read"
_MAPPING_FIELDS: Final = ("virtual", "physical", "size")
_HEAP_ALLOC_MAX: Final = 1 << 30
_HEAP_ALIGN_MAX: Final = 2 << 20
_BACKING_WORD: Final = 4
"""Word of the scratch space where a struct vm_backing is put to be passed by value."""


class GdbChannel(Channel):
    """Performs operations in a stopped guest.

    Example:
        GdbChannel.at_prompt(machine).perform(PmmAlloc())
    """

    def __init__(self, gdb: Gdb) -> None:
        self._kernel = GdbKernel(gdb)
        self._gdb = gdb
        self._handlers: dict[type[Operation], Callable[[Any], Reply]] = {
            ops.PmmAlloc: self._pmm_alloc,
            ops.PmmAlloc2m: self._pmm_alloc_2m,
            ops.PmmFree: self._pmm_free,
            ops.PmmInfo: self._pmm_info,
            ops.PageNew: self._page_new,
            ops.PageDelete: self._page_delete,
            ops.PageMap: self._page_map,
            ops.PageUnmap: self._page_unmap,
            ops.PageProtect: self._page_protect,
            ops.PageQuery: self._page_query,
            ops.VmAlloc: self._vm_alloc,
            ops.VmAllocAt: self._vm_alloc_at,
            ops.VmFree: self._vm_free,
            ops.VmProtect: self._vm_protect,
            ops.VmResize: self._vm_resize,
            ops.VmQuery: self._vm_query,
            ops.VmRead: self._vm_read,
            ops.VmWrite: self._vm_write,
            ops.VmCopy: self._vm_copy,
            ops.HeapAlloc: self._heap_alloc,
            ops.HeapZalloc: self._heap_zalloc,
            ops.HeapAlign: self._heap_align,
            ops.HeapRealloc: self._heap_realloc,
            ops.HeapFree: self._heap_free,
            ops.HeapCheck: self._heap_check,
            ops.TaskNew: self._task_new,
            ops.TaskSwitch: self._task_switch,
            ops.TaskDelete: self._task_delete,
        }

    @classmethod
    def at_prompt(cls, machine: Machine) -> Self:
        """Stop the guest where it begins to read a line, and return a channel to it.

        An empty line wakes the kernel, which prints another prompt on its way; after
        `machine.detach_gdb()` it goes on reading as if nothing had been.

        Raises:
            GdbError: gdb refuses or is gone, or the guest did not get there.
            SerialError: the guest does not take the line or prints no prompt.
        """
        gdb = machine.gdb
        gdb.interrupt()
        gdb.break_(_READS_LINE, temporary=True)
        deadline = Deadline(machine.config.deadlines.reply)
        machine.serial.send("", deadline)
        gdb.continue_()
        gdb.wait_stop()
        machine.serial.expect_prompt(deadline)
        return cls(gdb)

    def supports(self, operation: Operation) -> bool:
        """Tell whether this channel performs such an operation."""
        return type(operation) in self._handlers

    def perform(self, operation: Operation) -> Reply:
        """Perform an operation.

        Raises:
            ValueError: not one that `supports` allows.
            GdbError: gdb refuses, is gone, or the call did not return.
        """
        handler = self._handlers.get(type(operation))
        if handler is None:
            raise ValueError(f"{type(operation).__name__} is not for GDB: use the monitor")
        try:
            return handler(operation)
        except Refused as refused:
            return Reply(refused.status)

    def _pmm_alloc(self, op: ops.PmmAlloc) -> Reply:
        if op.count is None:
            return self._lent("pmm_alloc", 1)
        align = FRAME_SIZE if op.align is None else op.align
        return self._lent("pmm_alloc_run", op.count, op.count, align)

    def _pmm_alloc_2m(self, op: ops.PmmAlloc2m) -> Reply:
        return self._lent("pmm_alloc_2m", _FRAMES_2M)

    def _lent(self, function: str, count: int, *arguments: int) -> Reply:
        reply = self._with_result(function, *arguments)
        if reply.ok:
            (base,) = self._kernel.words()
            self._gdb.call("console_lend", base, count)
        return reply

    def _pmm_free(self, op: ops.PmmFree) -> Reply:
        if not self._kernel.may_free(op.paddr, op.count):
            raise Refused("denied")
        status = self._kernel.call("pmm_free", op.paddr, op.count)
        if status == "ok":
            self._gdb.call("console_return", op.paddr, op.count)
        return Reply(status)

    def _pmm_info(self, op: ops.PmmInfo) -> Reply:
        value = self._kernel.value
        return Reply("ok", (value("pmm.managed_count"), value("pmm.free_count")))

    def _page_new(self, op: ops.PageNew) -> Reply:
        number = self._kernel.unused_root()
        reply = self._with_result("paging_root_create")
        if not reply.ok:
            return reply
        (root,) = self._kernel.words()
        self._kernel.assign(f"console.roots[{number}]", root)
        return Reply("ok", (f"r{number}",))

    def _page_delete(self, op: ops.PageDelete) -> Reply:
        status = self._kernel.call("paging_root_destroy", self._kernel.bare_root(op.root))
        if status == "ok":
            self._kernel.assign(f"console.roots[{int(op.root[1:])}]", PADDR_NONE)
        return Reply(status)

    def _page_map(self, op: ops.PageMap) -> Reply:
        root = self._lower_half(op.root, op.vaddr)
        arguments = (root, op.vaddr, op.paddr, op.length, op.page_size, op.flags)
        return Reply(self._kernel.call("paging_map", *arguments))

    def _page_unmap(self, op: ops.PageUnmap) -> Reply:
        root = self._lower_half(op.root, op.vaddr)
        return Reply(self._kernel.call("paging_unmap", root, op.vaddr, op.length))

    def _page_protect(self, op: ops.PageProtect) -> Reply:
        root = self._lower_half(op.root, op.vaddr)
        return Reply(self._kernel.call("paging_protect", root, op.vaddr, op.length, op.flags))

    def _lower_half(self, handle: str, vaddr: int) -> int:
        root = self._kernel.bare_root(handle)
        if vaddr & _BIT_63:
            raise Refused("denied")
        return root

    def _page_query(self, op: ops.PageQuery) -> Reply:
        root = self._kernel.root(op.root)
        status = self._kernel.call("paging_query", root, op.vaddr, self._kernel.scratch)
        if status != "ok":
            return Reply(status)
        mapping = "(*(struct mapping *)debug_scratch)"
        fields = (self._kernel.value(f"{mapping}.{name}") for name in _MAPPING_FIELDS)
        return Reply("ok", (*fields, flags_text(self._kernel.value(f"{mapping}.flags"))))

    def _vm_alloc(self, op: ops.VmAlloc) -> Reply:
        space = self._kernel.space(op.space)
        backing = self._backing(op.kind, op.physical)
        arguments = f"{space:#x}, {op.length:#x}, {op.flags:#x}, {backing}, debug_scratch"
        return self._result(self._vm_status(f"vm_alloc({arguments})"))

    def _vm_alloc_at(self, op: ops.VmAllocAt) -> Reply:
        space = self._kernel.space(op.space)
        backing = self._backing(op.kind, op.physical)
        arguments = f"{space:#x}, {op.vaddr:#x}, {op.length:#x}, {op.flags:#x}, {backing}"
        return Reply(self._vm_status(f"vm_alloc_at({arguments})"))

    def _backing(self, kind: str, physical: int | None) -> str:
        """Put a struct vm_backing into the scratch space; the expression for its value."""
        address = PADDR_NONE if physical is None else physical
        backing = pack("<QQ", self._kernel.value(f"(unsigned)VM_{kind.upper()}"), address)
        self._kernel.write_scratch(bytes(8 * _BACKING_WORD) + backing)
        return f"*(struct vm_backing *)&debug_scratch[{_BACKING_WORD}]"

    def _vm_status(self, call: str) -> str:
        return self._kernel.status(self._kernel.value(call))

    def _vm_free(self, op: ops.VmFree) -> Reply:
        return Reply(self._kernel.call("vm_free", self._kernel.space(op.space), op.vaddr))

    def _vm_protect(self, op: ops.VmProtect) -> Reply:
        space = self._kernel.space(op.space)
        return Reply(self._kernel.call("vm_protect", space, op.vaddr, op.flags))

    def _vm_resize(self, op: ops.VmResize) -> Reply:
        space = self._kernel.space(op.space)
        return Reply(self._kernel.call("vm_resize", space, op.vaddr, op.length))

    def _vm_query(self, op: ops.VmQuery) -> Reply:
        space = self._kernel.space(op.space)
        status = self._kernel.call("vm_query", space, op.vaddr, self._kernel.scratch)
        if status != "ok":
            return Reply(status)
        region = "(*(struct vm_region *)debug_scratch)"
        value = self._kernel.value
        kind = self._kernel.name("vm_kind", value(f"{region}.kind"))
        base, length = value(f"{region}.base"), value(f"{region}.length")
        flags = flags_text(value(f"{region}.flags"))
        physical = (value(f"{region}.physical"),) if kind == "physical" else ()
        return Reply("ok", (base, length, kind, flags, *physical))

    def _vm_read(self, op: ops.VmRead) -> Reply:
        space = self._kernel.space(op.space)
        if not 1 <= op.length <= SCRATCH_BYTES:
            raise Refused("invalid")
        status = self._kernel.call("vm_read", space, op.vaddr, self._kernel.scratch, op.length)
        return Reply(
            status, (self._kernel.read_scratch(op.length).hex(),) if status == "ok" else ()
        )

    def _vm_write(self, op: ops.VmWrite) -> Reply:
        space = self._kernel.space(op.space)
        self._kernel.write_scratch(op.data)
        arguments = (space, op.vaddr, self._kernel.scratch, len(op.data))
        return Reply(self._kernel.call("vm_write", *arguments))

    def _vm_copy(self, op: ops.VmCopy) -> Reply:
        to, source = self._kernel.space(op.to), self._kernel.space(op.source)
        arguments = (to, op.to_vaddr, source, op.source_vaddr, op.length)
        return Reply(self._kernel.call("vm_copy", *arguments))

    def _heap_alloc(self, op: ops.HeapAlloc) -> Reply:
        self._check_size(op.size)
        return _pointer(self._gdb.call("kmalloc", op.size))

    def _heap_zalloc(self, op: ops.HeapZalloc) -> Reply:
        self._check_size(op.size)
        return _pointer(self._gdb.call("kzalloc", op.size))

    def _heap_align(self, op: ops.HeapAlign) -> Reply:
        if op.align <= 0 or op.align & (op.align - 1) or op.align > _HEAP_ALIGN_MAX:
            raise Refused("invalid")
        self._check_size(op.size)
        return _pointer(self._gdb.call("kmemalign", op.align, op.size))

    def _check_size(self, size: int) -> None:
        if not 0 < size <= _HEAP_ALLOC_MAX:
            raise Refused("invalid")

    def _heap_realloc(self, op: ops.HeapRealloc) -> Reply:
        if op.vaddr in self._kernel.records():
            raise Refused("denied")
        self._kernel.write_scratch(pack("<Q", op.vaddr))
        return self._result(self._kernel.call("krealloc", self._kernel.scratch, op.size))

    def _heap_free(self, op: ops.HeapFree) -> Reply:
        if op.vaddr in self._kernel.records():
            raise Refused("denied")
        return Reply(self._kernel.call("kfree", op.vaddr))

    def _heap_check(self, op: ops.HeapCheck) -> Reply:
        status = self._kernel.call("heap_check", self._kernel.scratch)
        return Reply(status, () if status == "ok" else self._kernel.words())

    def _task_new(self, op: ops.TaskNew) -> Reply:
        reply = self._with_result("task_create")
        return Reply("ok", (f"t{reply.values[0]}",)) if reply.ok else reply

    def _task_switch(self, op: ops.TaskSwitch) -> Reply:
        status = self._kernel.call("task_switch", int(op.task[1:]))
        if status == "ok":
            # gdb puts back every register after a call, CR3 too: the new root is loaded again.
            self._kernel.assign("$cr3", self._kernel.root(op.task))
        return Reply(status)

    def _task_delete(self, op: ops.TaskDelete) -> Reply:
        return Reply(self._kernel.call("task_destroy", int(op.task[1:])))

    def _with_result(self, function: str, *arguments: int) -> Reply:
        """Call a function whose last argument points to its result."""
        return self._result(self._kernel.call(function, *arguments, self._kernel.scratch))

    def _result(self, status: str) -> Reply:
        return Reply(status, self._kernel.words() if status == "ok" else ())


def _pointer(address: int) -> Reply:
    return Reply("ok", (address,)) if address else Reply("no_memory")
