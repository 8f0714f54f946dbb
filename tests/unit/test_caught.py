"""What makes two failures one."""

from ringbench.check.mismatch import Mismatch
from ringbench.engine.caught import Caught


def reply_key(line: str, expected: str, seen: str, number: int = 7) -> str:
    where = f"operation {number}: {line}"
    return Caught("hunt", number, (Mismatch("pmm", "reply", expected, seen, where),)).key


def test_the_same_failure_at_another_place_has_the_same_key() -> None:
    first = reply_key("pmm free 0x1000 2", "not_allocated", "ok")
    assert first == reply_key("pmm free 0x5000 1", "not_allocated", "ok", 9)
    assert first != reply_key("pmm free 0x1000 2", "foreign", "ok")
    assert first != reply_key("pmm alloc 2", "not_allocated", "ok")
    values = reply_key("pmm alloc 2", "ok 0x1000", "ok 0x2000")
    assert values == reply_key("pmm alloc2m", "ok 0x200000", "ok 0x2000")
    assert values != reply_key("pmm alloc 2", "ok 0x1000", "no_memory")
