"""GDB/MI values: quoting, records, stops, breakpoints, memory."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygdbmi import gdbmiparser

from ringbench.machine import mi

STOP = (
    '*stopped,reason="breakpoint-hit",disp="keep",bkptno="2",frame={addr="0xffffffff80100010",'
    'func="tick",args=[],file="k.c",fullname="/src/k.c",line="62",arch="i386:x86-64"},'
    'thread-id="1",stopped-threads="all"'
)


def test_result_has_its_token() -> None:
    record = mi.parse('17^done,value="3"')
    assert record == mi.Record("result", "done", {"value": "3"}, 17)


TEXT = st.text(st.sampled_from('ab=,{}[]^~ "\\\n\t\u00e9'), max_size=6)
NAMES = st.sampled_from(["a", "thread-id", "b_2"])
SCALARS = TEXT.map(mi.quote)


def results(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return strategies of NAME=VALUE,..., names repeated now and then."""
    pairs = st.builds("{}={}".format, NAMES, values)
    return st.lists(pairs, max_size=3).map(",".join)


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        results(inner).map("{{{}}}".format),
        st.lists(inner, max_size=3).map(lambda each: f"[{','.join(each)}]"),
        results(inner).map("[{}]".format),
    ),
    max_leaves=8,
)


@given(st.integers(0, 99), st.sampled_from(["done", "error"]), results(VALUES))
def test_results_are_what_pygdbmi_makes_of_them(token: int, kind: str, text: str) -> None:
    line = f"{token}^{kind}" + (f",{text}" if text else "")
    parsed = gdbmiparser.parse_response(line)
    assert mi.parse(line) == mi.Record("result", kind, parsed["payload"], token)


@pytest.mark.parametrize(
    "text", [r'"\u0041"', r'"\b"', r'"\303\251"', '"\t"', "[]", "{}", '"a=\\"b=\\""']
)
def test_escapes_are_gdbs_and_not_those_of_json(text: str) -> None:
    try:
        expected = gdbmiparser.parse_response(f"1^done,v={text}")["payload"]
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            mi.parse(f"1^done,v={text}")
    else:
        assert mi.parse(f"1^done,v={text}").payload == expected


def test_error_has_gdbs_words() -> None:
    record = mi.parse(r'4^error,msg="No symbol \"x\" in current context."')
    assert record.message == "error"
    assert mi.error_text(record.payload) == 'No symbol "x" in current context.'
    assert mi.error_text(None) == "None"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('~"text\\n"', "console"),
        ('&"warning\\n"', "log"),
        ("(gdb) ", "done"),
        ('*running,thread-id="all"', "notify"),
        ("not MI at all", "output"),
        ("", "output"),
    ],
)
def test_other_lines(line: str, kind: str) -> None:
    assert mi.parse(line).kind == kind


def test_breakpoint_stop() -> None:
    assert mi.stop_event(mi.parse(STOP).payload) == mi.StopEvent(
        reason="breakpoint-hit",
        frame=mi.Frame(0, 0xFFFFFFFF80100010, "tick", "/src/k.c", 62),
        breakpoint=2,
    )


def test_watchpoint_stop() -> None:
    payload = mi.parse(
        '*stopped,reason="watchpoint-trigger",wpt={number="3",exp="counter"},'
        'value={old="41",new="42"},frame={addr="0x10",func="f",args=[]}'
    ).payload
    stop = mi.stop_event(payload)
    assert (stop.breakpoint, stop.old, stop.new) == (3, "41", "42")
    assert stop.frame == mi.Frame(0, 0x10, "f", None, None)


def test_read_watchpoint_stop() -> None:
    payload = mi.parse(
        '*stopped,reason="read-watchpoint-trigger",hw-rwpt={number="4",exp="c"},value={value="7"}'
    ).payload
    stop = mi.stop_event(payload)
    assert (stop.breakpoint, stop.old, stop.new, stop.frame) == (4, None, "7", None)


def test_signal_and_finish_and_bare_stops() -> None:
    signal = mi.stop_event({"reason": "signal-received", "signal-name": "SIGINT"})
    assert signal.signal == "SIGINT"
    finished = mi.stop_event({"reason": "function-finished", "return-value": "7"})
    assert finished.result == "7"
    assert mi.stop_event({}).reason == "unknown"


def test_breakpoint_made() -> None:
    payload = mi.parse(
        '1^done,bkpt={number="1",type="breakpoint",addr="0xffffffff80100000",func="tick",'
        'original-location="tick"}'
    ).payload
    assert mi.breakpoint_of(payload) == mi.Breakpoint(1, 0xFFFFFFFF80100000, "tick")
    many = {"bkpt": {"number": "2", "addr": "<MULTIPLE>", "original-location": "f"}}
    assert mi.breakpoint_of(many) == mi.Breakpoint(2, None, "f")
    watch = {"hw-awpt": {"number": "5", "exp": "counter"}}
    assert mi.breakpoint_of(watch) == mi.Breakpoint(5, None, "counter")
    with pytest.raises(ValueError, match="no breakpoint"):
        mi.breakpoint_of({})


def test_memory_must_be_whole() -> None:
    part = {"begin": "0x0000000000001000", "offset": "0x0", "end": "0x1002", "contents": "00ff"}
    assert mi.memory_of({"memory": [part]}, 0x1000, 2) == b"\x00\xff"
    with pytest.raises(ValueError, match="2 of 3 bytes at 0x1000"):
        mi.memory_of({"memory": [part]}, 0x1000, 3)
    with pytest.raises(ValueError, match="at 0xfff"):
        mi.memory_of({"memory": [part]}, 0xFFF, 2)


@pytest.mark.parametrize(
    ("text", "number"), [("-3", -3), ("0x10", 16), ("97 'a'", 97), ("0x10 <tick>", 16)]
)
def test_number(text: str, number: int) -> None:
    assert mi.number(text) == number


@pytest.mark.parametrize("text", ["{x = 3}", "<optimized out>", "true"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        mi.number(text)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"], include_characters="\n")))
def test_quoted_text_survives_the_parser_of_the_other_side(text: str) -> None:
    quoted = mi.quote(text)
    assert "\n" not in quoted
    assert mi.parse(f"^done,value={quoted}").payload == {"value": text}
