"""How a run ended, from facts alone."""

import pytest

from ringbench.ending import EndKind
from ringbench.machine.qmp import Event
from ringbench.machine.triage import Facts, classify


def shutdown(reason: str) -> tuple[Event, ...]:
    return (Event("RESUME", {}, 0.0), Event("SHUTDOWN", {"guest": True, "reason": reason}, 1.0))


def kind(facts: Facts) -> EndKind | None:
    ending = classify(facts)
    return ending.kind if ending else None


def test_a_run_that_goes_on() -> None:
    assert classify(Facts()) is None
    assert classify(Facts(events=(Event("STOP", {}, 0.0),))) is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(events=shutdown("guest-shutdown")), EndKind.FINISHED),
        (Facts(events=shutdown("guest-reset")), EndKind.RESET),
        (Facts(events=shutdown("guest-reset"), triple_fault_logged=True), EndKind.TRIPLE_FAULT),
        (Facts(events=shutdown("guest-panic")), EndKind.KERNEL_PANIC),
        (Facts(events=(Event("GUEST_PANICKED", {}, 0.0),)), EndKind.KERNEL_PANIC),
        (Facts(events=shutdown("host-signal")), EndKind.QEMU_DIED),
        (Facts(exit_status=0), EndKind.QEMU_DIED),
        (Facts(exit_status=1), EndKind.QEMU_DIED),
        (Facts(exit_status=-9), EndKind.QEMU_DIED),
        (Facts(exit_status=7, has_exit_device=True), EndKind.FINISHED),
        (Facts(exit_status=-9, has_exit_device=True), EndKind.QEMU_DIED),
        (Facts(gdb_gone="killed"), EndKind.GDB_DIED),
        (Facts(overdue="no prompt"), EndKind.HANG),
        (Facts(halted="all"), EndKind.HALTED),
        (Facts(halted="all", overdue="no prompt"), EndKind.HALTED),
        (Facts(halted="all", events=shutdown("guest-reset")), EndKind.RESET),
        (Facts(overdue="no prompt", exit_status=-11), EndKind.QEMU_DIED),
        (Facts(overdue="no prompt", events=shutdown("guest-reset")), EndKind.RESET),
    ],
)
def test_each_ending(facts: Facts, expected: EndKind) -> None:
    assert kind(facts) is expected


@pytest.mark.parametrize(
    ("opening", "expected"),
    [("panic", EndKind.KERNEL_PANIC), ("exception", EndKind.EXCEPTION)],
)
def test_the_kernels_own_words_come_first(opening: str, expected: EndKind) -> None:
    block = ("!! it is over", "  rip 0x10", "!! end")
    facts = Facts(
        opening=opening,
        block=block,
        events=shutdown("guest-reset"),
        triple_fault_logged=True,
        exit_status=-9,
        overdue="no prompt",
    )
    ending = classify(facts)
    assert ending is not None
    assert ending.kind is expected
    assert ending.block == block
    assert "!! it is over" in ending.message


def test_messages_say_how() -> None:
    died = classify(Facts(exit_status=-11))
    finished = classify(Facts(exit_status=7, has_exit_device=True))
    assert died is not None
    assert died.message == "QEMU died: killed by SIGSEGV"
    assert finished is not None
    assert finished.message.endswith("with value 3")
