"""What is said to whoever has not said how a kernel talks."""

import pytest

from ringbench.machine.advice import prompt_like


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("> ", "> "),
        ("heap... ok sh$ ", "sh$ "),
        ("root@box:~# ", "root@box:~# "),
        ("login: ", "login: "),
        ("] ", "] "),
        ("[kernel] ", "[kernel] "),
        ("[ok]", None),
        ("done", None),
        ("", None),
    ],
)
def test_what_looks_like_a_prompt(line: str, prompt: str | None) -> None:
    assert prompt_like(line) == prompt
