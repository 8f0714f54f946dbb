"""Tasks in the model: ids, records, what is refused."""

from __future__ import annotations

from ringbench.subjects.reference.model.state import replace
from ringbench.subjects.reference.model.task import task_create, task_destroy
from ringbench.subjects.reference.vocabulary.status import Status
from tests.unit.reference.booted import booted


def test_tasks_come_and_go() -> None:
    begin = booted()
    state, _, number = task_create(begin)
    assert number == 1
    (slab,) = state.caches["task"].slabs
    assert state.tasks[1].record == state.caches["task"].address(slab, 0)
    state, _, _ = task_create(state)
    state, status, _ = task_destroy(state, 1)
    assert status is Status.OK
    state, _, number = task_create(state)
    assert number == 1, "the lowest unused id"
    assert [task.id for task in state.tasks] == [0, 1, 2]
    for number, status in ((7, Status.NOT_FOUND), (0, Status.DENIED)):
        assert task_destroy(state, number)[:2] == (state, status)
    busy = replace(state, current_task=2)
    assert task_destroy(busy, 2)[:2] == (busy, Status.BUSY)
    for number in (1, 2):
        state, _, _ = task_destroy(state, number)
    assert state == begin
