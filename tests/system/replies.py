"""The console's replies, as its grammar has them."""

from __future__ import annotations

import re
from typing import Final

LINE_MAX: Final = 255
HEX: Final = r"0x[0-9a-f]+"
STATUSES: Final = (
    "invalid|misaligned|non_canonical|out_of_range|no_memory|no_space|not_allocated|foreign|"
    "mapped|not_mapped|unsupported|denied|guard|double_free|interior|corrupt|not_found|busy|"
    "fault|syntax|too_long"
)
REPLY: Final = re.compile(rf"(?:  .*\n)*(?:(ok)(?: \S+)*|err ({STATUSES}) \S.*)")


def status(reply: str) -> str:
    """Return `ok` or the error's name, of a reply that keeps to the grammar."""
    match = REPLY.fullmatch(reply)
    assert match, reply
    return str(match[1] or match[2])
