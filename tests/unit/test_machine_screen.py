"""The VGA screen as a stream of text: what is new on it, from one look to the next."""

from ringbench.machine.screen import COLUMNS, ROWS, difference, rows_of

GREETING = "SeaBIOS (version 1.16.2-debian-1.16.2-1)"


def cells(*rows: str, attribute: int = 7) -> bytes:
    """A screen with these rows, each character in a colour."""
    text = "".join(row.ljust(COLUMNS) for row in rows).ljust(COLUMNS * ROWS)
    return b"".join(bytes((code, attribute)) for code in text.encode("cp437"))


def test_rows_have_no_blanks_at_their_ends_and_no_colours() -> None:
    for attribute in (0x07, 0x1F, 0x00):
        assert rows_of(cells("a b  ", "", "é║", attribute=attribute)) == ("a b", "", "é║")
    assert rows_of(bytes(2 * COLUMNS * ROWS)) == ()


def test_a_picture_is_no_text() -> None:
    assert rows_of(bytes((3, 7)) * (COLUMNS * ROWS)) is None


def test_what_the_firmware_printed_is_not_the_kernels() -> None:
    firmware: dict[int, str] = {}
    tried = "Boot failed: could not read the boot disk"
    assert rows_of(cells(GREETING, "Booting from Floppy...", tried), {}) == ()
    assert rows_of(cells(tried, "No bootable device."), {}) == ("", "No bootable device.")
    assert rows_of(cells(GREETING, "", "Booting from ROM..."), firmware) == ()
    assert rows_of(cells("k> hello" + GREETING[8:]), firmware) == ("k> hello",)
    assert rows_of(cells("it was cleared"), firmware) == ("it was cleared",)
    assert rows_of(cells("x" * 39 + ")"), firmware) == ("x" * 39 + ")",)


def test_what_was_written_between_two_looks() -> None:
    assert difference((), ("a", "> ")) == "a\r\n> "
    assert difference(("a", ">"), ("a", "> x")) == " x"
    assert difference(("a", "> x"), ("a", "> x", "said", ">")) == "\r\nsaid\r\n>"
    assert difference(("a", "b", "> x"), ("b", "> x", "y")) == "\r\ny"
    assert difference(("a", "b", "c"), ("new",)) == "\r\nnew"
    assert difference(("a", "ed"), ("a", "edit")) == "it"
    assert difference(("a", "edit"), ("a", "Ed")) == "\r\x1b[KEd"
