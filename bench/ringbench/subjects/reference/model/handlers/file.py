"""Operations on files, performed on a state."""

from typing import Final

from ringbench.subjects.reference.model import file
from ringbench.subjects.reference.model.console import file_number
from ringbench.subjects.reference.model.handlers.outcome import Outcome
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import BYTES_MAX
from ringbench.subjects.reference.vocabulary.handlers import Handlers
from ringbench.subjects.reference.vocabulary.handles import file_handle
from ringbench.subjects.reference.vocabulary.operations.file import (
    FileClose,
    FileEvict,
    FileOpen,
    FileRead,
    FileSync,
    FileWrite,
)
from ringbench.subjects.reference.vocabulary.status import Refused, Status

HANDLERS: Final = Handlers[KernelState, Outcome]()


@HANDLERS.performs(FileOpen)
def _file_open(state: KernelState, op: FileOpen) -> Outcome:
    state, status, number = file.file_open(state, op.name)
    return state, status, () if status else (file_handle(number), state.files[number].size)


@HANDLERS.performs(FileClose)
def _file_close(state: KernelState, op: FileClose) -> Outcome:
    state, status, _ = file.file_close(state, file_number(state, op.file))
    return state, status, ()


@HANDLERS.performs(FileRead)
def _file_read(state: KernelState, op: FileRead) -> Outcome:
    number = file_number(state, op.file)
    if op.length > BYTES_MAX:
        raise Refused(Status.INVALID)
    state, status, data = file.file_read(state, number, op.offset, op.length)
    return state, status, () if status else (data.hex(),)


@HANDLERS.performs(FileWrite)
def _file_write(state: KernelState, op: FileWrite) -> Outcome:
    number = file_number(state, op.file)
    state, status, _ = file.file_write(state, number, op.offset, op.data)
    return state, status, ()


@HANDLERS.performs(FileSync)
def _file_sync(state: KernelState, op: FileSync) -> Outcome:
    state, status, _ = file.file_sync(state, file_number(state, op.file))
    return state, status, ()


@HANDLERS.performs(FileEvict)
def _file_evict(state: KernelState, op: FileEvict) -> Outcome:
    state, status, gone = file.file_evict(state, op.count)
    return state, status, () if status else (gone,)
