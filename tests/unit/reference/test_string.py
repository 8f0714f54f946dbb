"""kernel/base/string.c, compiled for this machine, against Python's own bytes."""

import ctypes

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.reference.host_library import load_library

SPACE = 64


def declared() -> ctypes.CDLL:
    library = load_library()
    for function in (library.memcpy, library.memmove):
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        function.restype = ctypes.c_void_p
    library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    library.memset.restype = ctypes.c_void_p
    library.memcmp.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    library.strlen.argtypes = [ctypes.c_char_p]
    library.strlen.restype = ctypes.c_size_t
    library.strings_equal.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.strings_equal.restype = ctypes.c_bool
    return library


STRING = declared()
PATTERN = bytes(range(1, SPACE + 1))
OFFSET = st.integers(0, SPACE)
TEXT = st.text("ab", max_size=4).map(str.encode)


@settings(deadline=None)
@given(OFFSET, OFFSET, OFFSET)
def test_memmove_of_any_overlap(to: int, start: int, length: int) -> None:
    length = min(length, SPACE - to, SPACE - start)
    buffer = ctypes.create_string_buffer(PATTERN, SPACE)
    address = ctypes.addressof(buffer)
    assert STRING.memmove(address + to, address + start, length) == address + to
    assert buffer.raw == PATTERN[:to] + PATTERN[start : start + length] + PATTERN[to + length :]


@settings(deadline=None)
@given(OFFSET, OFFSET, OFFSET)
def test_memcpy_changes_nothing_around(to: int, start: int, length: int) -> None:
    length = min(length, SPACE - to, SPACE - start)
    source = ctypes.create_string_buffer(PATTERN, SPACE)
    target = ctypes.create_string_buffer(SPACE)
    address = ctypes.addressof(target) + to
    assert STRING.memcpy(address, ctypes.addressof(source) + start, length) == address
    expected = bytes(to) + PATTERN[start : start + length] + bytes(SPACE - to - length)
    assert target.raw == expected


@settings(deadline=None)
@given(OFFSET, st.integers(-256, 511), OFFSET)
def test_memset_changes_nothing_around(to: int, byte: int, length: int) -> None:
    length = min(length, SPACE - to)
    buffer = ctypes.create_string_buffer(PATTERN, SPACE)
    address = ctypes.addressof(buffer) + to
    assert STRING.memset(address, byte, length) == address
    assert buffer.raw == PATTERN[:to] + bytes([byte & 0xFF]) * length + PATTERN[to + length :]


@settings(deadline=None)
@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8), st.integers(0, 8))
def test_memcmp_orders_unsigned_bytes(one: bytes, other: bytes, length: int) -> None:
    a, b = one[:length], other[:length]
    assert STRING.memcmp(one, other, length) == (a > b) - (a < b)


@settings(deadline=None)
@given(TEXT, TEXT)
def test_strings(one: bytes, other: bytes) -> None:
    assert STRING.strlen(one) == len(one)
    assert STRING.strings_equal(one, other) == (one == other)
