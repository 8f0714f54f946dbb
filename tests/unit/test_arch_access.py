"""`access` against the manual's lists (Intel SDM 3A 4.6.1, 4.7), written as a table of cases."""

from itertools import product

import pytest

from ringbench.arch.x86_64.access import AccessKind, NonCanonicalFault, PageFault, access
from ringbench.arch.x86_64.entry import CacheMode
from ringbench.arch.x86_64.records import Leaf, Stop, Translation
from ringbench.arch.x86_64.vectors import PageFaultCode, Vector

VA = 0x40_0123
BITS = (False, True)


def mapped(rw: bool, us: bool, xd: bool) -> Translation:
    leaf = Leaf(0x40_0000, 0x7000, 4096, rw, us, not xd, False, CacheMode.WB, True, True, 0x7001)
    return Translation(VA, 0x1000, (), leaf, None, 1)


def stopped(stop: Stop, level: int = 2) -> Translation:
    return Translation(VA, 0x1000, (), None, stop, level)


def allowed_by_the_manual(case: str, rw: bool, xd: bool, flags: dict[str, bool]) -> bool:
    """4.6.1: `case` is mode of access, of address, kind; each row is one of its paragraphs."""
    data_may_cross = not flags["smap"] or flags["ac"]
    fetch_is_free_of_xd = not flags["nxe"] or not xd
    writable = rw or not flags["wp"]
    return {
        "supervisor reads supervisor": True,
        "supervisor reads user": data_may_cross,
        "supervisor writes supervisor": writable,
        "supervisor writes user": writable and data_may_cross,
        "supervisor fetches supervisor": fetch_is_free_of_xd,
        "supervisor fetches user": fetch_is_free_of_xd and not flags["smep"],
        "user reads supervisor": False,
        "user writes supervisor": False,
        "user fetches supervisor": False,
        "user reads user": True,
        "user writes user": rw,
        "user fetches user": fetch_is_free_of_xd,
    }[case]


VERBS = {AccessKind.READ: "reads", AccessKind.WRITE: "writes", AccessKind.EXECUTE: "fetches"}


def test_every_combination_of_rights_mode_and_controls() -> None:
    names = ("wp", "nxe", "smep", "smap", "ac")
    seen = 0
    for rw, us, xd, user in product(BITS, repeat=4):
        for kind, values in product(AccessKind, product(BITS, repeat=5)):
            flags = dict(zip(names, values, strict=True))
            if xd and not flags["nxe"]:
                continue  # bit 63 is then reserved: such a translation does not exist
            who, whose = ("user" if user else "supervisor"), ("user" if us else "supervisor")
            case = f"{who} {VERBS[kind]} {whose}"
            fault = access(mapped(rw, us, xd), kind, user=user, **flags)
            expected = allowed_by_the_manual(case, rw, xd, flags)
            assert (fault is None) is expected, (case, rw, xd, flags)
            if fault is not None:
                assert fault.code & PageFaultCode.P, (case, rw, xd, flags)
            seen += 1
    assert seen == 16 * 3 * 32 - 8 * 3 * 16


# Error codes as plain numbers: 1 present, 2 write, 4 user, 8 reserved, 16 fetch.
@pytest.mark.parametrize(
    ("kind", "user", "not_present", "protection", "reserved"),
    [
        (AccessKind.READ, False, 0, None, 9),
        (AccessKind.WRITE, False, 2, 3, 11),
        (AccessKind.EXECUTE, False, 16, 17, 25),
        (AccessKind.READ, True, 4, 5, 13),
        (AccessKind.WRITE, True, 6, 7, 15),
        (AccessKind.EXECUTE, True, 20, 21, 29),
    ],
)
def test_error_codes(
    kind: AccessKind, user: bool, not_present: int, protection: int | None, reserved: int
) -> None:
    absent = access(stopped(Stop.NOT_PRESENT), kind, user=user)
    assert absent == PageFault(VA, PageFaultCode(not_present))
    marred = access(stopped(Stop.RESERVED), kind, user=user)
    assert marred == PageFault(VA, PageFaultCode(reserved))
    if protection is not None:
        refused = access(mapped(rw=False, us=False, xd=True), kind, user=user)
        assert refused == PageFault(VA, PageFaultCode(protection))


@pytest.mark.parametrize(
    ("nxe", "smep", "code"), [(False, False, 0), (True, False, 16), (False, True, 16)]
)
def test_a_fetch_is_marked_only_where_smep_or_nxe_is_on(nxe: bool, smep: bool, code: int) -> None:
    fault = access(stopped(Stop.NOT_PRESENT), AccessKind.EXECUTE, user=False, nxe=nxe, smep=smep)
    assert fault == PageFault(VA, PageFaultCode(code))


def test_smap_violation_code_is_a_plain_protection_violation() -> None:
    fault = access(mapped(rw=True, us=True, xd=False), AccessKind.WRITE, user=False, smap=True)
    assert fault == PageFault(VA, PageFaultCode(3))


def test_a_non_canonical_address_is_no_page_fault() -> None:
    fault = access(stopped(Stop.NON_CANONICAL), AccessKind.READ, user=True)
    assert fault == NonCanonicalFault(VA)
    assert fault is not None
    assert fault.vector is Vector.GP


def test_a_table_outside_memory_has_no_answer() -> None:
    with pytest.raises(ValueError, match="fault is unknown"):
        access(stopped(Stop.UNREADABLE), AccessKind.READ, user=False)
