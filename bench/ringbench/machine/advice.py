"""What to write into the configuration when a boot that waited has waited in vain."""

from __future__ import annotations

import re

from ringbench.config import KernelConfig
from ringbench.machine.serial import Serial

_PROMPT_LIKE = re.compile(r"[\w:@/~.\[\]()-]*[>$#%:] ?\Z")


def boot_advice(kernel: KernelConfig, serial: Serial) -> str:
    """Return the end of the message: what was awaited, what could be a prompt, who else spoke."""
    awaited = kernel.awaited
    if awaited.kind == "prompt":
        shown = f"kernel.prompt = {kernel.prompt!r}"
        if kernel.prompt is None:
            shown = f"kernel.prompt_pattern = {kernel.prompt_pattern!r}"
    else:
        shown = f"kernel.ready = {awaited.kind!r}"
        if awaited.value:
            shown = f"kernel.ready = {{{awaited.kind} = {awaited.value!r}}}"
    advice = [f"what was awaited is {shown}"]
    if awaited.kind == "prompt":
        advice += _other_prompts(kernel, serial)
    return "".join(f"; {part}" for part in advice)


def _other_prompts(kernel: KernelConfig, serial: Serial) -> list[str]:
    said = serial.output.tail(1)
    if found := _PROMPT_LIKE.search(said):
        return [f"if its prompt is {found[0]!r}, say so there"]
    if said.strip():
        return []
    for output in serial.outputs.spoke():
        last = output.tail(1) or output.tail(2).strip("\n")
        if output is not serial.output and last.strip():
            return [
                f"{output.name} says {last[-60:]!r}: if that is the console, set "
                f'kernel.console = "{output.name}"'
            ]
    return []
