"""The console: every command is typed once, and `help` lists them.

What the layers below answer is tested with those layers.
"""

import re
from string import Template

from ringbench.machine import Machine
from tests.system.replies import HEX, REPLY

# Typed in this order into a kernel that has no task and no heap yet. $name is a value that an
# earlier reply had; what is expected is a regular expression for the whole reply.
SESSION = (
    (
        "info",
        r"ok loader=multiboot1 physical_bits=\d+ gib_pages=[01] managed=\d+ free=\d+ tasks=1 "
        r"current=t0",
    ),
    ("echo off", "ok"),
    ("pmm info", r"ok \d+ \d+"),
    ("pmm alloc", rf"ok (?P<frame>{HEX})"),
    ("pmm alloc 3", rf"ok (?P<run>{HEX})"),
    ("pmm alloc 2 0x10000", r"ok (?P<aligned>0x[0-9a-f]+0000)"),
    ("pmm alloc2m", rf"ok (?P<block>{HEX})"),
    ("page new", "ok r0"),
    ("page map r0 0x400000 $frame 4096 4k rwu", "ok"),
    ("page query r0 0x400123", "ok 0x400000 $frame 0x1000 rwu"),
    ("page protect r0 0x400000 0x1000 rxg:wc", "ok"),
    ("page query r0 0x400000", "ok 0x400000 $frame 0x1000 rxg:wc"),
    ("touch r0 0x400000 r", "ok"),
    ("touch r0 0x400000 w", "err fault page_fault error=0x3 cause=not_mapped"),
    ("page unmap r0 0x400000 0x1000", "ok"),
    ("touch r0 0x400000 w", "err fault page_fault error=0x2 cause=not_mapped"),
    ("touch r0 0x800000000000 r", "err fault general_protection error=0x0 cause=non_canonical"),
    ("page delete r0", "ok"),
    ("pmm free $frame", "ok"),
    ("pmm free $run 3", "ok"),
    ("pmm free $aligned 2", "ok"),
    ("pmm free $block 512", "ok"),
    ("slab new 24 8", "ok 0"),
    ("slab alloc 0", rf"ok (?P<object>{HEX})"),
    (
        "slab list",
        r"  object 0x30 0x8 82\n  region 0x38 0x8 70\n(?:  kmalloc-\S+ 0x\S+ 0x\S+ \d+\n)+"
        r"  task 0x48 0x8 55\n"
        r"  c0 0x18 0x8 165\n    0x\S+ 1\nok 1",
    ),
    ("slab free 0 $object", "ok"),
    ("slab free 0 $object", "err foreign .*"),
    ("slab delete 0", "ok"),
    ("kmalloc alloc 100", rf"ok (?P<small>{HEX})"),
    ("kmalloc free $small", "ok"),
    ("kmalloc free $small", "err foreign .*"),
    ("buddy alloc 33", rf"ok (?P<block>{HEX})"),
    ("buddy list", r"(?:  0x\S+ \d+\n)+ok 6"),
    ("buddy info", "ok 4096 1 64"),
    ("buddy free $block", "ok"),
    ("buddy free $block", "err foreign .*"),
    ("task new", "ok t1"),
    ("task list", r"  t0 .* current\n  t1 .*\nok 2"),
    ("disk list", "ok 0"),
    ("file list", "ok 0"),
    ("file evict 9", "ok 0"),
    *((f"file {words}", "err not_found .*") for words in ("open a", "close f0", "sync f0")),
    *((f"file {words}", "err not_found .*") for words in ("read f0 0 8", "write f0 0 00")),
    *((f"disk {words}", "err not_found .*") for words in ("find swap", "info d0", "flush d0")),
    *((f"disk {words}", "err not_found .*") for words in ("read d0 0 8", "write d0 0 8 00")),
    ("vm alloc t1 0x2000 anonymous rwu", rf"ok (?P<region>{HEX})"),
    ("vm at t1 0x100000 8192 demand rw", "ok"),
    ("vm query t1 0x101fff", "ok 0x100000 0x2000 demand rw"),
    ("vm write t1 $region c3a0FF", "ok"),
    ("vm read t1 $region 4", "ok c3a0ff00"),
    ("vm copy t1 0x100000 t1 $region 3", "ok"),
    ("vm read t1 0x100000 3", "ok c3a0ff"),
    ("touch t1 0x101000 w", "ok"),
    ("vm protect t1 $region rx", "ok"),
    ("touch t1 $region x", "ok"),
    ("touch t1 0x100000 x", "err fault page_fault error=0x11 cause=denied"),
    ("vm resize t1 $region 4096", "ok"),
    ("vm at t1 0x200000 0x1000 guard r", "ok"),
    ("touch t1 0x200000 r", "err fault page_fault error=0x0 cause=guard"),
    ("vm at t1 0x300000 0x1000 physical r:uc 0xfee00000", "ok"),
    ("vm query t1 0x300000", "ok 0x300000 0x1000 physical r:uc 0xfee00000"),
    ("vm list t1", r"(?:  0x.*\n){4}ok 4"),
    ("object new 0x2000", "ok o0"),
    ("vm at t1 0x400000 0x3000 shared rw o0 0x1000", "ok"),
    ("vm query t1 0x402fff", "ok 0x400000 0x3000 shared rw o0 0x1000"),
    ("vm write t1 0x400000 c3", "ok"),
    ("touch t1 0x400000 r", "ok"),
    ("touch t1 0x401000 r", "err fault page_fault error=0x0 cause=out_of_range"),
    ("object list", "  o0 0x2000 2 references\nok 1"),
    ("object drop o0", "ok"),
    ("task new", "ok t2"),
    ("space clone t2 t1", "ok"),
    ("space clone t2 t1", "err busy .*"),
    ("vm query t2 0x400000", "ok 0x400000 0x3000 shared rw o0 0x1000"),
    ("task delete t2", "ok"),
    ("vm free t1 0x100000", "ok"),
    ("task switch t1", "ok"),
    ("info", r"ok .* tasks=2 current=t1"),
    ("task switch t0", "ok"),
    ("program load t1 9", "err not_found .*"),
    ("program run t1", "err not_found .*"),
    ("task delete t1", "ok"),
    ("heap alloc 100", rf"ok (?P<a>{HEX})"),
    ("heap zalloc 0x64", rf"ok (?P<b>{HEX})"),
    ("heap align 4096 100", r"ok (?P<c>0x[0-9a-f]+000)"),
    ("heap realloc $a 5000", rf"ok (?P<a>{HEX})"),
    ("heap info", rf"ok {HEX} \d+ \d+ \d+ \d+"),
    ("heap check", "ok"),
    ("heap list", r"(?:  0x\S+ 0x\S+ (?:used|free)\n)+ok \d+"),
    ("heap free $b", "ok"),
    ("heap free $b", "err double_free .*"),
    ("heap free $a", "ok"),
    ("heap free $c", "ok"),
)


def test_every_command(quiet_console: Machine) -> None:
    known: dict[str, str] = {}
    for line, expected in SESSION:
        typed = Template(line).substitute(known)
        reply = quiet_console.command(typed)
        match = re.fullmatch(Template(expected).safe_substitute(known), reply)
        assert match, f"{typed!r} -> {reply!r}, expected {expected!r}"
        assert REPLY.fullmatch(reply), reply
        known.update(match.groupdict())


def test_help_lists_every_command_that_was_typed(quiet_console: Machine) -> None:
    *lines, last = quiet_console.command("help").splitlines()
    assert last == "ok"
    listed = {re.sub(r" ?[A-Z[].*", "", line.strip().partition(":")[0]) for line in lines}
    typed = {line for line, _ in SESSION} | {"help", "echo on", "poweroff", "ring"}
    unlisted = {
        line
        for line in typed
        if " ".join(line.split()[:2]) not in listed and line.split()[0] not in listed
    }
    untyped = {
        name for name in listed if not any(re.match(rf"{re.escape(name)}(?: |$)", t) for t in typed)
    }
    assert (unlisted, untyped) == (set(), set())
