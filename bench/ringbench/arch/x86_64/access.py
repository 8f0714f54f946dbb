"""The fault that an access must cause, from its translation (Intel SDM 3A 4.6 and 4.7).

A statement of the manual, for one access of at most one page; nothing here asks a processor. Where
QEMU is known to answer otherwise is in `qemu_departures`.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from ringbench.arch.x86_64.records import Leaf, Stop, Translation
from ringbench.arch.x86_64.vectors import PageFaultCode, Vector


class AccessKind(StrEnum):
    """What an access does."""

    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class PageFault:
    """The page fault that the processor must raise (Intel SDM 3A 4.7)."""

    address: int
    code: PageFaultCode
    vector: Vector = Vector.PF


@dataclass(frozen=True, slots=True)
class NonCanonicalFault:
    """A non-canonical address never reaches paging: #GP(0), or #SS(0) through the stack.

    Intel SDM volume 1, 3.3.7.1, and 3A 6.15.
    """

    address: int
    code: int = 0
    vector: Vector = Vector.GP


def access(
    translation: Translation,
    kind: AccessKind,
    *,
    user: bool,
    wp: bool = True,
    nxe: bool = True,
    smep: bool = False,
    smap: bool = False,
    ac: bool = False,
) -> PageFault | NonCanonicalFault | None:
    """Return the fault that an access must cause, or None if it goes through.

    Args:
        translation: the walk of the address, with the features of the same processor.
        kind: read, write or instruction fetch.
        user: whether the access is a user-mode access (CPL 3, not an implicit system access).
        wp: CR0.WP.
        nxe: EFER.NXE.
        smep: CR4.SMEP.
        smap: CR4.SMAP.
        ac: RFLAGS.AC; False also for an implicit supervisor access, which SMAP never lets pass.

    Raises:
        ValueError: the walk met a table outside memory; no manual says what is read there.
    """
    if translation.stop is Stop.NON_CANONICAL:
        return NonCanonicalFault(translation.vaddr)
    if translation.stop is Stop.NOT_PRESENT:
        return PageFault(translation.vaddr, _code(kind, user, nxe, smep))
    if translation.stop is Stop.RESERVED:
        code = _code(kind, user, nxe, smep) | PageFaultCode.P | PageFaultCode.RSVD
        return PageFault(translation.vaddr, code)
    leaf = translation.leaf
    if leaf is None:
        raise ValueError(f"{translation.vaddr:#x}: {translation.reason}: the fault is unknown")
    if user:
        allowed = _user_may(leaf, kind, nxe)
    else:
        allowed = _supervisor_may(leaf, kind, wp, nxe, smep, smap and not ac)
    if allowed:
        return None
    return PageFault(translation.vaddr, _code(kind, user, nxe, smep) | PageFaultCode.P)


def _user_may(leaf: Leaf, kind: AccessKind, nxe: bool) -> bool:
    if not leaf.user:
        return False
    if kind is AccessKind.WRITE:
        return leaf.write
    return kind is AccessKind.READ or leaf.execute or not nxe


def _supervisor_may(
    leaf: Leaf, kind: AccessKind, wp: bool, nxe: bool, smep: bool, smap_on: bool
) -> bool:
    if kind is AccessKind.EXECUTE:
        return not (leaf.user and smep) and (leaf.execute or not nxe)
    if leaf.user and smap_on:
        return False
    return kind is AccessKind.READ or leaf.write or not wp


@cache
def _code(kind: AccessKind, user: bool, nxe: bool, smep: bool) -> PageFaultCode:
    """Return the bits that describe the access; I only where SMEP or NXE is on (4.7)."""
    code = PageFaultCode(0)
    if kind is AccessKind.WRITE:
        code |= PageFaultCode.W
    if user:
        code |= PageFaultCode.U
    if kind is AccessKind.EXECUTE and (nxe or smep):
        code |= PageFaultCode.I
    return code
