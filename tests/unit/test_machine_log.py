"""QEMU's log in a file: it is put aside when it is large, and its end is read across both files."""

from pathlib import Path

from ringbench.machine.log import LARGEST, TAIL, aside, limit, tail


def test_only_a_large_log_is_put_aside(tmp_path: Path) -> None:
    log, reopened = tmp_path / "qemu.log", list[Path]()
    log.write_bytes(bytes(LARGEST))
    limit(log, reopened.append)
    assert (log.exists(), aside(log).exists(), reopened) == (True, False, [])
    log.write_bytes(bytes(LARGEST + 1))
    limit(log, reopened.append)
    assert (log.exists(), aside(log).exists(), reopened) == (False, True, [log])


def test_the_end_is_read_across_both_files(tmp_path: Path) -> None:
    log = tmp_path / "qemu.log"
    aside(log).write_text("a" * TAIL + "b" * 10)
    log.write_text("c" * 20)
    assert tail(log) == "a" * (TAIL - 30) + "b" * 10 + "c" * 20
