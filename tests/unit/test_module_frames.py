"""Where Multiboot modules lie in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbench.errors import ImageError
from ringbench.observe.modules import module_frames


def test_a_module_has_every_frame_that_it_begins(tmp_path: Path) -> None:
    module = tmp_path / "initrd"
    module.write_bytes(bytes(range(256)) * 17)  # 4352 bytes: two frames
    memory = bytearray(8 * 4096)
    memory[3 * 4096 : 3 * 4096 + 4352] = module.read_bytes()
    memory[6 * 4096 : 6 * 4096 + 4096] = module.read_bytes()[:4096]  # a part of one is none
    found = module_frames([(0x100000, memoryview(memory))], [module, module])
    assert found == dict.fromkeys((259, 260), "a part of module initrd")


def test_an_empty_module_has_none(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert not module_frames([(0, memoryview(bytes(4096)))], [tmp_path / "empty"])


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="nothing: cannot be read"):
        module_frames([], [tmp_path / "nothing"])
