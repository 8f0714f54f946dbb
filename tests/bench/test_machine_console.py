"""The console of a real guest: replies long and short, echo, and what the kernel gets."""

from collections.abc import Callable

import pytest

from ringbench.config import Config
from ringbench.machine import Machine

KernelConfigs = Callable[..., Config]


def test_conversation(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo")) as machine:
        assert machine.boot_text == "echo: up"
        assert machine.command("hello there") == "said hello there"
        assert machine.command("two") == "one\ntwo"
        assert machine.command("") == ""
        assert machine.command("x ring> ") == "said x ring> "
        with pytest.raises(ValueError, match="could not be told from the prompt"):
            machine.command("ring> x")
        assert machine.command("tick") == "ok"


def test_long_reply_with_the_prompts_text_inside(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo")) as machine:
        line = "0123456789 ring> 0123456789"
        assert machine.command("long") == "\n".join([line] * 2000)


def test_console_without_echo(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo")) as machine:
        assert machine.command("mute") == "ok"
        assert machine.command("tick") == "ok"
        assert machine.command("") == ""
        assert machine.command("two") == "one\ntwo"


def test_other_line_end(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo", {"kernel.line_end": "\r"})) as machine:
        assert machine.command("hello") == "said hello"


def test_many_commands(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo")) as machine:
        for number in range(200):
            assert machine.command(f"n{number}") == f"said n{number}"


def test_other_cpu_and_extra_arguments(kernels: KernelConfigs) -> None:
    changes = {"machine.cpu": "qemu64,-pdpe1gb", "machine.arguments": ["-smp", "2"]}
    with Machine.start(kernels("echo", changes)) as machine:
        assert machine.command("tick") == "ok"
        assert len(machine.qmp.command("query-cpus-fast")) == 2
