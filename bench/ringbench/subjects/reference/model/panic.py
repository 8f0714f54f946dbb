"""How the kernel stops where its contract says that it must."""

from __future__ import annotations


class Panic(Exception):
    """The kernel panics; `words` are what its message says behind file and line."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words
