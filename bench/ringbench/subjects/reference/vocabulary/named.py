"""Enumerations of the kernel's whose members have a name at its console."""

from enum import IntEnum
from functools import cached_property
from typing import Self


class Named(IntEnum):
    """An enumeration of C; the console writes its members in lower case: `no_memory`."""

    @cached_property
    def text(self) -> str:
        """The member as the console writes it."""
        return self.name.lower()

    @classmethod
    def texts(cls) -> tuple[str, ...]:
        """Return all members as the console writes them, in the order of the enumeration."""
        return tuple(member.text for member in cls)

    @classmethod
    def named(cls, text: str) -> Self:
        """Return the member that the console writes so.

        Raises:
            KeyError: there is none.
        """
        return cls[text.upper()]
