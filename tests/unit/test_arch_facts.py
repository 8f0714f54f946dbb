import pytest

from ringbench.arch.x86_64.control import Cr0, Cr4, Efer, PagingMode, Rflags, paging_mode
from ringbench.arch.x86_64.vectors import (
    EXCEPTIONS,
    PUSHES_ERROR_CODE,
    PageFaultCode,
    describe_page_fault,
    vector_name,
)


def test_exceptions_that_push_an_error_code() -> None:
    assert {int(v) for v in PUSHES_ERROR_CODE} == {8, 10, 11, 12, 13, 14, 17, 21, 29, 30}


def test_vector_names() -> None:
    assert vector_name(14) == "#PF page fault"
    assert vector_name(0) == "#DE divide error"
    assert vector_name(15) == "#15 reserved"
    assert len({vector_name(v) for v in range(EXCEPTIONS)}) == EXCEPTIONS
    with pytest.raises(ValueError, match="32"):
        vector_name(32)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "read by supervisor, not present"),
        (3, "write by supervisor, protection violation"),
        (6, "write by user, not present"),
        (9, "read by supervisor, reserved bit set"),
        (21, "execute by user, protection violation"),
        (0x27, "write by user, protection violation (PK)"),
    ],
)
def test_page_fault_codes_in_words(code: int, text: str) -> None:
    assert describe_page_fault(code) == text


def test_registers_print_as_names() -> None:
    assert str(Cr4(0xA0)) == "PAE|PGE"
    assert str(Efer(0xD00)) == "LME|LMA|NXE"
    assert str(Cr0(0x8001_0011)) == "PE|ET|WP|PG"
    assert str(PageFaultCode(0)) == "0"
    assert str(Cr4(1 << 40 | 1 << 5)) == "PAE|0x10000000000"


@pytest.mark.parametrize(
    ("flag", "bit"),
    [
        (Cr0.WP, 16),
        (Cr0.PG, 31),
        (Cr4.PGE, 7),
        (Cr4.LA57, 12),
        (Cr4.SMEP, 20),
        (Cr4.SMAP, 21),
        (Efer.NXE, 11),
        (Efer.LME, 8),
        (Efer.LMA, 10),
        (Rflags.IF, 9),
        (Rflags.AC, 18),
    ],
)
def test_bits_that_decide_about_memory(flag: int, bit: int) -> None:
    assert flag == 1 << bit


def test_paging_mode() -> None:
    on = (Cr0.PG | Cr0.PE, Cr4.PAE, Efer.LME | Efer.LMA)
    assert paging_mode(*on) is PagingMode.FOUR_LEVEL
    assert paging_mode(on[0], Cr4.PAE | Cr4.LA57, on[2]) is PagingMode.FIVE_LEVEL
    assert paging_mode(on[0], on[1], 0) is PagingMode.PAE
    assert paging_mode(on[0], 0, 0) is PagingMode.BITS_32
    assert paging_mode(Cr0.PE, on[1], on[2]) is PagingMode.NONE
    assert [mode.levels for mode in PagingMode] == [None, None, None, 4, 5]
