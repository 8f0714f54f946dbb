"""The kernel's hardware facts and the bench's, stated apart from each other, are equal."""

import re
import subprocess

import pytest

from ringbench.arch.x86_64 import address, control, entry, features, vectors
from tests.places import KERNEL

HEADER = KERNEL / "base" / "x86.h"
FAMILIES = r"PTE_|PF_|CR0_|CR4_|EFER_|MSR_|RFLAGS_|TABLE_|PAGE_OFFSET|PAGING_|VIRTUAL_|EXCEPTIONS"

BENCH = {
    **{
        f"PTE_{name}": getattr(entry, name)
        for name in ("P", "W", "U", "PWT", "PCD", "A", "D", "PS", "G", "PAT_LARGE", "NX", "ADDRESS")
    },
    "PTE_PAT": entry.PAT_4K,
    **{f"PF_{code.name}": int(code) for code in vectors.PageFaultCode},
    **{f"CR0_{bit.name}": int(bit) for bit in control.Cr0},
    **{f"CR4_{bit.name}": int(bit) for bit in control.Cr4},
    **{f"EFER_{bit.name}": int(bit) for bit in control.Efer},
    **{f"RFLAGS_{bit.name}": int(bit) for bit in control.Rflags},
    "MSR_PAT": control.MSR_PAT,
    "MSR_EFER": control.MSR_EFER,
    "TABLE_ENTRIES": address.ENTRIES,
    "TABLE_INDEX_BITS": address.INDEX_BITS,
    "PAGE_OFFSET_BITS": address.PAGE_SHIFT,
    "PAGING_LEVELS": address.LEVELS,
    "VIRTUAL_BITS": address.VIRTUAL_BITS,
    "EXCEPTIONS": vectors.EXCEPTIONS,
}


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Return every fact of these families in the header, as the C compiler evaluates it."""
    names = re.findall(rf"^#define ((?:{FAMILIES})\w*)\s", HEADER.read_text(), flags=re.MULTILINE)
    pat = [f"PAT_FIELD({n}, PAT_{name})" for n, name in enumerate(("WB", "WT", "UC_MINUS", "UC"))]
    lines = [f'printf("{name} %llu\\n", (unsigned long long)({name}));' for name in names]
    lines.append(f'printf("PAT_LOW %llu\\n", (unsigned long long)({" | ".join(pat)}));')
    folder = tmp_path_factory.mktemp("header")
    text = "\n".join(['#include "base/x86.h"', "#include <stdio.h>", "int main(void) {", *lines])
    (folder / "facts.c").write_text(text + "}\n")
    command = ["gcc", f"-I{KERNEL}", "facts.c", "-o", "facts"]
    subprocess.run(command, cwd=folder, check=True, timeout=30)
    output = subprocess.run(
        [folder / "facts"], check=True, capture_output=True, text=True, timeout=10
    )
    pairs = (line.split() for line in output.stdout.splitlines())
    return {name: int(value) for name, value in pairs}


def test_every_fact_of_the_kernel_is_the_benchs(kernels: dict[str, int]) -> None:
    pat_low = kernels.pop("PAT_LOW")
    assert len(kernels) > 30
    assert kernels == {name: BENCH.get(name) for name in kernels}
    assert pat_low == features.PAT_AT_RESET & 0xFFFF_FFFF
